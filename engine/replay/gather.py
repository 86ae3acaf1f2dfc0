"""Recorded lines → facts, sorted for judging: by subject, or by the order of their arrival."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from engine.contract.codec import Command, Decoded, PartlyKnown, Received, Tick, Unreadable, read_line
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.recurrence import is_pattern
from engine.replay.sorting import Sorter

if TYPE_CHECKING:
    from engine.replay.relaying import Relaying

LINKING = frozenset({"linked", "merged"})
"""Only who has said one of these passes anything on."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fact).decode


class Rejected(NamedTuple):
    """A line or a record that is no event, and why."""

    place: str
    """FILE:LINE, or TOPIC/PARTITION/OFFSET."""
    reason: str
    detail: str
    path: str

    def __str__(self) -> str:
        return f"{self.place}: {Unreadable(self.reason, self.detail, self.path)}"


class Counts:
    """What became of the lines."""

    def __init__(self) -> None:
        self.events = 0
        self.ignored: Counter[str] = Counter()
        """By reason: lines that are well formed and not for us."""
        self.unknown_fields: Counter[str] = Counter()
        """By path: fields of data that the contract does not know; they are left out."""
        self.rejected = 0
        self.after_until = 0
        """Events later than what was asked for."""
        self.subjects: set[str] = set()
        self.newest: Instant | None = None
        """The highest event time."""
        self.recorded_apart = 0
        """Events that were recorded at another time than they happened."""

    def is_in_time(self, subject: str, at: Instant, until: Instant | None) -> bool:
        """Whether an event is not later than what was asked for; and count it."""
        if until is not None and at > until:
            self.after_until += 1
            return False
        self.subjects.add(subject)
        return True

    @property
    def to_judge(self) -> int:
        """Events less those that are later than what was asked for."""
        return self.events - self.after_until


def receive(
    lines: Iterable[tuple[str, bytes]], counts: Counts, reject: Callable[[Rejected], None]
) -> Iterator[Received]:
    """The events of the lines; every other line is counted, and one that should be an event is rejected."""
    return take(((place, read_line(line)) for place, line in lines), counts, reject)


def take(
    read: Iterable[tuple[str, Decoded]], counts: Counts, reject: Callable[[Rejected], None]
) -> Iterator[Received]:
    """The events of what was read, lines or records, each with its place; the rest as `receive` does."""
    for place, said in read:
        if not isinstance(said, Received):
            if isinstance(said, Tick):
                counts.ignored["tick"] += 1
            elif isinstance(said, Command):  # what is passed on follows from the events
                counts.ignored["command"] += 1
            elif said.ignored:
                counts.ignored[said.reason] += 1
            else:
                counts.rejected += 1
                reject(Rejected(place, said.reason, said.detail, said.path))
            continue
        counts.events += 1
        if isinstance(said, PartlyKnown):
            counts.unknown_fields.update(said.unknown)
        fact = said.fact
        if counts.newest is None or fact.at > counts.newest:
            counts.newest = fact.at
        if fact.recorded != fact.at:
            counts.recorded_apart += 1
        yield said


class Known(NamedTuple):
    """All that there is to judge one escalation by."""

    subject: str
    facts: list[Fact]
    """As they came."""
    relayed: list[Fact]
    """What others pass on to it."""


def by_subject(
    received: Iterable[Received], sorter: Sorter[tuple[str, int]], relaying: "Relaying"
) -> Iterator[Known]:
    """Every subject with all its facts: escalations in their order, then patterns in theirs."""
    for subject, facts, (relayed,) in by_subject_of_each(received, sorter, [relaying]):
        yield Known(subject, facts, relayed)


def by_subject_of_each(
    received: Iterable[Received], sorter: Sorter[tuple[str, int]], relayings: "Sequence[Relaying]"
) -> Iterator[tuple[str, list[Fact], tuple[list[Fact], ...]]]:
    """The same, with what is passed on by each of several books.

    What escalations pass on to each other no policy changes: that is the first's.
    """
    linking: set[str] = set()
    for number, one in enumerate(received):
        if one.fact.kind in LINKING:
            linking.add(one.subject)
        sorter.add((one.subject, number), _encode(one.fact))
    sources = {subject: facts for subject, facts in _groups(sorter) if subject in linking} if linking else {}
    relayed = relayings[0].passed_on(sources) if sources else {}
    said_of_patterns: dict[str, list[Fact]] = {}
    for subject, facts in _groups(sorter):
        if is_pattern(subject):
            said_of_patterns[subject] = facts
        else:
            yield subject, facts, (relayed.get(subject, []),) * len(relayings)
    yield from _patterns(said_of_patterns, sorter, relayings)


def _patterns(
    said: Mapping[str, list[Fact]], sorter: Sorter[tuple[str, int]], relayings: "Sequence[Relaying]"
) -> Iterator[tuple[str, list[Fact], tuple[list[Fact], ...]]]:
    """Every pattern with what was said of it, and its occurrences by each book."""

    def by_book(place: int, relaying: "Relaying") -> Iterator[tuple[str, int, list[Fact]]]:
        escalations = (group for group in _groups(sorter) if not is_pattern(group[0]))
        return ((pattern, place, facts) for pattern, facts in relaying.occurrences(escalations))

    own = ((pattern, -1, facts) for pattern, facts in sorted(said.items()))
    all_books = [by_book(place, relaying) for place, relaying in enumerate(relayings)]
    found = heapq.merge(own, *all_books, key=lambda one: one[0])
    for pattern, parts in groupby(found, key=lambda one: one[0]):
        by_place = {place: facts for _, place, facts in parts}
        relayed = tuple(by_place.get(place, []) for place in range(len(relayings)))
        yield pattern, by_place.get(-1, []), relayed


def _groups(sorter: Sorter[tuple[str, int]]) -> Iterator[tuple[str, list[Fact]]]:
    for subject, group in groupby(sorter, key=lambda pair: pair[0][0]):
        yield subject, [_decode(packed) for _, packed in group]


class Arrival(NamedTuple):
    now: Instant
    """What a live engine's clock showed: the recorded time, else the highest event time so far."""
    subject: str
    fact: Fact


def by_arrival(
    received: Iterable[Received], recorded: Sorter[tuple[int, int]], as_listed: Sorter[tuple[int, int]]
) -> Iterator[Arrival]:
    """Every event in the order of its arrival: by `recordedtime` where the events have one, else as listed.

    An event without it, among others that have it, was recorded when it happened.
    """
    late = False
    for number, one in enumerate(received):
        late = late or one.fact.recorded != one.fact.at
        recorded.add((one.fact.recorded, number), _encode((one.subject, one.fact)))
    if not late:
        for (_, number), packed in recorded:
            as_listed.add((number, 0), packed)
    now = Instant(-(2**62))
    for _, packed in recorded if late else as_listed:
        subject, fact = _decode_arrival(packed)
        now = max(now, fact.recorded if late else fact.at)
        yield Arrival(now, subject, fact)


_decode_arrival = msgspec.msgpack.Decoder(tuple[str, Fact]).decode
