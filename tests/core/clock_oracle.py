"""The life of one clock, minute by minute, with a counter of open minutes: slow, easy to believe.

It follows the rules as they are told in words, steps from minute to minute, and imports nothing of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from with_reopenings import with_reopenings


class Target(NamedTuple):
    budget: int
    """In open minutes."""
    calendar: str


class Terms(NamedTuple):
    """What is owed."""

    targets: Mapping[str, Target]
    """By severity; one that is not there owes nothing."""
    pausing: frozenset[str]
    """The reasons that stop this clock."""
    warnings: Sequence[int]
    """Percent of the budget."""
    levels: Sequence[int] = ()
    """The same for escalation levels, which may lie past the budget."""
    credits: Mapping[str, Sequence[tuple[int, int]]] = {}
    """By severity: open minutes past the budget, and what is owed from then on, in percent."""
    waits: Sequence[Target | None] = ()
    """Of each level: how long it waits for an acknowledgement before the next is said."""


class Event(NamedTuple):
    minute: int
    verb: str
    """acknowledged, resolved, closed, paused, resumed, reopened or updated."""
    value: str = ""
    """The reason of a pause; without one `resumed` ends all. The severity of an update."""


class Life(NamedTuple):
    """An escalation that is opened, and what happens to it in any order."""

    opened: int
    started: int
    """Where its clock starts: at the opening or before it."""
    severity: str
    events: Sequence[Event]


class Said(NamedTuple):
    name: str
    minute: int
    elapsed: int
    due: int | None = None
    """Of `breached` and of `met`: of others nobody relies on it."""
    detail: str = ""
    """The threshold, and the reason."""


_AT_ONE_INSTANT = (
    *("acknowledged", "cancelled", "closed", "resolved", "waived"),
    *("paused", "resumed", "reopened", "updated"),
)
"""In this order: what stops, what pauses, what resumes, what starts, what changes attributes."""


def as_heard(events: list[Event]) -> list[Event]:
    """Events in order, what waits for a reopening right before it, in its minute."""
    return with_reopenings(
        events, lambda event: event.verb, lambda event, again: event._replace(minute=again.minute)
    )


class ClockOracle:
    def __init__(self, terms: Terms, life: Life, calendars: Mapping[str, Callable[[int], bool]]) -> None:
        self.terms = terms
        self.opened = life.opened
        self.events = as_heard(
            sorted(life.events, key=lambda e: (e.minute, _AT_ONE_INSTANT.index(e.verb), e.value))
        )
        self.calendars = calendars
        self.is_open = calendars[""]
        self.said: list[Said] = []
        self.severity = life.severity
        self.status = "open"
        self.reasons: set[str] = set()
        self.held = False
        self.state = "not started"
        """not started, live, stopped, suspended (nothing is owed now), over or waived."""
        self.started = life.started
        self.consumed = 0
        self.reached: dict[int, int] = {}
        """Consumed minutes -> the first instant at which the clock ran with so many."""
        self.breached = False
        self.owed = 0
        """The highest percentage that was said."""
        self.target: Target | None = None
        self.floor = life.opened
        """Nothing warns before it, and what should have is said there, the highest only."""
        self.unsaid: list[tuple[int, bool, str]] = []
        """Warnings and levels of this target: minutes of budget, whether it is a level, its name."""
        self.wait: Target | None = None
        """What the level that was said last still waits for."""
        self.waited = 0

    def run(self, until: int) -> list[Said]:
        """What is said of the clock before `until`."""
        self._owe(self.started)
        events = iter(self.events)
        event = next(events, None)
        for minute in range(min([self.started, *(e.minute for e in self.events)]), until):
            while event is not None and event.minute == minute:
                self._happens(event)
                event = next(events, None)
            if self.state == "live":
                running = minute >= self.started and not self.held
                if running:
                    self.reached.setdefault(self.consumed, minute)
                self._judge(minute, running)
                if running and self.is_open(minute):
                    self.consumed += 1
                if running and self.wait is not None and self.calendars[self.wait.calendar](minute):
                    self.waited += 1
        return self.said

    # -- what happens -----------------------------------------------------------------------------

    def _happens(self, event: Event) -> None:
        minute = event.minute
        was_held = self.held
        if event.verb == "acknowledged":
            self.wait = None
        elif event.verb == "cancelled":
            self.status = "cancelled"
            self._cancel(minute, event.value)
        elif event.verb == "waived":
            self._waive(minute)
        elif event.verb == "paused":
            self.reasons.add(event.value)
        elif event.verb == "resumed":
            self.reasons -= {event.value} if event.value else set(self.reasons)
        elif event.verb == "updated":
            self.severity = event.value
            if self.status != "cancelled":
                self._owe(minute)
        elif event.verb == "reopened":
            if self.status != "open":
                self.status = "open"
                self._reopen(minute)
                self._owe(minute)
        elif self.status == "open":
            self.status = event.verb
            self._stop(minute)
        elif event.verb == "closed":
            self.status = "closed"
        self.held = bool(self.reasons & self.terms.pausing)
        if was_held and not self.held:
            self.waited = 0

    def _stop(self, minute: int) -> None:
        self.wait = None
        if self.state == "live":
            self.state = "stopped"
            if self.breached:
                self.said.append(Said("stopped_late", minute, self.consumed))
            else:
                self.said.append(Said("met", minute, self.consumed, self._would_be_due(minute)))
        elif self.state in ("suspended", "not started"):
            self.state = "over"

    def _cancel(self, minute: int, reason: str) -> None:
        """What runs goes on where the cancellation is taken back."""
        self.wait = None
        if self.state == "live":
            self.state = "stopped"
            self.said.append(Said("cancelled", minute, self.consumed, detail=reason))

    def _waive(self, minute: int) -> None:
        """Whatever it was: once, and for good."""
        self.wait = None
        if self.state != "waived":
            self.state = "waived"
            self.said.append(Said("waived", minute, self.consumed, detail="agreed"))

    def _reopen(self, minute: int) -> None:
        if self.state == "stopped":
            self.state = "live"
            self.floor = max(minute, self.opened)
            self._owe(minute)
        elif self.state == "over":
            self.state = "not started" if self.target is None else "suspended"
            self._owe(minute)

    def _owe(self, minute: int) -> None:
        """What the severity of now asks for."""
        target = self.terms.targets.get(self.severity)
        if self.state == "not started" and target is not None:
            self.state = "live"
            self.started = minute
            self._aim(target, minute)
        elif self.state == "live" and target is None:
            self.state = "suspended"
            self.wait = None
            self.said.append(Said("cancelled", minute, self.consumed, detail="no_target"))
        elif self.state in ("live", "suspended") and target is not None:
            if self.state == "suspended":
                self.state = "live"
                self.floor = max(minute, self.opened)
            if target != self.target:
                self._aim(target, minute)
                overrun = self.reached.get(target.budget, minute)
                if overrun < minute and not self.breached:
                    self.breached = True
                    self.said.append(Said("breached", minute, self.consumed, overrun, "retarget"))
            self._owe_credit(minute, minute - 1)

    def _aim(self, target: Target, minute: int) -> None:
        self.target = target
        self.is_open = self.calendars[target.calendar]
        self.floor = max(minute, self.opened)
        warnings = [(target.budget * p // 100, False, f"{p}%") for p in self.terms.warnings]
        levels = [(target.budget * p // 100, True, f"{p}%") for p in self.terms.levels]
        self.unsaid = sorted(warnings + levels)
        self.wait = None

    # -- what is due ------------------------------------------------------------------------------

    def _judge(self, minute: int, running: bool) -> None:
        """After all that happened at this minute: what has been used up is over only now."""
        assert self.target is not None
        budget = self.target.budget
        if running and self.consumed >= budget and not self.breached:
            self.breached = True
            self.said.append(Said("breached", minute, budget, minute))
        self._owe_credit(minute, minute)
        if minute >= self.floor:
            self._warn(minute)
            if running and self.wait is not None and self.waited >= self.wait.budget:
                self._say_next_level(minute)

    def _warn(self, minute: int) -> None:
        overtaken = [mark for mark in self.unsaid if mark[0] in self.reached]
        self.unsaid = [mark for mark in self.unsaid if mark[0] not in self.reached]
        for is_level, name in ((False, "breach_risk"), (True, "escalated")):
            marks = [mark for mark in overtaken if mark[1] == is_level]
            if minute == self.floor:
                marks = marks[-1:]
            if self.breached and not is_level:
                marks = []
            self.said += [Said(name, minute, self.consumed, detail=mark[2]) for mark in marks]
            if is_level and marks:
                self._await_answer(marks[-1][2])

    def _say_next_level(self, minute: int) -> None:
        """Nobody has acknowledged the last one; its own threshold says it no more."""
        mark = next(mark for mark in self.unsaid if mark[1])
        self.unsaid.remove(mark)
        self.said.append(Said("escalated", minute, self.consumed, detail=f"{mark[2]} not_acknowledged"))
        self._await_answer(mark[2])

    def _await_answer(self, level: str) -> None:
        is_last = not any(mark[1] for mark in self.unsaid)
        self.wait = None if is_last else self.terms.waits[[f"{p}%" for p in self.terms.levels].index(level)]
        self.waited = 0

    def _owe_credit(self, minute: int, by: int) -> None:
        """Of the severity of now, the most of what an overrun had come to by then."""
        if self.target is None or not self.breached:
            return
        found = [
            percent
            for overrun, percent in self.terms.credits.get(self.severity, ())
            if self.reached.get(self.target.budget + overrun, by + 1) <= by and percent > self.owed
        ]
        if found:
            self.owed = max(found)
            self.said.append(Said("credit_exposed", minute, self.consumed, detail=f"{self.owed}%"))

    def _would_be_due(self, minute: int) -> int | None:
        """Where the budget would have been used up if nothing more had happened; None while it is paused."""
        assert self.target is not None
        if self.held:
            return None
        left = self.target.budget - self.consumed
        minute = max(minute, self.started)
        while left > 0:
            left -= self.is_open(minute)
            minute += 1
        return minute
