"""Which recurrences there are, counted anew from events alone: no relays, no judge, no history.

How a fingerprint is spelt is asked of the engine; which escalations have the same is not.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from random_known import TITLES

from engine.core.escalation import WAITING
from engine.core.facts import REBASED, Fact, Value, in_order
from engine.core.fingerprints import made_from
from engine.core.instants import Instant
from engine.core.policy import Policy, RecurrenceRule
from with_reopenings import with_reopenings


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
    known: dict[str, Value] = {}
    is_of, is_there = None, True
    for fact in with_reopenings(facts, lambda fact: fact.kind, lambda fact, _: fact):
        if fact.kind == "merged":
            return None
        if fact.kind in ("opened", "updated"):
            known |= fact.data
        is_there = fact.kind != "cancelled" and (is_there or fact.kind == "reopened")
        if not is_there:
            is_of = None
            continue
        if fact.kind == REBASED and moves and moves[0][0] == fact.at and _goes_to(fact, moves[0][1]):
            policy = moves.pop(0)[1]
        rule = policy.recurrence
        if rule is not None and (named := _named(rule, known)) != (is_of and is_of[0]):
            is_of = None if named is None else (named, rule)
    return is_of


def _named(rule: RecurrenceRule, known: Mapping[str, Value]) -> str | None:
    """The fingerprint that was given, else that of the policy's fields, once all of them are known."""
    given = known.get("fingerprint")
    if given is not None:
        return str(given)
    values = [known.get(name) for name in rule.fingerprint]
    if None in values:
        return None
    return made_from(rule.fingerprint, tuple(_alike(str(value)) for value in values))


def _alike(value: str) -> str:
    """What stands for all that tell the same."""
    return TITLES.get(value, value.strip().lower())


def _goes_to(fact: Fact, policy: Policy) -> bool:
    return (fact.text("policy"), fact.text("version")) == (policy.name, policy.version)


def recurrences(
    pattern: str, members: list[tuple[Instant, str, RecurrenceRule]], facts: list[Fact]
) -> set[Recurrence]:
    """Every one that has to be said, the members being few and none at the same instant as another; nor as
    one of the waivers among the pattern's facts, from which on nothing is owed."""
    found: set[Recurrence] = set()
    in_time = sorted(members)
    rule = in_time[0][2]
    told = [fact.order for fact in facts if fact.kind == "recurrence_flagged"]
    waivers = [f.at for f in facts if f.kind == "waived" and f.text("metric") == "flag_recurrence"]
    owed, cycle = False, 0
    for place, (at, _, _) in enumerate(in_time):
        before = [subject for when, subject, _ in in_time[:place] if when > at - rule.window]
        last = in_time[place - 1][0] if place else Instant(0)
        # A flag at the very instant of an occurrence stops what was owed before it, if it has no sequence.
        owed = owed and not any(_between(order, last, at) for order in told)
        if before and not owed and not any(waived < at for waived in waivers):
            owed, cycle = True, cycle + 1
            found.add(Recurrence(pattern, cycle, at, frozenset([*before, in_time[place][1]])))
    return found


def _between(order: tuple[int, str, int, str, str], last: Instant, at: Instant) -> bool:
    """Behind the occurrence at `last`, and before that at `at`."""
    when, sequence = order[0], order[1]
    return (last < when or (when == last and sequence != "")) and (when < at or (when == at and not sequence))
