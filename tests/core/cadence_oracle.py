"""How often an audience is told, minute by minute: each interval is met, or missed in silence.

It follows the rules as they are told in words, steps from minute to minute, and imports nothing of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from clock_oracle import Event, Life, Target

GRAVE_FIRST = ("P0", "P1", "P2", "P3")


class Owed(NamedTuple):
    """Time between updates, by severity; a severity that is not there has none."""

    every: Mapping[str, Target]
    first: Mapping[str, Target]
    """From the opening to the first update; else as `every`."""
    stated_up_to: int | None = None
    """How far ahead a stated time may lie and loosen what is owed; None: it only tightens."""
    credits: Mapping[str, Sequence[tuple[int, int]]] = {}
    """By severity: open minutes of silence past the first due time, and what is owed from then on, in
    percent."""


class Told(NamedTuple):
    name: str
    minute: int
    due: int | None
    in_a_row: int
    cycle: int
    """The update that is owed, from 1."""
    credit: str = ""


_AT_ONE_INSTANT = ("closed", "resolved", "update_published", "reopened", "updated")
"""In this order. The value of an update is the minute of the next one as it was stated."""


class CadenceOracle:
    def __init__(self, owed: Owed, life: Life, calendars: Mapping[str, Callable[[int], bool]]) -> None:
        self.owed = owed
        self.opened = life.opened
        self.events = sorted(life.events, key=lambda e: (e.minute, _AT_ONE_INSTANT.index(e.verb), e.value))
        self.calendars = calendars
        self.told: list[Told] = []
        self.severity = life.severity
        self.status = "open"
        self.running = True
        self.is_last = False
        self.last_update: int | None = None
        self.has_reopened = False
        self.since = life.opened
        self.stated: int | None = None
        self.missed = 0
        self.overdue = 0
        """The first minute of this silence that was due."""
        self.alerts = False
        """Whether a miss was said that no update has ended."""
        self.percent = 0
        """The most that was said to be owed for this silence."""
        self.costs: dict[tuple[int, str], list[tuple[int, int]]] = {}
        self.cycle = 1
        self.due = self._after(self.since, self._first())

    def run(self, until: int) -> list[Told]:
        """What is said of the cadence before `until`."""
        events = iter(self.events)
        event = next(events, None)
        for minute in range(min([self.opened, *(e.minute for e in self.events)]), until):
            while event is not None and event.minute == minute:
                self._happens(event)
                event = next(events, None)
            if self.running and self.due == minute:
                self.missed += 1
                self.alerts = True
                self.overdue = self.overdue if self.missed > 1 else minute
                self.told.append(Told("cadence_missed", minute, minute, self.missed, self.cycle))
                self.due = self._after(minute, self.owed.every.get(self.severity))
            if self.running:
                self._owe_credit(minute, minute)
        return self.told

    def _owe_credit(self, minute: int, by: int) -> None:
        """Of the severity of now, the most of what this silence had come to by then."""
        tiers = self.owed.credits.get(self.severity, ())
        if not tiers or not self.missed:
            return
        calendar = self.owed.every[self.severity].calendar
        costs = self.costs.get((self.overdue, self.severity))
        if costs is None:
            costs = [(self._after(self.overdue, Target(o, calendar)) or 0, percent) for o, percent in tiers]
            self.costs[self.overdue, self.severity] = costs
        found = [percent for at, percent in costs if at <= by and percent > self.percent]
        if found:
            self.percent = max(found)
            self.told.append(Told("credit_exposed", minute, self.overdue, 0, self.cycle, f"{self.percent}%"))

    def _happens(self, event: Event) -> None:
        minute = event.minute
        if event.verb == "update_published" and self.running:
            self._update(minute, int(event.value) if event.value else None)
        elif event.verb == "updated" and event.value != self.severity:
            graver = GRAVE_FIRST.index(event.value) < GRAVE_FIRST.index(self.severity)
            self.severity = event.value
            if self.running:
                self._change(max(minute, self.opened), graver)
                self._owe_credit(minute, minute - 1)
        elif event.verb == "resolved" and self.status == "open":
            self.status = "resolved"
            self.is_last = True
            if self.last_update == minute:
                self.running = False
        elif event.verb == "closed" and self.status != "closed":
            self.status = "closed"
            if self.running and self.alerts:
                self.told.append(Told("cancelled", minute, self.due, 0, self.cycle))
            self.running = self.alerts = False
        elif event.verb == "reopened" and self.status != "open":
            self.status = "open"
            self._reopen(max(minute, self.opened))

    def _update(self, minute: int, stated: int | None) -> None:
        if self.missed:
            self.told.append(Told("stopped_late", minute, None, self.missed, self.cycle))
        elif self.due is not None:
            self.told.append(Told("met", minute, self.due, 0, self.cycle))
        self.cycle += 1
        self.alerts = False
        self.missed = self.percent = 0
        self.since = self.last_update = max(minute, self.opened)
        self.stated = stated if stated is not None and stated > self.since else None
        self.due = self._after(self.since, self.owed.every.get(self.severity))
        if self.stated is not None:
            if self.owed.stated_up_to is not None and self.due is not None:
                self.due = self.stated = min(self.stated, max(minute + self.owed.stated_up_to, self.due))
            else:
                self.due = self._sooner(self.due, self.stated)
        if self.is_last:
            self.running = False

    def _change(self, minute: int, graver: bool) -> None:
        every = self.owed.every.get(self.severity)
        if graver:
            self.due = self._sooner(self.due, self._after(minute, every))
            return
        is_first = self.last_update is None and not self.has_reopened
        self.due = self._after(self.since, self._first() if is_first else every)
        while self.due is not None and self.due <= minute:
            self.due = self._after(self.due, every)
        if self.stated is not None and self.stated > minute:
            may_loosen = self.owed.stated_up_to is not None
            self.due = self.stated if may_loosen else self._sooner(self.due, self.stated)

    def _reopen(self, minute: int) -> None:
        self.running = True
        self.is_last = False
        self.has_reopened = True
        self.since = minute
        self.missed = self.percent = 0
        self.stated = None
        self.due = self._after(minute, self.owed.every.get(self.severity))

    def _first(self) -> Target | None:
        return self.owed.first.get(self.severity) or self.owed.every.get(self.severity)

    def _after(self, minute: int, target: Target | None) -> int | None:
        """The minute at which so many open ones have passed."""
        if target is None:
            return None
        is_open = self.calendars[target.calendar]
        left = target.budget
        while left > 0:
            left -= is_open(minute)
            minute += 1
        return minute

    @staticmethod
    def _sooner(one: int | None, other: int | None) -> int | None:
        return min((due for due in (one, other) if due is not None), default=None)
