"""The commitment ledger: every promise is a clock to an absolute time (semantics.md, Commitments 1)."""

from msgspec import Struct

from engine.core.instants import NEVER, Instant, Span
from engine.core.policy import AROUND_THE_CLOCK, Threshold
from engine.core.rules import Mark, warning_marks
from engine.core.statements import Voice

METRIC = "commitment"
OPEN, SETTLED = range(2)


class Promise(Struct, array_like=True):
    """One commitment. Calendar time, no pause."""

    id: str
    text: str = ""
    to: str = ""
    by: str = ""
    phase: int = SETTLED
    cycle: int = 0
    made: Instant = Instant(0)
    due: Instant = NEVER
    passed: int = 0
    floor: Instant = Instant(0)
    missed: bool = False
    alarm: Instant = NEVER


class Keeper:
    """Moves the promises of one escalation. Holds no state of its own beside the voice."""

    __slots__ = ("risk", "voice")

    def __init__(self, risk: tuple[Threshold, ...], voice: Voice) -> None:
        self.risk = risk
        self.voice = voice

    def make(self, promise: Promise, at: Instant, floor: Instant, due: Instant) -> None:
        """A promise is made; made again while it is open, it is renegotiated."""
        if promise.phase == OPEN:
            self.renegotiate(promise, at, floor, due)
            return
        promise.phase = OPEN
        promise.cycle += 1
        promise.made = at
        promise.missed = False
        self._aim(promise, due, floor)

    def renegotiate(self, promise: Promise, at: Instant, floor: Instant, due: Instant) -> None:
        """Before it is due it moves; after, the miss stays and the new time is the next cycle."""
        if promise.phase != OPEN or due == promise.due:
            return
        if promise.missed:
            promise.cycle += 1
            promise.made = at
            promise.missed = False
        self._aim(promise, due, floor)

    def keep(self, promise: Promise, at: Instant) -> None:
        if promise.phase == OPEN:
            self._say(promise, "stopped_late" if promise.missed else "met", at)
            self._close(promise)

    def cancel(self, promise: Promise, at: Instant, reason: str) -> None:
        """Withdrawn, or the escalation is gone; a miss that was said stays."""
        if promise.phase == OPEN:
            self._say(promise, "cancelled", at, reason=reason)
            self._close(promise)

    def fire(self, promise: Promise) -> None:
        """The promise's alarm is behind us."""
        at = promise.alarm
        if promise.due <= at:
            promise.missed = True
            self._arm(promise)
            self._say(promise, "commitment_missed", promise.due)
            return
        marks = self._marks(promise)
        first = promise.passed
        while promise.passed < len(marks) and self._mark_at(promise, marks[promise.passed]) <= at:
            promise.passed += 1
        self._arm(promise)
        reached = marks[first : promise.passed]
        if at == promise.floor:
            reached = reached[-1:]  # overtaken: they collapse into the highest
        for mark in reached:
            self._say(promise, "breach_risk", at, threshold=mark.label)

    def _close(self, promise: Promise) -> None:
        promise.phase = SETTLED
        promise.alarm = NEVER

    def _aim(self, promise: Promise, due: Instant, floor: Instant) -> None:
        promise.due = due
        promise.passed = 0
        promise.floor = floor
        self._arm(promise)

    def _marks(self, promise: Promise) -> tuple[Mark, ...]:
        return warning_marks(self.risk, Span(promise.due - promise.made))

    def _mark_at(self, promise: Promise, mark: Mark) -> Instant:
        return Instant(max(promise.made + mark.amount, promise.floor))

    def _arm(self, promise: Promise) -> None:
        alarm = NEVER
        if not promise.missed:
            alarm = promise.due
            marks = self._marks(promise)
            if promise.passed < len(marks):
                alarm = min(alarm, self._mark_at(promise, marks[promise.passed]))
        promise.alarm = alarm

    def _say(
        self, promise: Promise, name: str, at: Instant, *, threshold: str = "", reason: str = ""
    ) -> None:
        self.voice.say(
            name,
            METRIC,
            promise.id,
            promise.cycle,
            at,
            promise.due,
            promise.made,
            Span(max(0, at - promise.made)),
            Span(max(0, promise.due - promise.made)),
            AROUND_THE_CLOCK,
            threshold,
            (),
            0,
            reason,
        )
