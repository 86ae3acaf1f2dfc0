"""The next update that an audience is owed, and every interval passed in silence (semantics.md, Cadence)."""

from msgspec import Struct

from engine.core.instants import NEVER, Instant, Span
from engine.core.policy import Calendar, Target
from engine.core.rules import CadencePlan
from engine.core.statements import Voice

IDLE, RUNNING, ENDED = range(3)

MOST_MISSES = 1_000
"""Intervals in a row that are said as missed; then the cadence is silent until the next update.

An escalation that nobody closes, or one that is dated years back, would else say one for every interval of
all that time: a single event could say a million things.
"""


class Cadence(Struct, array_like=True):
    """The state of one audience's cadence. A cycle is the time between two updates."""

    phase: int = IDLE
    cycle: int = 0
    started: Instant = Instant(0)
    """When the cadence first began."""
    since: Instant = Instant(0)
    """The last update, or the beginning."""
    due: Instant = NEVER
    stated: Instant = NEVER
    """The next update's time as we stated it; binds whatever the policy says."""
    misses: int = 0
    """Intervals in a row that passed in silence."""
    passed: int = 0
    floor: Instant = Instant(0)
    is_last: bool = False
    """Resolved: one more update is owed, then it is over."""
    updated: bool = False
    """Whether any update was given since the opening."""
    alarm: Instant = NEVER


