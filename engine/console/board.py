"""The deadline board in memory: every running clock, kept from the engine's state, soonest first."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from datetime import tzinfo
from heapq import heappop, heappush
from threading import Lock
from typing import NamedTuple

from engine.console.filters import Filter, is_soon
from engine.console.rows import ASLEEP, AT_RISK, BREACHED, PAUSED, RUNNING, UNKNOWN, Row
from engine.core.instants import HOUR, MINUTE, NEVER, Instant, Span, to_datetime
from engine.core.policy import Book
from engine.core.view import clocks_of

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
    shown: int
    matching: int
    wakes_at: Instant
    """When the next of those asleep outside their hours goes on; NEVER where none does."""


class Board:
    """Safe to share between threads. `put` is told of every record of the state; `turn` works it in.

    Work is done once a turn, however many records came: a busy escalation is looked at once.
    """

    def __init__(self, book: Book, patience: Span) -> None:
        self._book, self._patience = book, patience
        self._records: dict[str, bytes] = {}
        self._rows: dict[str, list[Row]] = {}
        self._ordered: list[Row] = []
        self._changed: set[str] = set()
        self._turns: list[tuple[Instant, str]] = []
        self._next: dict[str, Instant] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._ordered)

    def put(self, subject: str, record: bytes | None) -> None:
        """The main record of an escalation, None when it has left the state."""
        with self._lock:
            if record is not None:
                self._records[subject] = record
            elif self._records.pop(subject, None) is None:
                return
            self._changed.add(subject)

    def turn(self, now: Instant) -> None:
        """Work in what came, and what time alone has changed."""
        with self._lock:
            changed, self._changed = self._changed, set()
            while self._turns and self._turns[0][0] <= now:
                at, subject = heappop(self._turns)
                if self._next.get(subject) == at:
                    changed.add(subject)
            if not changed:
                return
            gone = {row.id for subject in changed for row in self._rows.pop(subject, ())}
            fresh: list[Row] = []
            for subject in changed:
                fresh += self._make(subject, now)
            self._place(gone, fresh)

    def _make(self, subject: str, now: Instant) -> list[Row]:
        self._next.pop(subject, None)
        record = self._records.get(subject)
        if record is None:
            return []
        rows = [Row(view, now, self._patience) for view in clocks_of(record, self._book, now)]
        if not rows:
            del self._records[subject]  # over: it lies in the state only in case of late events
            return []
        self._rows[subject] = rows
        turn = min(row.turns_at for row in rows)
        if turn < NEVER:
            self._next[subject] = turn
            heappush(self._turns, (turn, subject))
        return rows

    def _place(self, gone: set[str], fresh: list[Row]) -> None:
        """Into the order: one by one where few changed, else all of them anew."""
        kept = [row for row in self._ordered if row.id not in gone] if gone else self._ordered
        if len(fresh) > 100:
            kept = sorted([*kept, *fresh], key=_in_order)
        else:
            for row in fresh:
                insort(kept, row, key=_in_order)
        self._ordered = kept

    def look(self, wanted: Filter, me: str, zone: tzinfo, now: Instant, size: int) -> Look:
        """At most `size` rows, by group."""
        with self._lock:
            rows = list(self._ordered)
        midnight = to_datetime(now).astimezone(zone).date()
        matching = [row for row in rows if wanted.shows(row, me, now)] if any(wanted) else rows
        by_group: dict[str, list[Row]] = {name: [] for name in GROUPS}
        for row in matching:
            by_group[_group(row, now, zone, midnight)].append(row)
        groups, left = [], size
        for name, found in by_group.items():
            if found:
                groups.append(Group(name, len(found), found[: max(0, left)]))
                left -= len(found)
        return Look(now, counts_of(rows, now), groups, min(size, len(matching)), len(matching), _wakes(rows))

    def rows_of(self, subject: str) -> list[Row]:
        """The running clocks of one escalation."""
        with self._lock:
            return list(self._rows.get(subject, ()))

    def records(self) -> list[bytes]:
        """The stored state of every escalation that has a running clock."""
        with self._lock:
            return [record for subject in self._rows if (record := self._records.get(subject)) is not None]

    def all(self) -> list[Row]:
        """Every running clock, in order."""
        with self._lock:
            return list(self._ordered)


def _in_order(row: Row) -> tuple[int, int, int, str, str, str]:
    return row.order


def _group(row: Row, now: Instant, zone: tzinfo, today: object) -> str:
    if row.state in (BREACHED, UNKNOWN):
        return row.state
    due = row.view.due_at
    if row.state == PAUSED or due is None:
        return "asleep"
    ahead = due - now
    if ahead <= 15 * MINUTE:
        return "soon"
    if ahead <= HOUR:
        return "hour"
    return "today" if to_datetime(due).astimezone(zone).date() == today else "later"


def counts_of(rows: Iterable[Row], now: Instant) -> Counts:
    """Of these clocks."""
    states: Counter[str] = Counter()
    soon = 0
    for row in rows:
        states[row.state] += 1
        soon += is_soon(row, now)
    asleep = sum(states[one] for one in ASLEEP)
    return Counts(
        states[BREACHED], soon, states[AT_RISK], states[UNKNOWN], asleep, asleep + states[RUNNING]
        + states[AT_RISK] + states[UNKNOWN] + states[BREACHED],
    )  # fmt: skip


def _wakes(rows: Iterable[Row]) -> Instant:
    return min((row.wakes_at for row in rows if row.wakes_at is not None), default=NEVER)
