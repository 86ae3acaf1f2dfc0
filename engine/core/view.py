"""What is owed by a stored escalation at an instant: one row a running clock, for boards and tables."""

from collections.abc import Iterator
from typing import NamedTuple

from engine.core import attributes as attrs
from engine.core import state
from engine.core.cadences import RUNNING as CADENCE_RUNNING
from engine.core.cadences import Cadence
from engine.core.clocks import LIVE, PAUSED, Clock
from engine.core.deadlines import ACTION, COMMITMENT, Deadline
from engine.core.deadlines import OPEN as DEADLINE_OPEN
from engine.core.escalation import WAITING, Escalation
from engine.core.instants import MICROSECOND, NEVER, Instant, Span
from engine.core.policy import AROUND_THE_CLOCK, Book, Calendar
from engine.core.recurrence import plan_of
from engine.core.rules import Plan, rules_of
from engine.core.segments import pause_reason

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
    missed_at: Instant = NEVER
    """Of a cadence: when the last interval that passed in silence ended; NEVER: none has since the update."""
    closes_at: Instant = NEVER
    """Where time counts: when its calendar closes next."""
    turns_at: Instant = NEVER
    """When `state`, or whether time counts, changes next by time alone."""


class Of(NamedTuple):
    """What the clocks of an escalation share."""

    subject: str
    title: str
    severity: str
    customer_name: str
    owner: str
    team: str


class Source(NamedTuple):
    """What a clock is seen in: as long as that is equal, only time changes how it is seen."""

    of: Of
    metric: str
    key: str
    clock: Clock | Cadence | Deadline
    calendar: Calendar
    hours: str
    """The calendar's name in the policies."""
    notify: tuple[str, ...] = ()
    """Of a pattern's flag: the roles that the policy has told of it."""


class _Reading(NamedTuple):
    """Of a source, at an instant."""

    is_breached: bool
    is_paused: bool
    due_at: Instant | None
    left: Span
    target: Span
    text: str = ""
    owner: str = ""
    """Of what has one of its own; else the escalation's."""
    why: str = ""
    in_a_row: int = 0
    is_judged: bool = True
    missed_at: Instant = NEVER


def clocks_of(record: bytes, book: Book, now: Instant) -> list[ClockView]:
    """The running and paused clocks of an escalation's main record, soonest due first, paused ones last.

    Empty for an escalation that waits for its opening or whose policy the book does not hold.
    """
    views = [view_of(source, now) for source in sources_of(record, book)]
    return sorted(views, key=lambda v: NEVER if v.due_at is None else v.due_at)


def sources_of(record: bytes, book: Book) -> list[Source]:
    """What these are seen in, in no order: a record costs more to read than its clocks to see again."""
    e = state.decode_escalation(record)
    plan = plan_of(rules_of(book), e)
    if e.status == WAITING or plan is None:
        return []
    a = e.attributes
    of = Of(
        e.subject,
        attrs.text(a, "title"),
        e.severity,
        attrs.text(a, "customer_name") or attrs.text(a, "customer"),
        attrs.text(a, "owner"),
        attrs.text(a, "team"),
    )
    return [*_clocks(of, e, plan), *_cadences(of, e, plan), *_deadlines(of, e, plan)]


def _clocks(of: Of, e: Escalation, plan: Plan) -> Iterator[Source]:
    for its, clock in zip(plan.clocks, e.clocks, strict=False):  # without roles that none asked for
        if clock.phase in LIVE:
            calendar, notify = plan.calendars[clock.calendar], plan.pattern.notify if plan.pattern else ()
            yield Source(of, its.metric, its.key, clock, calendar, clock.calendar, notify)


def _cadences(of: Of, e: Escalation, plan: Plan) -> Iterator[Source]:
    for its, cadence in zip(plan.cadences, e.cadences, strict=True):
        is_silent = cadence.misses > 0 and cadence.budget > 0  # and more of it is not said
        if cadence.phase == CADENCE_RUNNING and (cadence.due < NEVER or is_silent):
            terms = its.terms(e.severity)
            yield Source(of, its.metric, "", cadence, terms.calendar, terms.name)


