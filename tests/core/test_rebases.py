"""What a rebase leaves in the state and in the proofs, and that folded facts change none of it."""

from collections.abc import Iterable

import pytest
from case_notation import FIRST_VERSION
from core_runs import SUBJECT, Engine, at, book_of, fact, policy, standing_bytes

from engine.core import state
from engine.core.decide import Options, pinned_policies
from engine.core.facts import Fact
from engine.core.proof import hash_of

LATER = "2030-01-01T00:00:00Z"
BOOK = book_of(
    policy("clocks: {resolve: {budget: {P1: 60m}, pause: [any]}, acknowledge: {budget: {P1: 30m}}}"),
    policy(
        "clocks: {triage: {budget: {P1: 45m}}, next_response: {budget: {P1: 20m}},"
        " resolve: {budget: {P1: 90m}}}",
        begins=LATER,
    ),
)


def rebased(minute: float, version: str = LATER) -> Fact:
    return fact("rebased", minute, policy="standard", version=version, reason="a new contract")


def told(given: Iterable[Fact], limit: int = 5_000, until: float = 10_000) -> Engine:
    engine = Engine(BOOK, Options(fact_limit=limit))
    for one in given:
        engine.tick_until(one.at)
        assert engine.take(one) is None
    engine.tick_until(at(until))
    return engine


def test_the_state_has_every_version_with_its_time_and_verdicts_name_theirs() -> None:
    given = [fact("opened", 0, severity="P1"), rebased(40), fact("triaged", 41), fact("resolved", 80)]
    engine = told(given)
    escalation, _ = state.decode(engine.store[SUBJECT.encode()])
    first, second = BOOK.policies
    assert [(since, version) for since, _, version, _ in escalation.pins] == [
        (at(0), first.version),
        (at(40), LATER),
    ]
    pinned = pinned_policies(engine.store[SUBJECT.encode()])
    assert pinned == [("standard", first.version, first.hash), ("standard", LATER, second.hash)]
    said = [(one.metric, one.name, one.policy.hash) for one in engine.said]
    assert said == [
        ("acknowledge", "breached", first.hash),
        ("acknowledge", "cancelled", first.hash),
        ("triage", "met", second.hash),
        ("resolve", "met", second.hash),
    ]
    assert all(one.hash == hash_of(one) for one in engine.said)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([rebased(10, FIRST_VERSION)], id="to the version that it has"),
        pytest.param([fact("cancelled", 5, reason="spam"), rebased(10)], id="cancelled before"),
        pytest.param([fact("merged", 5, into="desk:2"), rebased(10)], id="merged before"),
    ],
)
def test_a_rebase_that_moves_nothing_pins_no_other_version(given: list[Fact]) -> None:
    engine = told([fact("opened", 0, severity="P1"), *given], until=20)
    first, _ = BOOK.policies
    assert pinned_policies(engine.store[SUBJECT.encode()]) == [("standard", first.version, first.hash)]
    escalation, _ = state.decode(engine.store[SUBJECT.encode()])
    assert (escalation.policy_hash, escalation.pins) == (first.hash, [])


_CLOCKS = "clocks: {resolve: {budget: {P1: %dm}}}"


@pytest.mark.parametrize("beside", [[], [policy(_CLOCKS % 500, begins=LATER)]], ids=["alone", "edited"])
def test_what_was_moved_stays_with_its_version_though_that_is_withdrawn(beside: list[str]) -> None:
    """The event names no hash: which content it meant is what the escalation went on by."""
    meant = _CLOCKS % 90
    engine = Engine(book_of(policy(_CLOCKS % 60), policy(meant, begins=LATER)))
    for one in (fact("opened", 0, severity="P1"), rebased(40)):
        engine.take(one)
    withdrawn = policy(f"withdrawn: true\n{meant}", begins=LATER)
    engine.restart(book_of(policy(_CLOCKS % 60), *beside, withdrawn))
    assert engine.take(fact("updated", 20, title="late")) is None
    engine.tick_until(at(1_000))
    assert [(one.name, one.due_at) for one in engine.said] == [("breached", at(90))]


