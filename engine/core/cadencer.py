"""Keeps the next update that an audience is owed; says every silent interval (docs/concepts/cadences.md)."""

from engine.core.cadences import ENDED, IDLE, MOST_MISSES, RUNNING, Cadence
from engine.core.cutting import cut
from engine.core.instants import NEVER, Instant, Span
from engine.core.outcomes import BEHIND, CREDIT, VERDICTS
from engine.core.policy import Calendar, Target
from engine.core.rules import CadencePlan, Mark, Terms
from engine.core.segments import STANDS_WITHOUT_TARGET, Segment
from engine.core.statements import Statement
from engine.core.tiers import Tier, next_tier, rank_among
from engine.core.voice import Voice


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
        terms = plan.terms(severity)
        self._aim_at(plan, cadence, terms, terms.first, floor)

    def update(
        self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str, stated: Instant | None
    ) -> None:
        """The audience was told: the interval is settled, the next begins."""
        if cadence.phase != RUNNING:
            return
        terms = plan.terms(severity)
        self._settle(plan, cadence, terms, at)
        cadence.cycle += 1
        # What was said before the beginning settles the first interval.
        cadence.since = since = max(at, cadence.started)
        cadence.misses = 0
        cadence.owed = 0
        cadence.overdue = Instant(0)
        cadence.updated = True
        if cadence.is_last:
            self.end(cadence)
            return
        cadence.stated = NEVER
        if stated is None or stated <= since:
            self._aim_at(plan, cadence, terms, terms.every, since)
            return
        cap = plan.rule.loosen_up_to
        if cap is None:
            due = min(stated, self._after(since, terms.every))
        else:
            due = stated = min(stated, max(Instant(at + cap), self._after(since, terms.every)))
        cadence.stated = stated
        self._aim(plan, cadence, terms, due, since)

    def retarget(self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str, up: bool) -> None:
        """Severity up: now + the new interval, if sooner. Down: the last update + the new interval."""
        if cadence.phase != RUNNING:
            return
        terms = plan.terms(severity)
        every = terms.every
        if up:
            due = min(cadence.due, self._after(at, every))
        else:
            is_first = not cadence.updated and cadence.since == cadence.started
            due = self._after(cadence.since, terms.first if is_first else every)
            if every is not None:
                due = self._ends_after(due, every, at)
            if cadence.stated <= at:
                cadence.stated = NEVER  # it binds no more, whatever moves the due time later
            elif cadence.stated < NEVER:
                # A time that was allowed to loosen binds as it is: less grave never means sooner.
                may_loosen = plan.rule.loosen_up_to is not None
                due = cadence.stated if may_loosen else min(due, cadence.stated)
        if due != cadence.due:
            self._aim(plan, cadence, terms, Instant(due), at)
        else:
            told = cadence.budget
            self._tell(cadence, terms)
            if cadence.budget != told:  # another calendar tells it now, and its warnings
                cadence.floor = at
                self._arm(plan, cadence, terms)
        self._expose(plan, cadence, terms, Instant(at - 1), at)  # other credits at this severity

    def rebase(
        self,
        was: CadencePlan,
        plan: CadencePlan,
        cadence: Cadence,
        at: Instant,
        was_severity: str,
        severity: str,
    ) -> None:
        """It goes on by another version of the policy: a shorter interval is a severity up, a longer one a
        severity down (Clock 6 and Cadence 2)."""
        if cadence.phase != RUNNING:
            return
        before, terms = was.terms(was_severity), plan.terms(severity)
        cadence.owed = rank_among(plan.tiers, was.tiers, cadence.owed)
        marks = plan.marks(cadence.budget)
        if marks != was.marks(cadence.budget):
            cadence.passed = sum(self._mark_at(cadence, terms, mark) < at for mark in marks)
        if _interval(before.every) != _interval(terms.every) or _interval(before.first) != _interval(
            terms.first
        ):
            is_first = not cadence.updated and cadence.since == cadence.started
            old, new = (before.first, terms.first) if is_first else (before.every, terms.every)
            self.retarget(plan, cadence, at, severity, self._after(at, new) < self._after(at, old))
        else:
            self._expose(plan, cadence, terms, Instant(at - 1), at)
        self._arm(plan, cadence, terms)

    def adopt(self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str) -> None:
        """Known from `at` on: the intervals before it are nobody's misses."""
        if cadence.phase == RUNNING:
            cadence.misses = cadence.owed = 0
            cadence.overdue = Instant(0)
            if cadence.stated < at:
                cadence.stated = NEVER
            self._aim(plan, cadence, plan.terms(severity), cadence.due, at)

    def recount(self, plan: CadencePlan, cadence: Cadence, severity: str, floor: Instant) -> None:
        """The calendars changed: as much open time as was owed, on those of now; a stated time binds.

        Intervals that were missed stay: what runs ends no sooner than what has yet to be judged.
        """
        if cadence.phase != RUNNING or cadence.due >= NEVER:
            return
        terms = plan.terms(severity)
        if self._stays(cadence, terms):
            self._tell(cadence, terms)
        else:
            due = terms.calendar.due(cadence.since, cadence.budget)
            if not cadence.misses:
                due = min(due, cadence.stated)
            elif terms.every is not None:
                # What is due at the very instant up to which it was judged is yet to be.
                due = self._ends_after(due, terms.every, Instant(floor - 1))
                cadence.budget = terms.calendar.elapsed(cadence.since, due)
            cadence.due = due
        self._arm(plan, cadence, terms)
        if cadence.alarm < floor:  # overtaken by the change
            cadence.floor = floor
            self._arm(plan, cadence, terms)

    def tell_behind(self, plan: CadencePlan, cadence: Cadence, severity: str, until: Instant) -> None:
        """Due by then, and the update may not have been read: nothing is judged."""
        due, budget = cadence.due, cadence.budget
        if cadence.phase == RUNNING and due <= until:
            self._say(plan, cadence, BEHIND, due, plan.terms(severity), due, budget, budget)

    def resolved(self, cadence: Cadence, at: Instant) -> None:
        """One more update is owed; one of the very instant of the resolution was that one."""
        if cadence.phase != RUNNING:
            return
        cadence.is_last = True
        if cadence.updated and cadence.since == at:
            self.end(cadence)

    def reopen(
        self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str, *, cancelled: bool
    ) -> None:
        """It begins again: the reopening + every. `cancelled`: that was said of its last cycle."""
        if cadence.phase == IDLE:
            return
        if cadence.phase == ENDED:
            cadence.cycle += 1 if cancelled or not cadence.updated else 0
            cadence.overdue = Instant(0)
        cadence.phase = RUNNING
        cadence.is_last = False
        cadence.since = at
        cadence.misses = cadence.owed = 0
        cadence.stated = NEVER
        terms = plan.terms(severity)
        self._aim_at(plan, cadence, terms, terms.every, at)

    def close(self, plan: CadencePlan, cadence: Cadence, at: Instant, severity: str) -> None:
        """Nothing more is owed, not even a last update. An interval of which a warning or a miss was said is
        cancelled: who was alerted of it would never hear that it is over."""
        if cadence.phase == RUNNING and cadence.overdue:
            self.cancel(plan, cadence, at, "closed", severity)
            cadence.cycle += cadence.updated  # a reopening begins the next one, else by itself
        self.end(cadence)

    def end(self, cadence: Cadence) -> None:
        """Nothing more is owed."""
        if cadence.phase == RUNNING:
            cadence.phase = ENDED
        cadence.due = cadence.alarm = NEVER

    def cancel(
        self,
        plan: CadencePlan,
        cadence: Cadence,
        at: Instant,
        reason: str,
        severity: str,
        name: str = "cancelled",
    ) -> None:
        """The escalation is gone, or waived: the interval that runs is cancelled."""
        if cadence.phase == RUNNING and (cadence.due < NEVER or cadence.overdue):
            terms = plan.terms(severity)
            elapsed = terms.calendar.elapsed(cadence.since, at)
            due, budget = (None, None) if cadence.due >= NEVER else (cadence.due, cadence.budget)
            self._say(plan, cadence, name, at, terms, due, elapsed, budget, reason=reason)
        self.end(cadence)

    def waive(self, plan: CadencePlan, cadence: Cadence, at: Instant, reason: str, severity: str) -> None:
        """Exempt from now on, whatever its state: said once, and never started again by the judge."""
        if cadence.phase == RUNNING and cadence.due < NEVER:
            self.cancel(plan, cadence, at, reason, severity, "waived")
            return
        if not cadence.cycle:
            cadence.cycle, cadence.since = 1, at
        terms, why = plan.terms(severity), STANDS_WITHOUT_TARGET
        self._say(plan, cadence, "waived", at, terms, None, Span(0), None, reason=reason, why=why)
        cadence.phase = ENDED

    def fire(self, plan: CadencePlan, cadence: Cadence, severity: str) -> None:
        """The cadence's alarm is behind us: a warning, or an interval that passed in silence."""
        terms = plan.terms(severity)
        at, due, budget = cadence.alarm, cadence.due, cadence.budget
        if due <= at:
            self._miss(plan, cadence, terms)
            return
        if self._expose(plan, cadence, terms, at, at):
            return
        marks = plan.marks(budget)
        first = cadence.passed
        while cadence.passed < len(marks) and self._mark_at(cadence, terms, marks[cadence.passed]) <= at:
            cadence.passed += 1
        self._arm(plan, cadence, terms)
        reached = marks[first : cadence.passed]
        if at == cadence.floor:
            reached = reached[-1:]  # overtaken: they collapse into the highest
        for mark in reached:
            elapsed = terms.calendar.elapsed(cadence.since, at)
            cadence.overdue = at
            self._say(plan, cadence, "breach_risk", at, terms, due, elapsed, budget, threshold=mark.label)

    # -- inside -------------------------------------------------------------------------------

    def _settle(self, plan: CadencePlan, cadence: Cadence, terms: Terms, at: Instant) -> None:
        if not (cadence.misses or cadence.overdue) and cadence.due >= NEVER:
            return
        elapsed = terms.calendar.elapsed(cadence.since, at)
        if cadence.misses:
            self._say(plan, cadence, "stopped_late", at, terms, None, elapsed, None, in_a_row=cadence.misses)
        elif cadence.due < NEVER:
            self._say(plan, cadence, "met", at, terms, cadence.due, elapsed, cadence.budget)
        else:  # warned of, and then owed by no severity
            self._say(plan, cadence, "cancelled", at, terms, None, elapsed, None, reason="no_target")

    def _miss(self, plan: CadencePlan, cadence: Cadence, terms: Terms) -> None:
        due, budget = cadence.due, cadence.budget
        cadence.misses += 1
        if cadence.misses == 1:
            cadence.overdue = due
        self._say(plan, cadence, "cadence_missed", due, terms, due, budget, budget, in_a_row=cadence.misses)
        cadence.due = NEVER if cadence.misses >= MOST_MISSES else self._after(due, terms.every)
        self._tell(cadence, terms)
        self._arm(plan, cadence, terms)

    def _expose(self, plan: CadencePlan, cadence: Cadence, terms: Terms, until: Instant, at: Instant) -> bool:
        """Say at `at` the highest credit tier that the silence had come to by `until`; whether one was."""
        if not cadence.misses:
            return False
        reached: Tier | None = None
        while tier := next_tier(terms.tiers, cadence.owed):
            if self._tier_at(cadence, terms, tier) > until:
                break
            reached, cadence.owed = tier, tier.rank
        self._arm(plan, cadence, terms)
        if reached is None:
            return False
        overdue, calendar = cadence.overdue, terms.calendar
        elapsed, target = (calendar.elapsed(cadence.since, end) for end in (at, overdue))
        self._say(
            plan, cadence, CREDIT, at, terms, overdue, elapsed, target, reached.label,
            credit_percent=reached.percent,
        )  # fmt: skip
        return True

    def _tier_at(self, cadence: Cadence, terms: Terms, tier: Tier) -> Instant:
        return terms.calendar.due(cadence.overdue, tier.overrun)

    def _after(self, at: Instant, target: Target | None) -> Instant:
        if target is None or at >= NEVER:
            return NEVER
        return self.calendars[target.calendar].due(at, target.budget)

    def _ends_after(self, due: Instant, every: Target, at: Instant) -> Instant:
        """`due`, or of the intervals that follow it the first that ends after `at`."""
        if due > at:
            return due
        calendar = self.calendars[every.calendar]
        passed = calendar.elapsed(due, at) // every.budget + 1
        return calendar.due(due, Span(passed * every.budget))

    def _aim_at(
        self, plan: CadencePlan, cadence: Cadence, terms: Terms, target: Target | None, floor: Instant
    ) -> None:
        """Due when the target has run out since the last update."""
        due = self._after(cadence.since, target)
        if target is None or target.calendar != terms.name:
            self._aim(plan, cadence, terms, due, floor)
            return
        cadence.due, cadence.budget = due, target.budget
        cadence.passed = 0
        cadence.floor = floor
        self._arm(plan, cadence, terms)

    def _aim(self, plan: CadencePlan, cadence: Cadence, terms: Terms, due: Instant, floor: Instant) -> None:
        """Due at an instant, whatever led to it."""
        cadence.due, cadence.budget = due, Span(0)
        self._tell(cadence, terms)
        cadence.passed = 0
        cadence.floor = floor
        self._arm(plan, cadence, terms)

    def _tell(self, cadence: Cadence, terms: Terms) -> None:
        """What its due time comes to on the calendar of its severity, which need not have led to it."""
        if cadence.due < NEVER:
            cadence.budget = terms.calendar.elapsed(cadence.since, cadence.due)

    def _stays(self, cadence: Cadence, terms: Terms) -> bool:
        """Whether a change of calendars leaves its due time: a stated one, one that the first interval's own
        calendar led to, and one that is no target's while the open time before it is the same."""
        due, since, budget, first = cadence.due, cadence.since, cadence.budget, terms.first
        if due == cadence.stated:
            return True
        if (
            first
            and first.calendar != terms.name
            and not cadence.updated
            and self._after(since, first) == due
        ):
            return True
        for target in (first, terms.every):
            if budget and target and target.calendar == terms.name and budget % target.budget == 0:
                return False
        return terms.calendar.elapsed(since, due) == budget

    def _mark_at(self, cadence: Cadence, terms: Terms, mark: Mark) -> Instant:
        at = terms.calendar.due(cadence.since, mark.amount)
        return at if at > cadence.floor else cadence.floor

    def _arm(self, plan: CadencePlan, cadence: Cadence, terms: Terms) -> None:
        """Set the next alarm: a warning only before the first miss since the last update."""
        alarm = cadence.due
        if plan.rule.risk and not cadence.misses and alarm < NEVER:
            marks = plan.marks(cadence.budget)
            if cadence.passed < len(marks):
                mark = self._mark_at(cadence, terms, marks[cadence.passed])
                if mark < alarm:
                    alarm = mark
        if cadence.misses and (tier := next_tier(terms.tiers, cadence.owed)):
            alarm = min(alarm, self._tier_at(cadence, terms, tier))
        cadence.alarm = alarm

    def _say(
        self,
        plan: CadencePlan,
        cadence: Cadence,
        name: str,
        at: Instant,
        terms: Terms,
        due: Instant | None,
        elapsed: Span,
        target: Span | None,
        threshold: str = "",
        in_a_row: int = 0,
        reason: str = "",
        credit_percent: float | None = None,
        why: str = "",
    ) -> None:
        """`why`: what its time since the last update was, if not running."""
        segments: tuple[Segment, ...] = ()
        if name in VERDICTS and at > cadence.since:
            stretch = (cadence.since, at, terms.name, why)
            segments = cut([stretch], elapsed, self.voice.tenures, self.calendars)
        # Not by `Voice.say`, as for a clock.
        self.voice.said.append(
            Statement(
                name, plan.metric, "", cadence.cycle, at, due, cadence.since, elapsed, target, terms.name,
                threshold, (), in_a_row, reason, self.voice.context, segments, credit_percent,
            )
        )  # fmt: skip


def _interval(target: Target | None) -> tuple[Span, str] | None:
    """What makes two targets one, however their files wrote them."""
    return None if target is None else (target.budget, target.calendar)
