"""Which recurrences there are, counted anew from events alone: no relays, no judge, no history."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from engine.core.escalation import WAITING
from engine.core.facts import Fact, in_order
from engine.core.instants import Instant
from engine.core.policy import Policy, RecurrenceRule


class Recurrence(NamedTuple):
    pattern: str
    cycle: int
    at: Instant
    members: frozenset[str]


def members_of(
    standing: Mapping[str, list[Fact]], pinned: Mapping[str, Policy], statuses: Mapping[str, int]
) -> dict[str, list[tuple[Instant, str, RecurrenceRule]]]:
    """By pattern: when each of its members opened, which it is, and the rule of its policy."""
    found: defaultdict[str, list[tuple[Instant, str, RecurrenceRule]]] = defaultdict(list)
    for subject, facts in standing.items():
        rule = pinned[subject].recurrence if subject in pinned else None
        if rule is None or statuses[subject] == WAITING:
            continue
        ordered = in_order(facts)
        named, is_gone = None, False
        for fact in ordered:
            is_gone = is_gone or fact.kind in ("cancelled", "merged")
            if fact.kind in ("opened", "updated") and "fingerprint" in fact.data and not is_gone:
                named = fact.data["fingerprint"]
        if named is not None and not is_gone:
            found[f"pattern:{named}"].append((ordered[0].at, subject, rule))
    return found


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
