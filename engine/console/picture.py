"""The picture of an escalation's clocks: from its verdicts' segments, and from what runs on the board."""

from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from markupsafe import Markup

from engine.console import lanes
from engine.console.rows import Row
from engine.core.instants import HOUR, NEVER, Instant, Span
from engine.core.segments import Segment
from engine.documents import way
from engine.documents.lateness import LATE, MET, MISSED, Ended
from engine.documents.situation import Situation
from engine.documents.words import clock_time, due_words, length, was_owed


def picture(
    situation: Situation, obligations: list[Ended], running: list[Row], texts: dict[str, str], now: Instant
) -> Markup:
    """Of its clocks over time: what ran, stood still and was over."""
    live = {(row.view.metric, row.view.key): row for row in running}
    names: dict[tuple[str, str], None] = dict.fromkeys(live)
    names |= dict.fromkeys((one.which[0], one.which[1]) for one in obligations if one.last.segments)
    made = [
        _lane(
            situation, name, [one for one in obligations if one.which[:2] == name], live.get(name), texts, now
        )
        for name in names
    ]
    made = [lane for lane in made if lane.stretches or lane.marks]
    moments = [fact.at for fact in situation.facts]
    moments += [mark.at for lane in made for mark in lane.marks]
    start = min([situation.escalation.opened, *(one.start for lane in made for one in lane.stretches)])
    ahead = [mark.at for lane in made for mark in lane.marks if mark.at > now]
    end = max(now, min([max(ahead, default=now), Instant(now + max(HOUR, (now - start) // 4))]))
    calendar = next(
        (situation.plan.calendars[row.view.calendar] for row in running if row.view.calendar), None
    ) or next((cal for name, cal in situation.plan.calendars.items() if name), None)
    folds = [] if calendar is None else lanes.closed_stretches(calendar, start, end, [*moments, now])
    axis = lanes.Axis(start, Instant(end + (end - start) // 50), folds)
    return lanes.draw(made, axis, now, ZoneInfo(situation.zone.name), situation.subject)


def _lane(
    situation: Situation, name: tuple[str, str], past: list[Ended], row: Row | None, texts: dict[str, str],
    now: Instant,
) -> lanes.Lane:  # fmt: skip
    stretches: list[lanes.Stretch] = []
    marks: list[lanes.Mark] = []
    for one in past:
        stretches += _of_verdict(situation, one)
        marks += _marks(one)
    if row is not None:
        stretches += _of_now(situation, row, stretches, now)
        if row.view.due_at is not None and not row.view.in_a_row and row.state != "breached":
            marks.append(
                lanes.Mark(
                    row.view.due_at, "due", clock_time(row.view.due_at, now, ZoneInfo(situation.zone.name))
                )
            )
    label = row.owed if row is not None else was_owed(*name, texts.get(name[1], ""))
    return lanes.Lane(label, _say(past, row, now), row is None, stretches, sorted(marks))


def _of_verdict(situation: Situation, one: Ended) -> Iterator[lanes.Stretch]:
    due = one.due if one.is_late else None
    for row in way.rows_of(one.last, situation.book):
        if row.state == "paused":
            yield lanes.Stretch(row.start, row.end, "paused")
        elif row.state == "running":
            if due is None or row.end <= due:
                yield lanes.Stretch(row.start, row.end, "run")
            elif row.start >= due:
                yield lanes.Stretch(row.start, row.end, "over")
            else:
                yield lanes.Stretch(row.start, due, "run")
                yield lanes.Stretch(due, row.end, "over")


def _of_now(
    situation: Situation, row: Row, before: list[lanes.Stretch], now: Instant
) -> Iterator[lanes.Stretch]:
    """What of a running clock lies behind us: since its last verdict, or its start."""
    view = row.view
    started = _started(situation, row)
    if started is None or started >= now:
        return
    begin = max([started, *(one.end for one in before if one.end <= now)])
    calendar = situation.plan.calendars[view.calendar]
    if view.state == "paused":
        yield lanes.Stretch(begin, now, "paused")
        return
    whole = Segment(begin, now, "", view.calendar, Span(0), "", "")
    pieces = (
        way.open_and_closed(whole, calendar)
        if view.calendar
        else [way.Row(begin, now, "running", "", Span(0))]
    )
    due = NEVER if view.due_at is None else view.due_at
    risk_from = (
        NEVER
        if row.state != "at_risk" or view.target <= 0
        else calendar.due(started, Span(view.target * 3 // 4))
    )
    for piece in pieces:
        if piece.state != "running":
            continue
        turns = [at for at in (risk_from, due) if piece.start < at < piece.end]
        for a, b in pairwise(sorted({piece.start, *turns, piece.end})):
            yield lanes.Stretch(a, b, "over" if a >= due else "risk" if a >= risk_from else "run")


def _started(situation: Situation, row: Row) -> Instant | None:
    e, view = situation.escalation, row.view
    for plan, clock in zip(situation.plan.clocks, e.clocks, strict=False):
        if (plan.metric, plan.key) == (view.metric, view.key):
            return clock.started
    for plan_, cadence in zip(situation.plan.cadences, e.cadences, strict=True):
        if plan_.metric == view.metric:
            return cadence.since
    made = (one.made for one in (*e.commitments, *e.actions) if one.id == view.key)
    return next(made, None)


def _marks(one: Ended) -> Iterator[lanes.Mark]:
    for verdict in one.verdicts:
        if verdict.name in MISSED:
            said = "breached" if verdict.name == "breached" else "missed"
            yield lanes.Mark(verdict.effective_at, "missed", said)
    if one.result in (MET, LATE):
        if one.due is not None and not one.missed:
            yield lanes.Mark(one.due, "due")
        yield lanes.Mark(one.last.effective_at, "stop")


def _say(past: list[Ended], row: Row | None, now: Instant) -> str:
    """`in 12 min`, `met, 8 min early`, `4 met, 1 missed`."""
    missed = sum(bool(one.missed) or one.result == LATE for one in past)
    met = sum(one.result == MET and not one.missed for one in past)
    counts = f"{met} met, {missed} missed" if met + missed > 1 else ""
    if row is not None:
        said = due_words(row.state, row.view.due_at, row.left_at(now), now)
        return f"{said} · {counts}" if counts else said
    if counts:
        return counts
    last = past[-1]
    if last.result == MET and last.last.target is not None:
        early = Span(last.last.target - last.last.elapsed)
        return f"met, {length(early)} early" if early > 0 else "met"
    late = f" by {length(last.late)}" if last.late is not None else ""
    return f"{last.result}{late}"
