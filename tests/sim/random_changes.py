"""Calendars that change in the midst of a run: all workers are started anew with them, one after the other.

Drawn from a generator of its own: a seed without any is what it would be if there were none.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from msgspec.structs import replace
from random_books import random_calendar

from engine.core.deadlines import ACTION
from engine.core.instants import MINUTE, Instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book, Policy, Target
from engine.core.rules import FLAG, ROLE


class Change(NamedTuple):
    """What a worker that starts late knows of the calendars."""

    book: Book
    calendar: str
    """Whose hours are others; empty where only the data that all are built from have a new edition."""
    at: Instant
    """From when on workers are started with it."""


def random_change(rng: Random, start: Instant, book: Book) -> Change | None:
    """None for most seeds. A new edition moves no hours of these years: it must not be felt at all."""
    if rng.random() >= 0.4:
        return None
    at = Instant(start + rng.randrange(100, 2_800) * MINUTE)
    if rng.random() < 0.5:
        return Change(replace(book, tzdata=f"{book.tzdata} and later"), "", at)
    name = rng.choice(["office", "desk"])
    other = {name: random_calendar(rng, name)}
    return Change(replace(book, calendars={**book.calendars, **other}), name, at)


def metrics_on(policy: Policy, calendar: str) -> set[str]:
    """What is owed by the policy that any of its hours count for."""
    return {metric for metric, target in _targets(policy) if target.calendar == calendar}


def _targets(policy: Policy) -> Iterator[tuple[str, Target]]:
    for clock in policy.clocks:
        waits = (level.ack_within for level in clock.escalate if level.ack_within)
        yield from ((clock.metric, target) for target in (*clock.targets.values(), *waits))
    for cadence in policy.cadences:
        targets = (*cadence.every.values(), *cadence.first.values())
        yield from ((f"{cadence.audience}_update", target) for target in targets)
    yield from ((ROLE, room.staffed_within) for room in policy.war_room.values())
    yield from ((ACTION, target) for target in policy.action_budget.values())
    if policy.recurrence is not None:
        yield FLAG, policy.recurrence.flag_within


def without_editions(outcome: Outcome) -> Outcome:
    """Less by which editions of the calendars it was judged."""
    return replace(outcome, versions=None, hash="")
