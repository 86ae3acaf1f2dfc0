"""What is owed by a stored escalation at an instant: one row a running clock, for boards and tables."""

from collections.abc import Iterator
from typing import NamedTuple

from engine.core import attributes as attrs
from engine.core import state
from engine.core.cadences import RUNNING as CADENCE_RUNNING
from engine.core.clocks import LIVE, PAUSED, Clock, Runner
from engine.core.deadlines import ACTION, COMMITMENT, Deadline
from engine.core.deadlines import OPEN as DEADLINE_OPEN
from engine.core.escalation import WAITING, Escalation
from engine.core.instants import MICROSECOND, NEVER, Instant, Span
from engine.core.policy import AROUND_THE_CLOCK, Book, Calendar
from engine.core.recurrence import plan_of
from engine.core.rules import Plan, rules_of
from engine.core.segments import pause_reason
from engine.core.statements import Voice

AT_RISK_RATIO = 0.75
"""At risk: this share of the budget is used, and the clock runs (the console's meaning)."""


class ClockView(NamedTuple):
    subject: str
    title: str
    metric: str
    key: str
    cycle: int
    severity: str
    customer_name: str
    owner: str
    state: str
    """breached, at_risk, running, closed (its calendar is), paused."""
    due_at: Instant | None
    """None while it is paused."""
    left: Span
    """On the clock's own calendar; negative: overrun."""
    target: Span
    text: str
    """What was promised, or an action's title; empty for any other clock."""
    team: str = ""
    calendar: str = AROUND_THE_CLOCK
    """By its name in the policies."""
    why: str = ""
    """Of a paused clock: the reason, such as `pending_vendor`."""
    in_a_row: int = 0
    """Of a cadence: intervals that have passed in silence since the last update."""
    is_judged: bool = True
    """False: due, and its verdict is not given yet: a moment later it is, or its source is behind."""
    closes_at: Instant = NEVER
    """Where time counts: when its calendar closes next."""
    turns_at: Instant = NEVER
    """When `state`, or whether time counts, changes next by time alone."""


class _Row(NamedTuple):
    metric: str
    key: str
    cycle: int
    is_breached: bool
    is_paused: bool
    due_at: Instant | None
    left: Span
    target: Span
    calendar: str
    text: str = ""
    owner: str = ""
    """Of what has one of its own; else the escalation's."""
    why: str = ""
    in_a_row: int = 0
    is_judged: bool = True


def clocks_of(record: bytes, book: Book, now: Instant) -> list[ClockView]:
    """The running and paused clocks of an escalation's main record, soonest due first, paused ones last.

    Empty for an escalation that waits for its opening or whose policy the book does not hold.
    """
    escalation, _ = state.decode(record)
    plan = plan_of(rules_of(book), escalation)
    if escalation.status == WAITING or plan is None:
        return []
    views = [
        _view(escalation, plan, row, now)
        for rows in (
            _clocks(escalation, plan, now),
            _cadences(escalation, plan, now),
            _deadlines(COMMITMENT, escalation.commitments, now),
            _deadlines(ACTION, escalation.actions, now),
        )
        for row in rows
    ]
    return sorted(views, key=lambda v: NEVER if v.due_at is None else v.due_at)


def _view(e: Escalation, plan: Plan, row: _Row, now: Instant) -> ClockView:
    calendar = plan.calendars[row.calendar]
    closes = calendar.closes(now)
    is_open = closes > now
    at_risk_from = Span(int(row.target * (1 - AT_RISK_RATIO)))
    if row.is_breached:
        shown = "breached"
    elif row.is_paused:
        shown = "paused"
    elif not is_open:
        shown = "closed"
    elif row.target > 0 and row.left <= at_risk_from:
        shown = "at_risk"
    else:
        shown = "running"
    a = e.attributes
    return ClockView(
        subject=e.subject,
        title=attrs.text(a, "title"),
        metric=row.metric,
        key=row.key,
        cycle=row.cycle,
        severity=e.severity,
        customer_name=attrs.text(a, "customer_name") or attrs.text(a, "customer"),
        owner=row.owner or attrs.text(a, "owner"),
        state=shown,
        due_at=row.due_at,
        left=row.left,
        target=row.target,
        text=row.text,
        team=attrs.text(a, "team"),
        calendar=row.calendar,
        why=row.why,
        in_a_row=row.in_a_row,
        is_judged=row.is_judged,
        closes_at=closes if is_open and not row.is_paused else NEVER,
        turns_at=_turn(calendar, shown, row, at_risk_from, closes, now),
    )


def _turn(
    calendar: Calendar, shown: str, row: _Row, at_risk_from: Span, closes: Instant, now: Instant
) -> Instant:
    """When time alone changes what is shown; `closes` is `now` where the calendar is closed."""
    if shown == "paused":
        return NEVER
    if closes == now:
        return calendar.next_opening(now)
    if shown == "running" and row.target > 0:
        return min(closes, calendar.due(now, Span(row.left - at_risk_from)))
    if shown in ("running", "at_risk"):  # past the due time by the least that there is
        return min(closes, Instant(calendar.due(now, row.left) + MICROSECOND))
    return closes


def _clocks(e: Escalation, plan: Plan, now: Instant) -> Iterator[_Row]:
    runner = Runner(plan.calendars, Voice(e.severity, e.attributes, False))
    for clock_plan, clock in zip(plan.clocks, e.clocks, strict=False):  # without roles that none asked for
        if clock.phase in LIVE:
            left = _left(runner, clock, now)
            due = None if clock.due >= NEVER else clock.due
            is_late = left < 0 or clock.breached
            is_paused = clock.phase == PAUSED
            yield _Row(
                clock_plan.metric, clock_plan.key, clock.cycle, is_late, is_paused, due, left,
                clock.budget, clock.calendar,
                why=pause_reason(clock.idle) if is_paused else "", is_judged=left >= 0 or clock.breached,
            )  # fmt: skip


def _left(runner: Runner, clock: Clock, now: Instant) -> Span:
    return Span(clock.budget - runner.elapsed_at(clock, now))


def _cadences(e: Escalation, plan: Plan, now: Instant) -> Iterator[_Row]:
    for cadence_plan, cadence in zip(plan.cadences, e.cadences, strict=True):
        if cadence.phase != CADENCE_RUNNING or cadence.due >= NEVER:
            continue
        terms = cadence_plan.terms(e.severity)
        calendar, due, budget = terms.calendar, cadence.due, cadence.budget
        if cadence.misses:  # nobody has heard from us since: what followed is no new start
            budget = Span(max(0, budget - calendar.elapsed(cadence.overdue, due)))
            due = cadence.overdue
        left = Span(calendar.elapsed(now, due) - calendar.elapsed(due, now))
        yield _Row(
            cadence_plan.metric, "", cadence.cycle, left < 0, False, due, left, budget, terms.name,
            in_a_row=cadence.misses, is_judged=left >= 0 or cadence.misses > 0,
        )  # fmt: skip


def _deadlines(metric: str, deadlines: list[Deadline], now: Instant) -> Iterator[_Row]:
    for one in deadlines:
        if one.phase == DEADLINE_OPEN:
            left, target = Span(one.due - now), Span(max(0, one.due - one.made))
            is_late = one.missed or left < 0
            owner = one.by if metric == ACTION else ""
            yield _Row(
                metric, one.id, one.cycle, is_late, False, one.due, left, target, AROUND_THE_CLOCK,
                one.text, owner, is_judged=left >= 0 or one.missed,
            )  # fmt: skip