@pytest.mark.parametrize(
    ("given", "late"),
    [
        pytest.param([rebased(40)], fact("opened", 0, severity="P1"), id="it waits for the opening"),
        pytest.param(
            [fact("opened", 0, severity="P1"), rebased(40), rebased(50)],
            fact("updated", 20, title="late"),
            id="moved again to the version that it has",
        ),
        pytest.param(
            [fact("opened", 0, severity="P1"), fact("cancelled", 10, reason="spam"), rebased(40)],
            fact("reopened", 10, title="late"),
            id="what kept it from being moved is taken back",
        ),
    ],
)
def test_a_rebase_that_was_taken_and_moved_nothing_keeps_its_meaning(given: list[Fact], late: Fact) -> None:
    engine = Engine(book_of(policy(_CLOCKS % 60), policy(_CLOCKS % 90, begins=LATER)))
    for one in given:
        engine.take(one)
    engine.restart(book_of(policy(_CLOCKS % 60), policy(f"withdrawn: true\n{_CLOCKS % 90}", begins=LATER)))
    assert engine.take(late) is None
    engine.tick_until(at(1_000))
    assert [one.due_at for one in engine.said if one.name == "breached"] == [at(90)]


@pytest.mark.parametrize("limit", [6, 8, 10])
def test_what_was_folded_before_or_behind_a_rebase_changes_nothing_that_is_told_late(limit: int) -> None:
    """The answer and the question are folded; the clock that asks for them comes with the rebase."""
    given = [
        fact("opened", 0, severity="P1"),
        fact("message_sent", 2, public=True),
        fact("message_received", 5, public=True),
        *(fact("updated", minute, title=f"t{minute}") for minute in (6, 7)),
        rebased(8),
        *(fact("updated", minute, title=f"t{minute}") for minute in (9, 10, 11)),
    ]
    late = [fact("message_sent", 24, public=True), fact("updated", 10, id="late", title="late")]
    whole, folded = told([*given, *late]), told([*given, *late], limit)
    assert folded.counts["folded"] > 0
    assert folded.counts["late"] == 1
    assert standing_bytes(folded.said) == standing_bytes(whole.said)
    assert [one.name for one in whole.said if one.metric == "next_response"] == ["met"]


def test_after_facts_were_folded_a_clock_that_is_added_begins_with_what_is_kept() -> None:
    given = [fact("opened", 0, severity="P1"), fact("message_sent", 1, public=True)]
    given += [fact("updated", minute, title=f"t{minute}") for minute in range(2, 9)]
    given += [fact("message_received", 10, public=True), rebased(15)]
    engine = told(given, 6)
    assert engine.counts["folded"] > 0
    owed = [(one.name, one.due_at) for one in engine.said if one.metric == "next_response"]
    assert owed == [("breached", at(30))]
    assert not [one for one in engine.said if one.metric == "triage"]


def room(severity: str, begins: str = "2020-01-01T00:00:00Z") -> str:
    most = 4 if begins < LATER else 5
    return policy(
        f"war_room: {{{severity}: {{roles: [commander], staffed_within: 15m, at_most: {most}}}}}\n"
        "clocks: {resolve: {budget: {P0: 8h, P1: 8h}}}",
        begins=begins,
    )


def test_a_role_that_a_rebase_leaves_out_and_a_severity_asks_for_again_is_another_cycle() -> None:
    engine = Engine(book_of(room("P1"), room("P0", LATER)))
    for one in (
        fact("opened", 0, severity="P1"), rebased(30), fact("updated", 40, severity="P0"),
        fact("role_assigned", 60, role="commander", person="ann"),
    ):  # fmt: skip
        engine.take(one)
    said = [(one.name, one.cycle, one.reason) for one in engine.said if one.metric == "role"]
    assert said == [
        ("breached", 1, ""), ("cancelled", 1, "rebased"), ("breached", 2, ""), ("stopped_late", 2, "")
    ]  # fmt: skip


def test_a_role_that_was_late_before_facts_were_folded_is_late_once_by_the_next_version_too() -> None:
    engine = Engine(book_of(room("P1"), room("P1", LATER)), Options(fact_limit=4))
    messages = [fact("message_received", 20 + n, public=True) for n in range(6)]
    staffed = fact("role_assigned", 60, role="commander", person="ann")
    for one in (fact("opened", 0, severity="P1"), *messages, rebased(50), staffed):
        engine.take(one)
    assert engine.counts["folded"]
    said = [(one.name, one.cycle) for one in engine.said if one.metric == "role"]
    assert said == [("breached", 1), ("stopped_late", 1)]
