"""Starts, holds, stops and retargets clocks, and says what comes of it (docs/concepts/clocks.md)."""

from engine.core.clocks import (
    BY_REBASE,
    DORMANT,
    ENDED,
    HALTED,
    LIVE,
    NOT_ACKNOWLEDGED,
    NOT_ASKED,
    PAUSED,
    RETARGET,
    RUNNING,
    STOPPED,
    SUSPENDED,
    Clock,
)
from engine.core.cutting import cut
from engine.core.instants import NEVER, Instant, Span
from engine.core.outcomes import BEHIND, CREDIT, VERDICTS
from engine.core.policy import Calendar, Target
from engine.core.reminders import days_between, next_reminder
from engine.core.rules import ClockPlan, Mark, said_of
from engine.core.segments import STANDS_RESOLVED, STANDS_WITHOUT_TARGET, Segment, Stretch, stands_paused
from engine.core.statements import Statement
from engine.core.tiers import Tier, next_tier, rank_among, rank_of
from engine.core.voice import Voice


class Runner:
    """Moves the clocks of one plan. Holds no state of its own beside the voice."""

    __slots__ = ("calendars", "voice")

    def __init__(self, calendars: dict[str, Calendar], voice: Voice) -> None:
        self.calendars = calendars
        self.voice = voice

    # -- questions ----------------------------------------------------------------------------

    def reach(self, clock: Clock, amount: Span) -> Instant:
        """When the clock has counted, or will count, `amount`; NEVER where it stands still before that.

        A run that ends exactly at the amount does not reach it: nothing is left, and it is reached where
        the clock goes on (Clock 15).
        """
        rest = Span(amount - clock.elapsed)
        if rest <= 0:
            at = self._reached(clock, amount)
            if at is not None:
                return at
            rest = Span(0)
        if clock.phase != RUNNING:
            return NEVER
        return self.calendars[clock.calendar].due(clock.mark, rest)

    def _reached(self, clock: Clock, amount: Span) -> Instant | None:
        """When an amount that has been counted was reached; None where it was just not."""
        rest = int(amount)
        for start, end, name, why in clock.stretches:
            if why:
                continue
            calendar = self.calendars[name]
            counted = calendar.elapsed(start, end)
            if rest <= counted:
                at = calendar.due(start, Span(rest))
                if at < end:
                    return at
            rest -= counted
        return None

    def _since_mark(self, clock: Clock, at: Instant) -> Stretch:
        return (clock.mark, at, clock.calendar, "" if clock.phase == RUNNING else clock.idle)

    def _stretches(self, clock: Clock, at: Instant) -> list[Stretch]:
        """From its start up to `at`."""
        if at < clock.mark:  # it began earlier than was known: its due time lies behind
            before = (stretch for stretch in clock.stretches if stretch[0] < at)
            return [(start, min(end, at), name, why) for start, end, name, why in before]
        if at == clock.mark:
            return clock.stretches
        return [*clock.stretches, self._since_mark(clock, at)]

    # -- moves --------------------------------------------------------------------------------

    def start(
        self, plan: ClockPlan, clock: Clock, at: Instant, floor: Instant, severity: str, reasons: list[str]
    ) -> None:
        """Begin the next cycle at `at`; before `floor` nothing is warned of."""
        target = plan.targets.get(severity)
        if target is None:
            clock.phase = DORMANT
            return
        clock.cycle += 1
        clock.started = clock.mark = at
        clock.elapsed = Span(0)
        clock.stretches = []
        clock.breached = False
        clock.owed = 0
        if plan.is_held(reasons):
            self._hold(plan, clock, reasons)
            self._aim(plan, clock, target, floor)
        else:
            self._run(plan, clock, target, floor)
        if self.voice.movements:
            self._say(plan, clock, "clock_started", floor, due=self._due(clock))

    def hold(self, plan: ClockPlan, clock: Clock, at: Instant, reason: str) -> None:
        """A pause reason came that stops this clock."""
        self._count(clock, at)
        self._hold(plan, clock, [reason])
        self._arm(plan, clock)
        if self.voice.movements:
            self._say(plan, clock, "paused", at, due=None, reason=reason)

    def release(self, plan: ClockPlan, clock: Clock, at: Instant, reason: str) -> None:
        """The last pause reason that stopped this clock went."""
        self._count(clock, at)
        clock.phase = RUNNING
        clock.due = self.reach(clock, clock.budget)
        if clock.asked:  # whoever was notified before the pause has the whole time again
            clock.asked = at
        self._arm(plan, clock)
        if self.voice.movements:
            self._say(plan, clock, "resumed", at, due=self._due(clock), reason=reason)

    def acknowledge(self, plan: ClockPlan, clock: Clock) -> None:
        """Somebody answers the level that was said: no other is before its own threshold."""
        clock.asked = NOT_ASKED
        self._arm(plan, clock)

    def stop(self, plan: ClockPlan, clock: Clock, at: Instant, reason: str = "") -> None:
        """Done: met, or stopped_late after its breach; in silence where nothing was owed."""
        if clock.phase in LIVE:
            due = clock.due
            self._count(clock, at)
            clock.phase = STOPPED
            clock.idle = STANDS_RESOLVED
            clock.asked = NOT_ASKED
            clock.alarm = NEVER
            name = "stopped_late" if clock.breached else "met"
            self._say(plan, clock, name, at, None if due >= NEVER else due, clock.elapsed, reason)
        elif clock.phase in (SUSPENDED, DORMANT):
            clock.phase = ENDED

    def cancel(
        self, plan: ClockPlan, clock: Clock, at: Instant, reason: str, name: str = "cancelled"
    ) -> None:
        """The obligation is gone: out of denominators, a breach that was said stays."""
        if clock.phase in LIVE:
            due = self._due(clock)
            self._count(clock, at)
            self._say(plan, clock, name, at, due=due, reason=reason)
            clock.idle = STANDS_RESOLVED
        if clock.phase in LIVE or clock.phase in (SUSPENDED, DORMANT):
            clock.phase = ENDED
        clock.asked = NOT_ASKED
        clock.alarm = NEVER

    def halt(self, plan: ClockPlan, clock: Clock, at: Instant, reason: str) -> None:
        """The escalation is cancelled: what is live is cancelled, and goes on where that is taken back."""
        if clock.phase in LIVE:
            self.cancel(plan, clock, at, reason)
            clock.phase = HALTED

    def waive(self, plan: ClockPlan, clock: Clock, at: Instant, reason: str) -> None:
        """Exempt from now on, whatever its state: said once, and never started again by the judge."""
        if clock.phase in LIVE:
            self.cancel(plan, clock, at, reason, "waived")
            return
        if not clock.started:
            clock.cycle = max(1, clock.cycle)
            clock.started = clock.mark = at
        self._say(plan, clock, "waived", at, due=None, reason=reason)
        clock.phase = ENDED

    def reopen(
        self, plan: ClockPlan, clock: Clock, at: Instant, floor: Instant, severity: str, reasons: list[str]
    ) -> None:
        """A stopped or halted clock goes on in its cycle; the time between does not count (Clock 4)."""
        if clock.phase == ENDED:  # stopped while nothing was owed: a budget that comes back finds it again
            clock.phase = SUSPENDED if clock.cycle else DORMANT
            self.retarget(plan, clock, at, floor, severity, reasons)
            return
        if clock.phase not in (STOPPED, HALTED):
            return
        self._go_on(plan, clock, at, floor, reasons)
        if clock.phase == PAUSED:
            clock.due = NEVER
        self._arm(plan, clock)
        self.retarget(plan, clock, at, floor, severity, reasons)

    def retarget(
        self,
        plan: ClockPlan,
        clock: Clock,
        at: Instant,
        floor: Instant,
        severity: str,
        reasons: list[str],
        why: str = RETARGET,
    ) -> None:
        """The severity changed: same start, elapsed carried, new budget (Clock 5 and 7)."""
        target = plan.targets.get(severity)
        if clock.phase == DORMANT:
            if target is not None:
                self.start(plan, clock, at, floor, severity, reasons)
            return
        if target is None:
            self._suspend(plan, clock, at)
            return
        if clock.phase == SUSPENDED:
            self._go_on(plan, clock, at, floor, reasons)
            self._arm(plan, clock)
        if clock.phase not in LIVE:
            return
        if target.budget != clock.budget or target.calendar != clock.calendar:
            self._aim_anew(plan, clock, target, at, floor, why)
        if clock.breached:  # the same budget may have other credits at this severity
            self._expose(plan, clock, Instant(at - 1), at)

    def _aim_anew(
        self, plan: ClockPlan, clock: Clock, target: Target, at: Instant, floor: Instant, why: str
    ) -> None:
        """Another target from `at` on; where it is over already, that is its breach."""
        if clock.phase == RUNNING and target.calendar != clock.calendar:
            self._count(clock, at)
        self._aim(plan, clock, target, floor)
        overrun = self.reach(clock, clock.budget)
        if not clock.breached and overrun < at:
            clock.breached = True
            clock.due = overrun
            self._arm(plan, clock)
            self._say(plan, clock, "breached", at, due=overrun, reason=why)

    def rebase(
        self,
        was: ClockPlan,
        plan: ClockPlan,
        clock: Clock,
        at: Instant,
        floor: Instant,
        severity: str,
        reasons: list[str],
    ) -> None:
        """It goes on by another version of the policy: as at a change of severity (Clock 6)."""
        self._take_places(was, plan, clock, at, floor)
        is_held = plan.is_held(reasons)
        if clock.phase == RUNNING and is_held:
            self.hold(plan, clock, at, plan.holder(reasons))
        elif clock.phase == PAUSED and not is_held:
            self.release(plan, clock, at, BY_REBASE)
        self.retarget(plan, clock, at, floor, severity, reasons, BY_REBASE)
        if clock.phase in LIVE:
            self._arm(plan, clock)

    def adopt(
        self,
        plan: ClockPlan,
        clock: Clock,
        at: Instant,
        floor: Instant,
        severity: str,
        owed: float | None = None,
    ) -> None:
        """Known from `at` on, in the state that it would have: of what lies before nothing is said, but what
        is over is one breach now (Clock 6 and 8).

        `owed`: its breach was said before it was left out, and that so many percent of the fee are owed.
        """
        if clock.phase not in LIVE:
            return
        target = plan.targets.get(severity)
        if target is None:  # owed by a default severity that the escalation never had
            clock.phase, clock.alarm = DORMANT, NEVER
            clock.cycle -= 1
            return
        clock.breached = owed is not None
        clock.owed = rank_of(plan.tiers, owed or 0.0)
        if self.voice.movements:
            self._say(plan, clock, "clock_started", floor, due=self._due(clock))
        self._aim_anew(plan, clock, target, at, floor, BY_REBASE)
        if clock.breached:
            self._expose(plan, clock, Instant(at - 1), at)

    def back_date(self, plan: ClockPlan, clock: Clock, start: Instant, at: Instant, floor: Instant) -> None:
        """Known at `at`: it had begun at `start` already (Clock 8).

        Pauses since stay subtracted; what was said stays; an overrun is one breach, without the warnings.
        """
        if clock.phase not in LIVE or start >= clock.started:
            return
        self._begin_at(clock, start)
        clock.floor = max(floor, clock.floor)
        if not clock.breached:
            clock.due = self.reach(clock, clock.budget)
            clock.breached = clock.due < at
            if clock.breached:
                self._say(plan, clock, "breached", clock.due, due=clock.due, elapsed=clock.budget)
        self._arm(plan, clock)
        if clock.breached:
            self._expose(plan, clock, Instant(at - 1), at)

    def recount(self, plan: ClockPlan, clock: Clock, floor: Instant) -> None:
        """The calendars changed: what was counted and what is to come, by those of now (Calendars 4).

        A breach that was said stays, and no mark is passed twice.
        """
        runs = ((start, end, name) for start, end, name, why in clock.stretches if not why)
        clock.elapsed = Span(sum(self.calendars[name].elapsed(start, end) for start, end, name in runs))
        if clock.phase != RUNNING:
            return
        if not clock.breached:
            clock.due = self.reach(clock, clock.budget)
        self._arm(plan, clock)
        if clock.alarm < floor:  # overtaken by the change
            clock.floor = floor
            self._arm(plan, clock)

    def tell_behind(self, plan: ClockPlan, clock: Clock, until: Instant) -> None:
        """Due by then, and what stopped it may not have been read: nothing is judged."""
        if clock.phase == RUNNING and not clock.breached and clock.due <= until:
            self._say(plan, clock, BEHIND, clock.due, due=clock.due, elapsed=clock.budget)

    def fire(self, plan: ClockPlan, clock: Clock) -> None:
        """The clock's alarm is behind us: say what it stands for, and set the next."""
        at = clock.alarm
        if not clock.breached and clock.due <= at:
            clock.breached = True
            self._arm(plan, clock)
            self._say(plan, clock, "breached", clock.due, due=clock.due, elapsed=clock.budget)
            return
        if clock.breached and self._expose(plan, clock, at, at):
            return
        if clock.breached and plan.reminds and self._reminder(plan, clock) <= at:
            clock.reminded = days_between(clock.due, at)
            self._arm(plan, clock)
            self._say(plan, clock, "overdue", at, due=clock.due, in_a_row=clock.reminded)
            return
        marks = plan.marks(clock.budget)
        first = end = clock.passed
        while end < len(marks) and self._mark_at(clock, marks[end].amount) <= at:
            end += 1
        clock.passed = end
        pace = Span(0)
        if clock.pace and self._mark_at(clock, clock.pace) <= at:
            pace, clock.pace = plan.pace_reached(self.voice.severity, clock.budget, clock.pace)
        warnings, levels = said_of(marks[first:end], pace, overtaken=at == clock.floor)
        levels, reason = self._climb(plan, clock, levels, at)
        self._arm(plan, clock)
        due = self._due(clock)
        for mark in () if clock.breached else warnings:
            self._say(plan, clock, "breach_risk", at, due=due, threshold=mark.label)
        for mark in levels:
            label, notify = mark.label, mark.notify
            self._say(plan, clock, "escalated", at, due=due, threshold=label, notify=notify, reason=reason)

    # -- inside -------------------------------------------------------------------------------

    def _take_places(
        self, was: ClockPlan, plan: ClockPlan, clock: Clock, at: Instant, floor: Instant
    ) -> None:
        """What a state keeps as places in the lists of one version, as places in those of another."""
        clock.owed = rank_among(plan.tiers, was.tiers, clock.owed)
        marks, known = plan.marks(clock.budget), was.marks(clock.budget)
        if marks == known:
            return
        told = {mark.label for mark in known if 0 < mark.level <= clock.levels}
        clock.passed = sum(self._mark_at(clock, mark.amount) < at for mark in marks)
        behind = (
            mark.level for place, mark in enumerate(marks) if place < clock.passed or mark.label in told
        )
        clock.levels = max(behind, default=0)
        if not clock.levels or plan.level(clock.budget, clock.levels).ack_within is None:
            clock.asked = NOT_ASKED
        clock.floor = max(floor, clock.floor)

    def _climb(
        self, plan: ClockPlan, clock: Clock, reached: list[Mark], at: Instant
    ) -> tuple[list[Mark], str]:
        """The levels that are said at `at`, and why if not for their thresholds: those reached that were not
        said already, or the next where the last has waited in vain."""
        levels, reason = [mark for mark in reached if mark.level > clock.levels], ""
        if not levels and self._answer_due(plan, clock) <= at:
            levels, reason = [plan.level(clock.budget, clock.levels + 1)], NOT_ACKNOWLEDGED
        if levels:
            clock.levels = levels[-1].level
            clock.asked = at if levels[-1].ack_within else NOT_ASKED
        return levels, reason

    def _answer_due(self, plan: ClockPlan, clock: Clock) -> Instant:
        """Until when the last level waits for an acknowledgement; NEVER where it does not, or in a pause."""
        if not clock.asked or clock.phase != RUNNING:
            return NEVER
        within = plan.level(clock.budget, clock.levels).ack_within
        if within is None:
            return NEVER
        return max(self.calendars[within.calendar].due(clock.asked, within.budget), clock.floor)

    def _expose(self, plan: ClockPlan, clock: Clock, until: Instant, at: Instant) -> bool:
        """Say at `at` the highest credit tier that was reached by `until`; whether there was one."""
        if not plan.tiers:
            return False
        reached: Tier | None = None
        while tier := self._next_tier(plan, clock):
            if self._tier_at(clock, tier) > until:
                break
            reached, clock.owed = tier, tier.rank
        self._arm(plan, clock)
        if reached is None:
            return False
        label, percent = reached.label, reached.percent
        self._say(plan, clock, CREDIT, at, due=self._due(clock), threshold=label, credit_percent=percent)
        return True

    def _next_tier(self, plan: ClockPlan, clock: Clock) -> Tier | None:
        severity = self.voice.gravest if plan.by_gravest else self.voice.severity
        return next_tier(plan.tiers.get(severity, ()), clock.owed)

    def _tier_at(self, clock: Clock, tier: Tier) -> Instant:
        return self.reach(clock, Span(clock.budget + tier.overrun))

    def _run(self, plan: ClockPlan, clock: Clock, target: Target, floor: Instant) -> None:
        """`_aim` for a clock that runs from its mark on, with nothing elapsed."""
        clock.phase = RUNNING
        clock.budget, clock.calendar = target.budget, target.calendar
        clock.passed = clock.levels = clock.reminded = 0
        clock.floor = floor
        calendar, start = self.calendars[target.calendar], clock.mark
        clock.due = alarm = calendar.due(start, target.budget)
        marks = plan.marks(target.budget)
        if marks:
            mark = calendar.due(start, marks[0].amount)
            if mark < floor:
                mark = floor
            if mark < alarm:
                alarm = mark
        clock.pace = pace = plan.pace_mark(self.voice.severity, target.budget) if plan.pace else Span(0)
        if pace:
            alarm = min(alarm, max(calendar.due(start, pace), floor))
        clock.alarm = alarm

    def _aim(self, plan: ClockPlan, clock: Clock, target: Target, floor: Instant) -> None:
        """A new target version: its marks are judged from `floor` on."""
        clock.budget, clock.calendar = target.budget, target.calendar
        clock.passed = clock.levels = clock.reminded = 0
        clock.asked = NOT_ASKED
        clock.floor = floor
        clock.pace = plan.pace_mark(self.voice.severity, target.budget) if plan.pace else Span(0)
        clock.due = self.reach(clock, clock.budget)
        self._arm(plan, clock)

    def _begin_at(self, clock: Clock, start: Instant) -> None:
        """Put the time from `start` to its start before what it has counted."""
        began, clock.started = clock.started, start
        if not clock.stretches and clock.phase == RUNNING:
            clock.mark = start
            return
        name, end, rest = clock.calendar, began, clock.stretches
        if rest:
            _, first_end, name, why = rest[0]
            if not why:
                end, rest = first_end, rest[1:]
        clock.elapsed = Span(clock.elapsed + self.calendars[name].elapsed(start, began))
        clock.stretches = [(start, end, name, ""), *rest]

    def _suspend(self, plan: ClockPlan, clock: Clock, at: Instant) -> None:
        if clock.phase in LIVE:
            due = self._due(clock)
            self._count(clock, at)
            clock.phase = SUSPENDED
            clock.idle = STANDS_WITHOUT_TARGET
            clock.asked = NOT_ASKED
            clock.alarm = NEVER
            self._say(plan, clock, "cancelled", at, due=due, reason="no_target")

    def _hold(self, plan: ClockPlan, clock: Clock, reasons: list[str]) -> None:
        clock.phase = PAUSED
        clock.idle = stands_paused(plan.holder(reasons))

    def _go_on(self, plan: ClockPlan, clock: Clock, at: Instant, floor: Instant, reasons: list[str]) -> None:
        """After a stop or a suspension: it runs, or is held by what is in force."""
        self._count(clock, at)
        clock.floor = max(floor, clock.floor)  # what it has yet to warn of it warns of now, not in the past
        if plan.is_held(reasons):
            self._hold(plan, clock, reasons)
        else:
            clock.phase = RUNNING
        clock.due = self.reach(clock, clock.budget)

    def _count(self, clock: Clock, at: Instant) -> None:
        """End at `at` what runs or stands still."""
        mark = clock.mark
        if at > mark:
            if clock.phase == RUNNING:
                counted = self.calendars[clock.calendar].elapsed(mark, at)
                clock.elapsed = Span(clock.elapsed + counted)
            clock.stretches = [*clock.stretches, self._since_mark(clock, at)]
            clock.mark = at
        if not clock.breached:
            clock.due = NEVER

    def _mark_at(self, clock: Clock, amount: Span) -> Instant:
        at = self.reach(clock, amount)
        return at if at > clock.floor else clock.floor

    def _arm(self, plan: ClockPlan, clock: Clock) -> None:
        """Set the next alarm: the due time, and before or after it the next mark."""
        alarm = NEVER if clock.breached or clock.phase != RUNNING else clock.due
        marks = plan.marks(clock.budget)
        if clock.passed < len(marks):
            mark = self._mark_at(clock, marks[clock.passed].amount)
            if mark < alarm:
                alarm = mark
        if clock.pace:
            alarm = min(alarm, self._mark_at(clock, clock.pace))
        if clock.asked:
            alarm = min(alarm, self._answer_due(plan, clock))
        if clock.breached and plan.tiers and (tier := self._next_tier(plan, clock)):
            alarm = min(alarm, self._tier_at(clock, tier))
        if clock.breached and plan.reminds and clock.phase == RUNNING:
            alarm = min(alarm, self._reminder(plan, clock))
        clock.alarm = alarm

    def _reminder(self, plan: ClockPlan, clock: Clock) -> Instant:
        """When the breach is said again: not for the days of a pause, nor for those before a new target."""
        return next_reminder(clock.due, clock.reminded, max(clock.floor, clock.mark), plan.reminds)

    def _due(self, clock: Clock) -> Instant | None:
        """The due time as outcomes state it; a clock that stands still has none (Clock 15)."""
        return None if clock.due >= NEVER else clock.due

    def _say(
        self,
        plan: ClockPlan,
        clock: Clock,
        name: str,
        at: Instant,
        due: Instant | None,
        elapsed: Span | None = None,
        reason: str = "",
        *,
        threshold: str = "",
        notify: tuple[str, ...] = (),
        in_a_row: int = 0,
        credit_percent: float | None = None,
    ) -> None:
        if elapsed is None:
            elapsed = clock.elapsed_at(self.calendars[clock.calendar], at)
        segments: tuple[Segment, ...] = ()
        if name in VERDICTS:
            segments = cut(self._stretches(clock, at), elapsed, self.voice.tenures, self.calendars)
        # Not by `Voice.say`: to hand on as many arguments once more would cost half a microsecond.
        self.voice.said.append(
            Statement(
                name, plan.metric, plan.key, clock.cycle, at, due, clock.started, elapsed, clock.budget,
                clock.calendar, threshold, notify, in_a_row, reason, self.voice.context, segments,
                credit_percent,
            )
        )  # fmt: skip
