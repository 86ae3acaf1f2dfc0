"""Verdicts stay though calendars changed: a late fact moves only what it itself changes (Calendars 4)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from engine.core.cadences import Cadence
from engine.core.clocks import Clock
from engine.core.deadlines import ACTION, Deadline
from engine.core.escalation import Escalation
from engine.core.rules import Plan
from engine.core.statements import Statement

Obligation: TypeAlias = tuple[str, str]
"""Metric and key."""
_Owed = TypeVar("_Owed", Clock, Cadence, Deadline)


class Derived(NamedTuple):
    """What facts come to, all of them judged by the calendars of now."""

    escalation: Escalation
    said: list[Statement]


def obligation_of(statement: Statement) -> Obligation:
    return statement.metric, statement.key


def keep_given(
    was_plan: Plan, was: Escalation, without: Derived, plan: Plan, derived: Derived
) -> set[Obligation]:
    """What a late fact leaves alone goes on as it `was`, and what was said of it stands; which that is.

    Between `without` the fact and `derived` with it lies what the fact changes; between `was` and `without`
    what the calendars changed, and verdicts stay. `was_plan` judged the first two, `plan` the last.
    """
    before, now = without.escalation, derived.escalation
    said_before, said_now = _by_obligation(without.said), _by_obligation(derived.said)

    def keep(
        was_names: list[Obligation],
        old: list[_Owed],
        base: list[_Owed],
        names: list[Obligation],
        new: list[_Owed],
    ) -> Iterator[Obligation]:
        # Not strict: of roles, each has the clocks that its severities asked for.
        known = {name: (was_, before_) for name, was_, before_ in zip(was_names, old, base, strict=False)}
        for place, (name, now_) in enumerate(zip(names, new, strict=True)):
            if name not in known or said_before[name] != said_now[name]:
                continue
            was_, before_ = known[name]
            if before_ == now_:
                new[place] = was_
                yield name

    # Of the roles that no severity has asked for since, there are plans and no clocks.
    clocks, cadences = _clocks(plan)[: len(now.clocks)], _cadences(plan)
    actions, were = _actions(now), _actions(was)
    # What a rebase has left out is no more in any state, but what was said of it stands.
    left_out = {name for name in said_before if "/".join(name) in was.left} - {*clocks, *cadences}
    return {
        *(name for name in left_out if said_before[name] == said_now[name]),
        *keep(_clocks(was_plan), was.clocks, before.clocks, clocks, now.clocks),
        *keep(_cadences(was_plan), was.cadences, before.cadences, cadences, now.cadences),
        *keep(were, was.actions, before.actions, actions, now.actions),
    }


def _clocks(plan: Plan) -> list[Obligation]:
    return [(clock.metric, clock.key) for clock in plan.clocks]


def _cadences(plan: Plan) -> list[Obligation]:
    return [(cadence.metric, "") for cadence in plan.cadences]


def _actions(escalation: Escalation) -> list[Obligation]:
    """Their dates may have come of a budget on a calendar."""
    return [(ACTION, one.id) for one in escalation.actions]


def _by_obligation(said: Sequence[Statement]) -> defaultdict[Obligation, list[Statement]]:
    found: defaultdict[Obligation, list[Statement]] = defaultdict(list)
    for statement in said:
        found[obligation_of(statement)].append(statement)
    return found
