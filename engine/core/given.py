"""Verdicts stay though calendars changed: a late fact moves only what it itself changes (Calendars 4)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeAlias, TypeVar

from engine.core.cadences import Cadence
from engine.core.clocks import Clock
from engine.core.escalation import Escalation
from engine.core.rules import Plan
from engine.core.statements import Statement

Obligation: TypeAlias = tuple[str, str]
"""Metric and key."""
_Owed = TypeVar("_Owed", Clock, Cadence)


class Derived(NamedTuple):
    """What facts come to, all of them judged by the calendars of now."""

    escalation: Escalation
    said: list[Statement]


def obligation_of(statement: Statement) -> Obligation:
    return statement.metric, statement.key


def keep_given(plan: Plan, was: Escalation, without: Derived, derived: Derived) -> set[Obligation]:
    """What a late fact leaves alone goes on as it `was`, and what was said of it stands; which that is.

    Between `without` the fact and `derived` with it lies what the fact changes; between `was` and `without`
    what the calendars changed, and verdicts stay.
    """
    before, now = without.escalation, derived.escalation
    said_before, said_now = _by_obligation(without.said), _by_obligation(derived.said)

    def keep(
        names: Iterable[Obligation], old: list[_Owed], base: list[_Owed], new: list[_Owed]
    ) -> Iterator[Obligation]:
        # Not strict: of roles, each has the clocks that its severities asked for.
        for place, (name, was_, before_, now_) in enumerate(zip(names, old, base, new, strict=False)):
            if before_ == now_ and said_before[name] == said_now[name]:
                new[place] = was_
                yield name

    clocks = [(clock.metric, clock.key) for clock in plan.clocks]
    cadences = [(cadence.metric, "") for cadence in plan.cadences]
    return {
        *keep(clocks, was.clocks, before.clocks, now.clocks),
        *keep(cadences, was.cadences, before.cadences, now.cadences),
    }


def _by_obligation(said: Sequence[Statement]) -> defaultdict[Obligation, list[Statement]]:
    found: defaultdict[Obligation, list[Statement]] = defaultdict(list)
    for statement in said:
        found[obligation_of(statement)].append(statement)
    return found
