"""The deadline board in memory: every running clock, kept from the engine's state, soonest first."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import tzinfo
from heapq import heapify, heappop, heappush
from itertools import count, islice
from threading import Lock
from typing import NamedTuple

from engine.console.filters import Filter
from engine.console.order import Order, grouped
from engine.console.rows import ASLEEP, AT_RISK, BREACHED, UNKNOWN, Row
from engine.console.sources import Late
from engine.core.instants import NEVER, Instant, Span
from engine.core.policy import Book
from engine.core.view import Source, sources_of

AT_ONCE = 2_000
"""Escalations worked in in one turn: what is to be seen is never held up by all that waits."""
GROUPS = {
    "breached": ("Breached", "oldest first"),
    "unknown": ("Due, verdict unknown", "not counted as breached or met yet"),
    "soon": ("Within 15 minutes", ""),
    "hour": ("Within the hour", ""),
    "today": ("Later today", ""),
    "later": ("Tomorrow and later", ""),
    "asleep": ("Asleep", "paused; no due time until they wake"),
}


class Counts(NamedTuple):
    """Of all clocks, whatever the filter: a count never changes its meaning."""

    breached: int = 0
    soon: int = 0
    at_risk: int = 0
    unknown: int = 0
    asleep: int = 0
    open: int = 0
    provisional: int = 0
    """Of those breached: said while their source is behind."""


class Group(NamedTuple):
    name: str
    size: int
    """Of all that belong to it, shown or not."""
    rows: list[Row]


class Look(NamedTuple):
    """What one reader sees at one moment."""

    at: Instant
    counts: Counts
    groups: list[Group]
    start: int
    """How many stand before the first that is shown."""
    shown: int
    matching: int
    wakes_at: Instant
    """When the next of those asleep outside their hours goes on; NEVER where none does."""


class Board:
    """Safe to share between threads. `put` is told of every record of the state; `turn`, which one thread
    calls, works in what came.

    Of an escalation the newest record alone is worked in, and only those of its clocks are made anew that it
    changes: a row that is the same object has nothing else to say.
    """

    def __init__(
        self, book: Book, patience: Span, late: Callable[[int], Late | None] = lambda _: None
    ) -> None:
        """`late`: what holds back the verdicts of a partition."""
        self._book, self._patience, self._late = book, patience, late
        self._partitions: dict[str, int] = {}
        self._doubts = False
        self._records: dict[str, bytes] = {}
        self._waiting: dict[str, float] = {}
        """Whose newest record is not worked in, and since when, by the monotonic clock; the oldest first."""
        self._taken: float | None = None
        """The same of those that are being worked in."""
        self._rows: dict[str, list[Row]] = {}
        self._turns: list[tuple[Instant, int, Row]] = []
        self._numbers = count()
        self._order = Order()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._order.rows)

    def put(self, subject: str, record: bytes | None, partition: int = 0) -> None:
        """The main record of an escalation, None when it has left the state."""
        with self._lock:
            if record is not None:
                self._records[subject] = record
                self._partitions[subject] = partition
            elif self._records.pop(subject, None) is None:
                return
            self._waiting.setdefault(subject, time.monotonic())

    def doubt(self) -> None:
        """What holds verdicts back has changed: the next turn makes anew the rows that it concerns."""
        self._doubts = True

    def waits(self) -> float:
        """Seconds since the oldest record came that is not to be seen yet; 0: all are."""
        with self._lock:
            oldest = self._taken or next(iter(self._waiting.values()), None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    def turn(self, now: Instant) -> bool:
        """Work in what came, at most AT_ONCE escalations, and what time has changed. Whether more waits."""
        taken = self._take()
        made = {subject: self._read(subject, record, now) for subject, record in taken.items()}
        made |= self._turned(made, now)
        before = {row for subject in made for row in self._rows.get(subject, ())}
        after = {row for rows in made.values() for row in rows}
        gone, fresh = before - after, after - before
        order = self._order.after(gone, fresh) if gone or fresh else self._order
        with self._lock:
            self._order, self._taken = order, None
            for subject, rows in made.items():
                if rows:
                    self._rows[subject] = rows
                    continue
                self._rows.pop(subject, None)
                if subject not in self._waiting:  # over: it lies in the state only in case of late events
                    self._records.pop(subject, None)
                    self._partitions.pop(subject, None)
        self._wake(fresh)
        return bool(self._waiting)

    def _take(self) -> dict[str, bytes | None]:
        with self._lock:
            subjects = list(islice(self._waiting, AT_ONCE))
            self._taken = self._waiting[subjects[0]] if subjects else None
            for subject in subjects:
                del self._waiting[subject]
            return {subject: self._records.get(subject) for subject in subjects}

    def _read(self, subject: str, record: bytes | None, now: Instant) -> list[Row]:
        if record is None:
            return []
        had = {(row.view.metric, row.view.key): row for row in self._rows.get(subject, ())}
        return [
            self._row(source, now, had.get((source.metric, source.key)))
            for source in sources_of(record, self._book)
        ]

    def _row(self, source: Source, now: Instant, before: Row | None) -> Row:
        late = self._late(self._partitions.get(source.of.subject, 0))
        is_known = before is not None and before.turns_at > now and before.source == source
        if before is not None and is_known and before.late == before.held_by(late):
            return before
        return Row(source, now, self._patience, before, late)

    def _doubtful(self) -> Iterable[str]:
        """The escalations whose rows say otherwise than what holds them back now."""
        if not self._doubts:
            return
        self._doubts = False
        for subject, rows in self._rows.items():
            late = self._late(self._partitions.get(subject, 0))
            if any(row.late != row.held_by(late) for row in rows):
                yield subject

    def _turned(self, made: Collection[str], now: Instant) -> dict[str, list[Row]]:
        """The rows of those escalations in which time has come for one."""
        subjects = {one for one in self._doubtful() if one not in made}
        while self._turns and self._turns[0][0] <= now:
            _, _, row = heappop(self._turns)
            if row.view.subject not in made and self._has(row):
                subjects.add(row.view.subject)
        return {one: [self._row(row.source, now, row) for row in self._rows[one]] for one in subjects}

    def _has(self, row: Row) -> bool:
        return row in self._rows.get(row.view.subject, ())

    def _wake(self, fresh: Iterable[Row]) -> None:
        """Have them made anew when their time comes."""
        for row in fresh:
            if row.turns_at < NEVER:
                heappush(self._turns, (row.turns_at, next(self._numbers), row))
        if len(self._turns) > 2 * len(self) + AT_ONCE:  # most are of rows that have gone
            self._turns = [one for one in self._turns if self._has(one[2])]
            heapify(self._turns)

    def look(self, wanted: Filter, me: str, zone: tzinfo, now: Instant, size: int, start: int = 0) -> Look:
        """At most `size` rows from `start` on, by group; of fewer than that the last."""
        order = self._order
        rows = wanted.part_of(order, me, now)
        start = max(0, min(start, len(rows) - size))
        end = min(start + size, len(rows))
        groups = [
            Group(name, last - first, list(rows[max(first, start) : min(last, end)]))
            for name, first, last in grouped(rows, zone, now)
        ]
        return Look(now, counts(order, now), groups, start, end - start, len(rows), order.wakes_at)

    def rows_of(self, subject: str) -> list[Row]:
        """The running clocks of one escalation."""
        with self._lock:
            return sorted(self._rows.get(subject, ()), key=lambda row: row.order)

    def partition_of(self, subject: str) -> int | None:
        """Where its state lies; None: it has no running clock."""
        return self._partitions.get(subject)

    def record_of(self, subject: str) -> bytes | None:
        """The stored state of an escalation; None where it has no running clock."""
        with self._lock:
            return self._records.get(subject) if subject in self._rows else None

    def records(self) -> list[bytes]:
        """The stored state of every escalation that has a running clock."""
        with self._lock:
            return [record for subject in self._rows if (record := self._records.get(subject)) is not None]

    def all(self) -> Sequence[Row]:
        """Every running clock, in order."""
        return self._order.rows

    @property
    def order(self) -> Order:
        """As it is now."""
        return self._order


def counts(order: Order, now: Instant) -> Counts:
    """Of all in the order."""
    states = order.states
    asleep = sum(states[one] for one in ASLEEP)
    return Counts(
        states[BREACHED],
        order.soon(now),
        states[AT_RISK],
        states[UNKNOWN],
        asleep,
        len(order.rows),
        order.provisional,
    )
