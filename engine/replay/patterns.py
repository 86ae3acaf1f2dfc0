"""The patterns of recorded events: their members, whether they are flagged, and which two may be one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from engine.core import state
from engine.core.clocks import LIVE
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.fingerprints import normalised
from engine.core.instants import Instant, format_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.recurrence import PREFIX, is_pattern
from engine.core.rules import FLAG
from engine.core.standing import standing
from engine.replay.gather import Known
from engine.replay.judging import Bench

OVERDUE, OWED, FLAGGED, WAIVED, ONCE = "overdue", "owed", "flagged", "waived", "once"
"""ONCE: it has not recurred, or not within its window."""
MOST_COMPARED = 1_000
"""Patterns of one service and component that are compared with each other, the latest."""


class Member(NamedTuple):
    """One occurrence, as known when it joined."""

    subject: str
    opened: Instant
    severity: str
    title: str
    customer: str


class Pattern(NamedTuple):
    """One pattern at the time asked about."""

    fingerprint: str
    service: str
    component: str
    members: list[Member]
    """Of all times, in the order of their opening."""
    state: str
    """overdue, owed, flagged, waived, once."""
    at: Instant | None
    """When the flag is, or was, due; of a flagged one when that was; of others None."""
    cycle: int
    """How often it recurred."""
    notify: tuple[str, ...]
    """The roles that its last recurrence named."""

    @property
    def subject(self) -> str:
        return PREFIX + self.fingerprint

    @property
    def title(self) -> str:
        """Of the last member."""
        return self.members[-1].title


class NearMiss(NamedTuple):
    """Two patterns of one service and component with titles that are alike: they may be one."""

    similarity: float
    """Of the words of both titles the share that the other has, too, from 0 to 1."""
    into: Pattern
    """The one with more members, of equal ones the older."""
    other: Pattern


def urgency(pattern: Pattern) -> tuple[int, int]:
    """To sort by: what is overdue first, then what is owed, each by its time; then what was flagged, the
    latest first."""
    order = (OVERDUE, OWED, FLAGGED)
    rank = order.index(pattern.state) if pattern.state in order else len(order)
    at = pattern.at or 0
    return rank, -at if pattern.state == FLAGGED else at


def as_plain(one: Pattern) -> dict[str, object]:
    """As plain values, with all members."""
    return {
        "subject": one.subject,
        "fingerprint": one.fingerprint,
        "service": one.service,
        "component": one.component,
        "title": one.title,
        "flag": one.state,
        "at": None if one.at is None else format_instant(one.at),
        "recurred": one.cycle,
        "notify": list(one.notify),
        "members": [
            {
                "subject": member.subject,
                "opened_at": format_instant(member.opened),
                "severity": member.severity,
                "title": member.title,
                "customer": member.customer,
            }
            for member in one.members
        ],
    }


class Patterns:
    """What was found; `escalations` and `without` are complete when `read` has ended."""

    def __init__(self, book: Book, options: Options) -> None:
        self.escalations = 0
        self.without = 0
        """Escalations of no pattern: a field of the fingerprint is unknown, or they are spam or merged."""
        self._bench = Bench(book, options, lambda *_: None)

    def read(self, known: Iterable[Known], until: Instant) -> Iterator[Pattern]:
        """Every pattern that has a member, in the order of fingerprints."""
        for subject, facts, relayed in known:
            if not is_pattern(subject):
                self.escalations += 1
                self.without += 1
            elif relayed:
                self.without -= len(relayed)
                yield self.judged(subject, facts, relayed, until)

    def judged(self, subject: str, facts: list[Fact], relayed: list[Fact], until: Instant) -> Pattern:
        """The pattern, by what was said of it and by its occurrences, one at least. As long as neither
        changes, and what it owes is not due, it is the same at any later time."""
        changes = self._bench.settle(subject, facts + relayed, until)
        record = dict(changes.records).get(subject.encode())
        said = standing(changes.outcomes)
        how, at = _state(record, said)
        recurred = [one for one in said if one.name == "recurrence_detected"]
        members = sorted(map(_member, relayed), key=lambda one: (one.opened, one.subject))
        last = max(relayed, key=lambda fact: (fact.at, fact.text("from")))
        return Pattern(
            subject.removeprefix(PREFIX), last.text("service"), last.text("component"), members, how, at,
            len(recurred), recurred[-1].notify if recurred else (),
        )  # fmt: skip


def _state(record: bytes | None, said: Sequence[Outcome]) -> tuple[str, Instant | None]:
    if record is not None:
        escalation, _ = state.decode(record)
        for clock in escalation.clocks:
            if clock.phase in LIVE:
                return OVERDUE if clock.breached else OWED, clock.due
    for one in reversed(said):
        if one.metric != FLAG:  # of a promise or an action item that a pattern has, too
            continue
        if one.name in ("met", "stopped_late"):
            return FLAGGED, one.effective_at
        if one.name == "waived":
            return WAIVED, None
    return ONCE, None


def _member(told: Fact) -> Member:
    return Member(
        told.text("from"), told.at, told.text("severity"), told.text("title"), told.text("customer")
    )


def near_misses(patterns: Iterable[Pattern], similarity: float) -> list[NearMiss]:
    """Pairs whose titles share at least so much, the most alike first."""
    groups: defaultdict[tuple[str, str], list[Pattern]] = defaultdict(list)
    for one in patterns:
        groups[place_of(one)].append(one)
    return most_alike(miss for group in groups.values() for miss in near_misses_of_one(group, similarity))


def place_of(one: Pattern) -> tuple[str, str]:
    """Service and component: patterns of one place are compared with each other."""
    return one.service.casefold(), one.component.casefold()


def near_misses_of_one(group: Iterable[Pattern], similarity: float) -> list[NearMiss]:
    """Of the patterns of one place; of one that is unknown, none."""
    latest = sorted(group, key=lambda one: (one.members[-1].opened, one.fingerprint))[-MOST_COMPARED:]
    if not latest or not all(place_of(latest[0])):
        return []
    words = [frozenset(normalised(one.title).split()) - {"#"} for one in latest]
    found: list[NearMiss] = []
    for left, right in _sharing(words):
        share = _shared(words[left], words[right])
        if share >= similarity:
            pair = latest[left], latest[right]
            into, other = sorted(pair, key=lambda one: (-len(one.members), one.members[0].opened))
            found.append(NearMiss(share, into, other))
    return found


def most_alike(found: Iterable[NearMiss]) -> list[NearMiss]:
    """In the order in which they are told."""
    return sorted(found, key=lambda one: (-one.similarity, one.into.fingerprint, one.other.fingerprint))


def _sharing(words: Sequence[frozenset[str]]) -> Iterator[tuple[int, int]]:
    """The pairs that have a word in common, each once; most have none."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for right, said in enumerate(words):
        yield from ((left, right) for left in sorted({left for word in said for left in places[word]}))
        for word in said:
            places[word].append(right)


def _shared(left: frozenset[str], right: frozenset[str]) -> float:
    """Dice's coefficient."""
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0
