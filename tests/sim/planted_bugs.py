"""Mistakes made on purpose, each of a kind that engines like this one have really made."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sim_worker import SimWorker

from engine.core import case, judge, recurrence, relays, verbs
from engine.core.clocks import Clock
from engine.core.facts import OCCURRENCE, Fact
from engine.core.fingerprints import made_from
from engine.core.given import Obligation, obligation_of
from engine.core.instants import Instant
from engine.core.runner import Runner
from engine.core.severity import Matrices, Matrix
from engine.core.verbs import MOVES
from engine.policies.expressions import Expression
from engine.stream import sender
from engine.stream.acknowledged import Acknowledged
from engine.stream.delivery import Decision, batches, send_batches
from engine.stream.table import StateTable
from engine.stream.transactions import Lane

Judge: Any = vars(case)["Judge"]
"""Whatever class it is that cases are judged by."""
Plant = Callable[[pytest.MonkeyPatch], None]


def tie_decided_the_wrong_way(patch: pytest.MonkeyPatch) -> None:
    """An event at exactly the due time is judged late (semantics: met if stop <= due)."""
    step = Judge.step

    def late_at_the_due_time(self: Any, fact: Fact, *rest: Any) -> None:
        self.advance(Instant(fact.at + 1))
        step(self, fact, *rest)

    patch.setattr(Judge, "step", late_at_the_due_time)


def pause_counted_in_wall_time(patch: pytest.MonkeyPatch) -> None:
    """A clock that is resumed goes on as if it had never been paused."""
    release = Runner.release

    def with_the_pause(self: Runner, plan: Any, clock: Clock, *rest: Any) -> None:
        held_at = clock.mark
        release(self, plan, clock, *rest)
        clock.mark = held_at
        clock.due = self.reach(clock, clock.budget)
        self._arm(plan, clock)

    patch.setattr(Runner, "release", with_the_pause)


def outcomes_after_the_state(patch: pytest.MonkeyPatch) -> None:
    """Acknowledged delivery in the wrong order: a crash between the two says nothing, ever."""

    async def state_first(self: Any, decision: Decision, previous: asyncio.Task[None] | None) -> None:
        outcomes, state = decision.outcomes, decision.state
        if previous is not None:
            await previous
        await self._write_state(decision.chunk.partition, state)
        decision.outcomes, decision.state = [], []
        await self._sender.send(self._settings.outcomes_topic, decision.chunk.partition, outcomes)
        await settle(self, decision, None)

    settle = Acknowledged._settle
    patch.setattr(Acknowledged, "_settle", state_first)


def outcomes_outside_of_the_transaction(patch: pytest.MonkeyPatch) -> None:
    """Outcomes are committed by themselves, before the state and the offsets: a crash says them twice."""
    commit = Lane._commit

    async def outcomes_apart(self: Any, group: list[Decision]) -> None:
        producer, settings = self._producer, self._settings
        said = [record for decision in group for record in decision.outcomes]
        if said:
            ready = batches(producer, said, settings.max_record_bytes)
            await producer.begin_transaction()
            await send_batches(producer, settings.outcomes_topic, self.partition, ready)
            await producer.commit_transaction()
        for decision in group:
            decision.outcomes = []
        await commit(self, group)

    patch.setattr(Lane, "_commit", outcomes_apart)


def nothing_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    """What was passed on to another escalation and is not wanted any more goes on counting there."""

    def without_withdrawals(wanted: Any, sent: Any) -> relays.Settled:
        settled = relays.settle(wanted, sent)
        kept = [relay for relay in settled.to_send if not relays.is_withdrawn(relay.fact)]
        return settled._replace(to_send=kept)

    patch.setattr(case, "settle", without_withdrawals)


def occurrences_out_of_the_window(patch: pytest.MonkeyPatch) -> None:
    """Whatever recurs after whatever time is a recurrence: a replay that makes the mistake, too, agrees."""
    occur = MOVES[OCCURRENCE]

    def as_if_at_once(judge: Any, fact: Fact) -> None:
        e = judge.escalation
        e.occurrences = [(fact.at, subject) for _, subject in e.occurrences]
        occur(judge, fact)

    patch.setitem(MOVES, OCCURRENCE, as_if_at_once)


def unknown_is_not_so(patch: pytest.MonkeyPatch) -> None:
    """Before the triage a severity rule that asks for something unknown is passed over."""
    answer = Matrix.answer

    def as_if_triaged(self: Matrix, attributes: Any, *, triaged: bool, otherwise: str) -> Any:
        return answer(self, attributes, triaged=True, otherwise=otherwise)

    patch.setattr(Matrix, "answer", as_if_triaged)


def rules_of_now(patch: pytest.MonkeyPatch) -> None:
    """Whatever the time of an event, the newest version of the severity rules judges it."""
    patch.setattr(Matrices, "at", lambda self, at: self._versions[-1] if self._versions else None)


def waivers_unheard(patch: pytest.MonkeyPatch) -> None:
    """A clock that was waived is judged on: a replay that makes the mistake, too, agrees."""
    patch.delitem(MOVES, "waived")


def nothing_waits_for_a_reopening(patch: pytest.MonkeyPatch) -> None:
    """What comes between a cancellation and its reopening is not heard: a replay agrees."""
    for module in (judge, verbs):
        patch.setattr(module, "waits", lambda fact, status: False)


def conditions_unasked(patch: pytest.MonkeyPatch) -> None:
    """Whatever a policy's `when` says, it takes whom its `match` takes: a replay agrees."""
    patch.setattr(Expression, "holds", lambda self, attributes: True)


