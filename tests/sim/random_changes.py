"""Calendars that change in the midst of a run, or policies that get another version: all workers are started
anew with them, one after the other.

Drawn from a generator of its own: a seed without any is what it would be if there were none.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from msgspec.structs import replace
from random_books import random_calendar, with_another_version
from random_lives import Sent, sent_at

from engine.core.deadlines import ACTION
from engine.core.facts import REBASED, Fact, Value
from engine.core.instants import MINUTE, Instant, format_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book, Policy, Target
from engine.core.rules import FLAG, ROLE

ALL_HAVE_IT = 620
"""Minutes after which every worker was started with what is new: two seconds of the run, and some."""


class Change(NamedTuple):
    """What a worker that starts late knows of the calendars."""

    book: Book
    calendar: str
    """Whose hours are others; empty where only the data that all are built from have a new edition."""
    at: Instant
    """From when on workers are started with it."""
    text: str = ""
    """Of the book, where its policies are others."""
    sent: Sequence[Sent] = ()
    """What is sent only once all workers have it."""

    @property
    def name(self) -> str:
        return "another version" if self.text else "other calendars"


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


def random_version(rng: Random, start: Instant, text: str, book: Book) -> Change | None:
    """None for most seeds. It begins when all workers have it, as docs/policies.md asks for; what opens from
    then on, and what is moved to it, be it at a time of before, is told by then."""
    if rng.random() >= 0.2:
        return None
    at = rng.randrange(0, 900)
    begins = Instant(start + (at + ALL_HAVE_IT) * MINUTE)
    name = rng.choice([policy.name for policy in book.policies])
    made, text = with_another_version(rng, text, book, name, begins)
    version = format_instant(begins)
    facts: list[tuple[str, Fact]] = []
    for number in range(rng.choice([1, 2])):
        opened = Instant(begins + rng.choice([-1, 0, 0, 60]) * MINUTE)
        data: dict[str, Value] = {"title": "x", "service": "mail", "customer": {"id": "c", "tier": "gold"}}
        facts.append((f"new:{number}", Fact("versions", "o", "opened", opened, opened, "", data)))
    for number in range(rng.choice([0, 1, 2])):
        moved = Instant(start + rng.choice([5, 60, at, at + ALL_HAVE_IT, 1_900]) * MINUTE)
        data = {"policy": name, "version": version, "reason": "a new contract"}
        subject = rng.choice(["desk:0", "desk:1", "new:0"])
        facts.append((subject, Fact("versions", f"r{number}", REBASED, moved, moved, "", data)))
    arrivals = (Instant(max(begins, fact.at) + rng.choice([0, 1, 40, 400]) * MINUTE) for _, fact in facts)
    sent = [
        sent_at(arrives, start, "ticket", subject, fact)
        for arrives, (subject, fact) in zip(arrivals, facts, strict=True)
    ]
    return Change(made, "", Instant(start + at * MINUTE), text, sent)


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
