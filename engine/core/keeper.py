"""Keeps obligations to an absolute time, each under an id of its own: commitments and action items.

Commitments 1 and 3. Calendar time, no pause.
"""

from collections.abc import Mapping

from engine.core.cutting import cut
from engine.core.deadlines import ACTION, OPEN, RENEGOTIATED, SETTLED, Deadline
from engine.core.instants import NEVER, Instant, Span
from engine.core.outcomes import BEHIND, VERDICTS
from engine.core.policy import AROUND_THE_CLOCK, Calendar, Threshold
from engine.core.reminders import days_between, next_reminder
from engine.core.rules import Mark, warning_marks
from engine.core.segments import Segment
from engine.core.voice import Voice


class Keeper:
    """Moves the deadlines of one metric. Holds no state of its own beside the voice."""

    __slots__ = ("_calendars", "metric", "missed", "reminds", "risk", "voice")

    def __init__(
        self,
        metric: str,
        missed: str,
        risk: tuple[Threshold, ...],
        calendars: Mapping[str, Calendar],
        voice: Voice,
        *,
        reminds: bool = False,
    ) -> None:
        """`missed` is the outcome of one that is due in silence; `reminds`: it is said again each day."""
        self.metric = metric
        self.missed = missed
        self.risk = risk
        self._calendars = calendars
        self.voice = voice
        self.reminds = reminds

    def make(self, deadline: Deadline, at: Instant, floor: Instant, due: Instant) -> None:
        """It is made; made again while it is open, it is renegotiated."""
        if deadline.phase == OPEN:
            self.renegotiate(deadline, at, floor, due)
            return
        deadline.phase = OPEN
        self._next_cycle(deadline, at)
        self._aim(deadline, due, floor)

    def renegotiate(self, deadline: Deadline, at: Instant, floor: Instant, due: Instant) -> None:
        """Before it is due it moves; after, the miss stays and the new time is the next cycle.

        The one that was missed is cancelled: whoever was alerted of it would never hear that it is over.
        """
        if deadline.phase != OPEN or due == deadline.due:
            return
        if deadline.missed:
            self._say(deadline, "cancelled", at, reason=RENEGOTIATED)
            self._next_cycle(deadline, at)
        self._aim(deadline, due, floor)

    def keep(self, deadline: Deadline, at: Instant) -> None:
        """Done: met, or stopped_late after its miss."""
        if deadline.phase == OPEN:
            self._say(deadline, "stopped_late" if deadline.missed else "met", at)
            self._close(deadline)

    def cancel(self, deadline: Deadline, at: Instant, reason: str, name: str = "cancelled") -> None:
        """Withdrawn, waived, or the escalation is gone; a miss that was said stays."""
        if deadline.phase == OPEN:
            self._say(deadline, name, at, reason=reason)
            self._close(deadline)

    def rebase(self, deadline: Deadline, at: Instant) -> None:
        """It keeps its time; of the warnings of another version those before `at` are behind it."""
        if deadline.phase == OPEN and not deadline.missed:
            marks = self._marks(deadline)
            deadline.passed = sum(self._mark_at(deadline, mark) < at for mark in marks)
            self._arm(deadline)

    def tell_behind(self, deadline: Deadline, until: Instant) -> None:
        """Due by then, and what kept it may not have been read: nothing is judged."""
        if deadline.phase == OPEN and not deadline.missed and deadline.due <= until:
            self._say(deadline, BEHIND, deadline.due)

    def fire(self, deadline: Deadline) -> None:
        """The deadline's alarm is behind us."""
        at = deadline.alarm
        if deadline.missed:
            deadline.reminded = days_between(deadline.due, at)
            self._arm(deadline)
            self._say(deadline, "overdue", at, in_a_row=deadline.reminded)
            return
        if deadline.due <= at:
            deadline.missed = True
            self._arm(deadline)
            self._say(deadline, self.missed, deadline.due)
            return
        marks = self._marks(deadline)
        first = deadline.passed
        while deadline.passed < len(marks) and self._mark_at(deadline, marks[deadline.passed]) <= at:
            deadline.passed += 1
        self._arm(deadline)
        reached = marks[first : deadline.passed]
        if at == deadline.floor:
            reached = reached[-1:]  # overtaken: they collapse into the highest
        for mark in reached:
            self._say(deadline, "breach_risk", at, threshold=mark.label)

    def _next_cycle(self, deadline: Deadline, at: Instant) -> None:
        deadline.cycle += 1
        deadline.made = at
        deadline.missed = False
        deadline.reminded = 0

    def _close(self, deadline: Deadline) -> None:
        deadline.phase = SETTLED
        deadline.alarm = NEVER

    def _aim(self, deadline: Deadline, due: Instant, floor: Instant) -> None:
        deadline.due = due
        deadline.passed = 0
        deadline.floor = floor
        self._arm(deadline)

    def _marks(self, deadline: Deadline) -> tuple[Mark, ...]:
        return warning_marks(self.risk, Span(deadline.due - deadline.made))

    def _mark_at(self, deadline: Deadline, mark: Mark) -> Instant:
        return Instant(max(deadline.made + mark.amount, deadline.floor))

    def _arm(self, deadline: Deadline) -> None:
        alarm = NEVER
        if not deadline.missed:
            alarm = deadline.due
            marks = self._marks(deadline)
            if deadline.passed < len(marks):
                alarm = min(alarm, self._mark_at(deadline, marks[deadline.passed]))
        elif self.reminds:
            alarm = next_reminder(deadline.due, deadline.reminded, deadline.floor)
        deadline.alarm = alarm

    def _say(
        self,
        deadline: Deadline,
        name: str,
        at: Instant,
        *,
        threshold: str = "",
        reason: str = "",
        in_a_row: int = 0,
    ) -> None:
        elapsed = Span(max(0, at - deadline.made))
        segments: tuple[Segment, ...] = ()
        if name in VERDICTS and elapsed:
            stretch = (deadline.made, at, AROUND_THE_CLOCK, "")
            segments = cut([stretch], elapsed, self.voice.tenures, self._calendars)
        self.voice.say(
            name,
            self.metric,
            deadline.id,
            deadline.cycle,
            at,
            deadline.due,
            deadline.made,
            elapsed,
            Span(max(0, deadline.due - deadline.made)),
            AROUND_THE_CLOCK,
            threshold,
            (),
            in_a_row,
            reason,
            segments,
            deadline.by if self.metric == ACTION else "",
        )