def _deadlines(of: Of, e: Escalation, plan: Plan) -> Iterator[Source]:
    always = plan.calendars[AROUND_THE_CLOCK]
    for metric, deadlines in ((COMMITMENT, e.commitments), (ACTION, e.actions)):
        for one in deadlines:
            if one.phase == DEADLINE_OPEN:
                yield Source(of, metric, one.id, one, always, AROUND_THE_CLOCK)


def view_of(source: Source, now: Instant) -> ClockView:
    """How the clock stands."""
    of, calendar = source.of, source.calendar
    read = _read(source, now)
    closes = calendar.closes(now)
    is_open = closes > now
    at_risk_from = Span(int(read.target * (1 - AT_RISK_RATIO)))
    if read.is_breached:
        shown = "breached"
    elif read.is_paused:
        shown = "paused"
    elif not is_open:
        shown = "closed"
    elif read.target > 0 and read.left <= at_risk_from:
        shown = "at_risk"
    else:
        shown = "running"
    return ClockView(
        subject=of.subject,
        title=of.title,
        metric=source.metric,
        key=source.key,
        cycle=source.clock.cycle,
        severity=of.severity,
        customer_name=of.customer_name,
        owner=read.owner or of.owner,
        state=shown,
        due_at=read.due_at,
        left=read.left,
        target=read.target,
        text=read.text,
        team=of.team,
        calendar=source.hours,
        why=read.why,
        in_a_row=read.in_a_row,
        is_judged=read.is_judged,
        missed_at=read.missed_at,
        closes_at=closes if is_open and not read.is_paused else NEVER,
        turns_at=_turn(calendar, shown, read, at_risk_from, closes, now),
    )


def _turn(
    calendar: Calendar, shown: str, read: _Reading, at_risk_from: Span, closes: Instant, now: Instant
) -> Instant:
    """When time alone changes what is shown; `closes` is `now` where the calendar is closed."""
    if shown == "paused":
        return NEVER
    if closes == now:
        return calendar.next_opening(now)
    if shown == "running" and read.target > 0:
        return min(closes, calendar.due(now, Span(read.left - at_risk_from)))
    if shown in ("running", "at_risk"):  # past the due time by the least that there is
        return min(closes, Instant(calendar.due(now, read.left) + MICROSECOND))
    return closes


def _read(source: Source, now: Instant) -> _Reading:
    clock, calendar = source.clock, source.calendar
    if isinstance(clock, Clock):
        return _of_clock(clock, calendar, now)
    if isinstance(clock, Cadence):
        return _of_cadence(clock, calendar, now)
    return _of_deadline(clock, now, owner=clock.by if source.metric == ACTION else "")


def _of_clock(clock: Clock, calendar: Calendar, now: Instant) -> _Reading:
    left = Span(clock.budget - clock.elapsed_at(calendar, now))
    is_paused = clock.phase == PAUSED
    return _Reading(
        left < 0 or clock.breached,
        is_paused,
        None if clock.due >= NEVER else clock.due,
        left,
        clock.budget,
        why=pause_reason(clock.idle) if is_paused else "",
        is_judged=left >= 0 or clock.breached,
    )


def _of_cadence(cadence: Cadence, calendar: Calendar, now: Instant) -> _Reading:
    due, budget, missed, misses = cadence.due, cadence.budget, NEVER, cadence.misses
    if misses:  # nobody has heard from us since: what followed is no new start
        if due < NEVER:
            since = calendar.elapsed(cadence.overdue, due)
            missed = calendar.due(cadence.overdue, Span(since * (misses - 1) // misses))
        else:
            missed = calendar.due(cadence.since, budget)
        due = cadence.overdue
        budget = calendar.elapsed(cadence.since, due)
    left = Span(calendar.elapsed(now, due) - calendar.elapsed(due, now))
    judged = left >= 0 or misses > 0
    return _Reading(
        left < 0, False, due, left, budget, in_a_row=misses, is_judged=judged, missed_at=missed
    )  # fmt: skip


def _of_deadline(one: Deadline, now: Instant, owner: str) -> _Reading:
    left, target = Span(one.due - now), Span(max(0, one.due - one.made))
    judged = left >= 0 or one.missed
    return _Reading(one.missed or left < 0, False, one.due, left, target, one.text, owner, is_judged=judged)