def unknown_is_a_value(patch: pytest.MonkeyPatch) -> None:
    """Two of which nobody has said which component failed are alike: a replay agrees."""

    def with_blanks(rule: Any, attributes: Any) -> str:
        given = attributes.get("fingerprint")
        return given or made_from(rule.fingerprint, tuple(attributes.get(n) or "?" for n in rule.fingerprint))

    patch.setattr(recurrence, "fingerprint", with_blanks)


def calendars_of_the_beginning(patch: pytest.MonkeyPatch) -> None:
    """What is open when calendars change goes on by what was counted before."""
    patch.setattr(Judge, "recount", lambda self: None)


def given_for_good(patch: pytest.MonkeyPatch) -> None:
    """Once calendars have changed, what was said stays, whatever turns up late."""

    def all_of_it(was_plan: Any, was: Any, without: Any, plan: Any, derived: Any) -> set[Obligation]:
        keep_given(was_plan, was, without, plan, derived)
        return {obligation_of(statement) for statement in without.said}

    keep_given = vars(case)["keep_given"]
    patch.setattr(case, "keep_given", all_of_it)


def states_torn_between_batches(patch: pytest.MonkeyPatch) -> None:
    """Acknowledged delivery with a state that is spread over batches: a crash between two leaves new history
    beside an old main record."""
    patch.setattr(sender, "whole_batches", batches)


def interrupted_recovery_taken_for_over(patch: pytest.MonkeyPatch) -> None:
    """What a recovery had read when the next rebalance came passes for the state, as Faust says."""
    patch.setattr(SimWorker, "recovers_again", lambda self: False)
    patch.setattr(StateTable, "unread", lambda self, ends: {})


ALL: dict[Plant, int] = {
    tie_decided_the_wrong_way: 15,
    pause_counted_in_wall_time: 6,
    outcomes_after_the_state: 2,
    outcomes_outside_of_the_transaction: 0,
    nothing_is_taken_back: 1,
    occurrences_out_of_the_window: 10,
    unknown_is_not_so: 38,
    rules_of_now: 88,
    waivers_unheard: 91,
    nothing_waits_for_a_reopening: 108,
    conditions_unasked: 1,
    unknown_is_a_value: 9,
    calendars_of_the_beginning: 68,
    given_for_good: 12,
    interrupted_recovery_taken_for_over: 1,
}
"""With the seed that finds it first, as in docs/reliability.md."""

RARE: dict[Plant, int] = {states_torn_between_batches: 9856}
"""What no early seed finds, by the seed that did."""