class Cadencer:
    """Moves the cadences of one plan. Holds no state of its own beside the voice."""

    __slots__ = ("calendars", "voice")

    def __init__(self, calendars: dict[str, Calendar], voice: Voice) -> None:
        self.calendars = calendars
        self.voice = voice

    def start(self, plan: CadencePlan, cadence: Cadence, at: Instant, floor: Instant, severity: str) -> None:
        """The first interval begins at `at`; it may be shorter than the others."""
        cadence.phase = RUNNING
        cadence.cycle = 1
        cadence.started = cadence.since = at
        self._aim(plan, cadence, self._after(at, plan.first(severity)), floor, severity)

    def update(
        self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str, stated: Instant | None
    ) -> None:
        """The audience was told: the interval is settled, the next begins."""
        if cadence.phase != RUNNING:
            return
        self._settle(plan, cadence, at, severity)
        cadence.cycle += 1
        cadence.since = max(
            at, cadence.started
        )  # what was said before the beginning settles the first interval
        cadence.misses = 0
        cadence.updated = True
        if cadence.is_last:
            self.end(cadence)
            return
        due = self._after(cadence.since, plan.every(severity))
        cadence.stated = NEVER
        if stated is not None and stated > at:
            cap = plan.rule.loosen_up_to
            if cap is not None:
                stated, due = Instant(min(stated, at + cap)), NEVER
            cadence.stated = stated
            due = min(due, stated)
        self._aim(plan, cadence, due, cadence.since, severity)

    def retarget(self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str, up: bool) -> None:
        """Severity up: now + the new interval, if sooner. Down: the last update + the new interval."""
        if cadence.phase != RUNNING:
            return
        every = plan.every(severity)
        if up:
            due = min(cadence.due, self._after(at, every))
        else:
            is_first = not cadence.updated and cadence.since == cadence.started
            interval = plan.first(severity) if is_first else every
            due = self._after(cadence.since, interval)
            while every is not None and due <= at:
                due = self._after(due, every)
            if at < cadence.stated < NEVER:
                # A time that was allowed to loosen binds as it is: less grave never means sooner.
                may_loosen = plan.rule.loosen_up_to is not None
                due = cadence.stated if may_loosen else min(due, cadence.stated)
        if due != cadence.due:
            self._aim(plan, cadence, Instant(due), at, severity)

    def resolved(self, cadence: Cadence, at: Instant) -> None:
        """One more update is owed; one of the very instant of the resolution was that one."""
        if cadence.phase != RUNNING:
            return
        cadence.is_last = True
        if cadence.updated and cadence.since == at:
            self.end(cadence)

    def reopen(self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str) -> None:
        """It begins again: the reopening + every."""
        if cadence.phase == IDLE:
            return
        if cadence.phase == ENDED:
            cadence.cycle += 0 if cadence.updated else 1
        cadence.phase = RUNNING
        cadence.is_last = False
        cadence.since = at
        cadence.misses = 0
        cadence.stated = NEVER
        self._aim(plan, cadence, self._after(at, plan.every(severity)), at, severity)

    def end(self, cadence: Cadence) -> None:
        """Nothing more is owed."""
        if cadence.phase == RUNNING:
            cadence.phase = ENDED
        cadence.due = cadence.alarm = NEVER

    def cancel(self, plan: CadencePlan, cadence: Cadence, at: Instant, reason: str, severity: str) -> None:
        """The escalation is gone: the interval that runs is cancelled."""
        if cadence.phase == RUNNING and cadence.due < NEVER:
            self._say(plan, cadence, "cancelled", at, severity, due=cadence.due, reason=reason)
        self.end(cadence)

    def fire(self, plan: CadencePlan, cadence: Cadence, severity: str) -> None:
        """The cadence's alarm is behind us: a warning, or an interval that passed in silence."""
        at = cadence.alarm
        if cadence.due <= at:
            self._miss(plan, cadence, severity)
            return
        marks = plan.marks(self._budget(plan, cadence, severity))
        first = cadence.passed
        while (
            cadence.passed < len(marks)
            and self._mark_at(plan, cadence, marks[cadence.passed].amount, severity) <= at
        ):
            cadence.passed += 1
        due = cadence.due
        self._arm(plan, cadence, severity)
        reached = marks[first : cadence.passed]
        if at == cadence.floor:
            reached = reached[-1:]  # overtaken: they collapse into the highest
        for mark in reached:
            self._say(plan, cadence, "breach_risk", at, severity, due=due, threshold=mark.label)

    # -- inside -------------------------------------------------------------------------------

    def _settle(self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str) -> None:
        if cadence.misses:
            self._say(plan, cadence, "stopped_late", at, severity, due=None, in_a_row=cadence.misses)
        elif cadence.due < NEVER:
            self._say(plan, cadence, "met", at, severity, due=cadence.due)

    def _miss(self, plan: CadencePlan, cadence: Cadence, severity: str) -> None:
        due = cadence.due
        cadence.misses += 1
        self._say(plan, cadence, "cadence_missed", due, severity, due=due, in_a_row=cadence.misses)
        is_abandoned = cadence.misses >= MOST_MISSES
        cadence.due = NEVER if is_abandoned else self._after(due, plan.every(severity))
        self._arm(plan, cadence, severity)

    def _after(self, at: Instant, target: Target | None) -> Instant:
        if target is None or at >= NEVER:
            return NEVER
        return self.calendars[target.calendar].due(at, target.budget)

    def _calendar(self, plan: CadencePlan, severity: str) -> str:
        target = plan.every(severity) or plan.first(severity)
        return target.calendar if target else ""

    def _budget(self, plan: CadencePlan, cadence: Cadence, severity: str) -> Span:
        return self.calendars[self._calendar(plan, severity)].elapsed(cadence.since, cadence.due)

    def _mark_at(self, plan: CadencePlan, cadence: Cadence, amount: Span, severity: str) -> Instant:
        calendar = self.calendars[self._calendar(plan, severity)]
        return max(calendar.due(cadence.since, amount), cadence.floor)

    def _aim(self, plan: CadencePlan, cadence: Cadence, due: Instant, floor: Instant, severity: str) -> None:
        cadence.due = due
        cadence.passed = 0
        cadence.floor = floor
        self._arm(plan, cadence, severity)

    def _arm(self, plan: CadencePlan, cadence: Cadence, severity: str) -> None:
        """Set the next alarm: a warning only before the first miss since the last update."""
        alarm = cadence.due
        if alarm < NEVER and not cadence.misses and plan.rule.risk:
            marks = plan.marks(self._budget(plan, cadence, severity))
            if cadence.passed < len(marks):
                alarm = min(alarm, self._mark_at(plan, cadence, marks[cadence.passed].amount, severity))
        cadence.alarm = alarm

    def _say(
        self,
        plan: CadencePlan,
        cadence: Cadence,
        name: str,
        at: Instant,
        severity: str,
        *,
        due: Instant | None,
        threshold: str = "",
        in_a_row: int = 0,
        reason: str = "",
    ) -> None:
        name_of_calendar = self._calendar(plan, severity)
        calendar = self.calendars[name_of_calendar]
        self.voice.say(
            name,
            plan.metric,
            "",
            cadence.cycle,
            at,
            due,
            cadence.since,
            calendar.elapsed(cadence.since, at),
            None if due is None else calendar.elapsed(cadence.since, due),
            name_of_calendar,
            threshold,
            (),
            in_a_row,
            reason,
        )
