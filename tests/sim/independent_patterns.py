"""Which recurrences there are, counted anew from events alone: no relays, no judge, no history."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from engine.core.escalation import WAITING
from engine.core.facts import REBASED, Fact, in_order
from engine.core.instants import Instant
from engine.core.policy import Policy, RecurrenceRule


class Recurrence(NamedTuple):
    pattern: str
    cycle: int
    at: Instant
    members: frozenset[str]


Pins = list[tuple[Instant, Policy]]
"""The policies of an escalation and since when: the opening's, then those that it was moved to."""


def members_of(
    standing: Mapping[str, list[Fact]], pinned: Mapping[str, Pins], statuses: Mapping[str, int]
) -> dict[str, list[tuple[Instant, str, RecurrenceRule]]]:
    """By pattern: when each of its members opened, which it is, and the rule by which it became one."""
    found: defaultdict[str, list[tuple[Instant, str, RecurrenceRule]]] = defaultdict(list)
    for subject, facts in standing.items():
        if subject not in pinned or statuses[subject] == WAITING:
            continue
        opened = next(fact.at for fact in in_order(facts) if fact.kind != REBASED)
        is_of = _membership(in_order(facts), pinned[subject])
        if is_of is not None:
            found[f"pattern:{is_of[0]}"].append((opened, subject, is_of[1]))
    return found


def _membership(facts: list[Fact], pins: Pins) -> tuple[str, RecurrenceRule] | None:
    """What it is an occurrence of in the end, and by whose rule. A policy without one changes nothing."""
    (_, policy), *moves = pins
    named, is_of, is_there = None, None, True
    for fact in facts:
        was_there, is_there = is_there, fact.kind != "cancelled" and (is_there or fact.kind == "reopened")
        if was_there and fact.kind == "merged":
            return None
        if not is_there:
            is_of = None
            continue
        if fact.kind in ("opened", "updated"):
            named = fact.data.get("fingerprint", named)
        if fact.kind == REBASED and moves and moves[0][0] == fact.at and _goes_to(fact, moves[0][1]):
            policy = moves.pop(0)[1]
        rule = policy.recurrence
        if rule is not None and named != (is_of and is_of[0]):
            is_of = None if named is None else (str(named), rule)
    return is_of


def _goes_to(fact: Fact, policy: Policy) -> bool:
    return (fact.text("policy"), fact.text("version")) == (policy.name, policy.version)


def recurrences(
    pattern: str, members: list[tuple[Instant, str, RecurrenceRule]], flags: list[Fact]
) -> set[Recurrence]:
    """Every one that has to be said, the members being few and none at the same instant as another."""
    found: set[Recurrence] = set()
    in_time = sorted(members)
    rule = in_time[0][2]
    told = sorted([(flag.order, "", flag.at) for flag in flags])
    owed, cycle = False, 0
    for place, (at, _, _) in enumerate(in_time):
        before = [subject for when, subject, _ in in_time[:place] if when > at - rule.window]
        last = in_time[place - 1][0] if place else Instant(0)
        # A flag at the very instant of an occurrence stops what was owed before it, if it has no sequence.
        owed = owed and not any(_between(order, last, at) for order, _, _ in told)
        if before and not owed:
            owed, cycle = True, cycle + 1
            found.add(Recurrence(pattern, cycle, at, frozenset([*before, in_time[place][1]])))
    return found


def _between(order: tuple[int, str, int, str, str], last: Instant, at: Instant) -> bool:
    """Behind the occurrence at `last`, and before that at `at`."""
    when, sequence = order[0], order[1]
    return (last < when or (when == last and sequence != "")) and (when < at or (when == at and not sequence))
