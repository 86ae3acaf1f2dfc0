"""The clocks of an escalation over time, as a picture: one lane a clock, closed nights folded."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from html import escape
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from engine.core.instants import DAY, HOUR, MINUTE, Instant, Span, from_datetime, to_datetime
from engine.core.policy import Calendar

LEFT, RIGHT, WIDTH, TOP, LANE = 246, 1000, 1070, 32, 54
"""Where time begins and ends; the picture's width; where lanes begin; how high one is."""
NAMES = LEFT - 14
"""How wide the names are at most."""
MOST_LANES = 24
_FOLD_FROM, _FOLD_WIDTH = 2 * HOUR, 30.0
_TICKS = [
    5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
    28 * DAY,
]  # fmt: skip
_MOST_TICKS = 12
_NOW_WIDTH = 90
"""How near to `now`, which stands in the same line, no day is written."""
_NOW_BESIDE = 22
"""How near to the line of `now`, which would go through it, no time is written."""


class Stretch(NamedTuple):
    """A part of a lane in one state."""

    start: Instant
    end: Instant
    kind: str
    """run, risk, over, paused."""


class Mark(NamedTuple):
    """Something at one instant: `due`, `missed`, `stop`, `ahead` (due in the future)."""

    at: Instant
    kind: str
    label: str = ""


class Lane(NamedTuple):
    """One clock."""

    name: str
    say: str
    is_over: bool
    stretches: Sequence[Stretch]
    marks: Sequence[Mark]


class Axis:
    """Instants → places; stretches in which nothing happened and the calendar was closed are folded."""

    def __init__(self, start: Instant, end: Instant, folds: Iterable[tuple[Instant, Instant]]) -> None:
        self.folds = [(max(a, start), min(b, end)) for a, b in folds if b > start and a < end]
        folded = sum(b - a for a, b in self.folds)
        open_width = RIGHT - LEFT - _FOLD_WIDTH * len(self.folds)
        self.start, self.end = start, end
        self._scale = open_width / max(1, end - start - folded)

    def x(self, at: Instant) -> float:
        """Within the picture, whatever the instant."""
        at = max(self.start, min(self.end, at))
        place, since = float(LEFT), self.start
        for a, b in self.folds:
            if at <= a:
                break
            place += (a - since) * self._scale
            place += _FOLD_WIDTH * min(1.0, (at - a) / (b - a))
            since = b
        return place + max(0, at - since) * self._scale

    def is_folded(self, at: Instant) -> bool:
        return any(a < at < b for a, b in self.folds)

    @property
    def open_time(self) -> Span:
        return Span(self.end - self.start - sum(b - a for a, b in self.folds))


def closed_stretches(
    calendar: Calendar, start: Instant, end: Instant, moments: Sequence[Instant]
) -> list[tuple[Instant, Instant]]:
    """Of more than two hours, in which the calendar is closed and none of the moments lies."""
    found: list[tuple[Instant, Instant]] = []
    at = start
    while at < end and len(found) < 400:
        if calendar.is_open(at):
            at = calendar.closes(at)
            continue
        opens = calendar.next_opening(at)
        if opens - at >= _FOLD_FROM and opens < end and not any(at < moment < opens for moment in moments):
            found.append((at, opens))
        at = opens
    return found


def draw(lanes: Sequence[Lane], axis: Axis, now: Instant, zone: tzinfo, subject: str) -> Markup:
    """The picture, an `svg` of the page."""
    shown = lanes[:MOST_LANES]
    height = TOP + LANE * len(shown)
    parts = [
        f'<svg class="lanes" viewBox="0 0 {WIDTH} {height + 8}" role="img"'
        ' aria-labelledby="lanes-t lanes-d">',
        f'<title id="lanes-t">Clocks of {escape(subject)} over time</title>',
        f'<desc id="lanes-d">{len(shown)} clocks; the tables and the timeline below say the same.</desc>',
    ]
    for a, b in axis.folds:
        parts.append(_fold(axis, a, b, height))
    parts += _ticks(axis, now, zone, height)
    for number, lane in enumerate(shown):
        parts.append(_lane(lane, axis, TOP + LANE * number))
    x = axis.x(now)
    parts.append(f'<path class="now" d="M{x:.1f} 18V{height}"/>')
    parts.append(f'<text class="now-t" x="{x:.1f}" y="12" text-anchor="middle">now {_time(now, zone)}</text>')
    parts.append(_names(shown, height))
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704  # every text in it is escaped here


def _fold(axis: Axis, a: Instant, b: Instant, height: int) -> str:
    x, width = axis.x(a), axis.x(b) - axis.x(a)
    box = f'x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{height - TOP}"'
    hours = round((b - a) / HOUR)
    middle = x + width / 2 + 4
    return (
        f'<rect class="closed" {box}/><rect {box} fill="url(#h-closed)"/>'
        f'<text class="fold" transform="translate({middle:.1f} {(TOP + height) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle">closed {hours} h</text>'
    )


def _ticks(axis: Axis, now: Instant, zone: tzinfo, height: int) -> list[str]:
    step = next((one for one in _TICKS if axis.open_time / one <= _MOST_TICKS), _TICKS[-1])
    parts: list[str] = []
    day, last_day = "", float("-inf")
    last = float("-inf")
    for at in _moments(axis, step, zone):
        x = axis.x(at)
        local = to_datetime(at).astimezone(zone)
        if axis.is_folded(at) or x - last < 38:
            continue
        last = x
        this = f"{local:%a} {local.day} {local:%b}"
        if this != day and x - last_day >= 76 and abs(x - axis.x(now)) >= _NOW_WIDTH:
            parts.append(f'<text x="{x:.1f}" y="12" class="now-t">{this}</text>')
            day, last_day = this, x
        parts.append(f'<path class="axis" d="M{x:.1f} {TOP}V{height}"/>')
        if step < DAY and abs(x - axis.x(now)) >= _NOW_BESIDE:
            parts.append(f'<text x="{x:.1f}" y="26" text-anchor="middle">{local:%H:%M}</text>')
    return parts


def _moments(axis: Axis, step: int, zone: tzinfo) -> Iterable[Instant]:
    """Round local times from the axis's start to its end."""
    local = to_datetime(axis.start).astimezone(zone)
    midnight = datetime(local.year, local.month, local.day)  # noqa: DTZ001  # local, as the wall shows it
    steps = 0
    while steps < 10_000:
        wall = midnight + timedelta(microseconds=step * steps)
        at = from_datetime(wall.replace(tzinfo=zone))
        if at > axis.end:
            return
        if at >= axis.start:
            yield at
        steps += 1


def _lane(lane: Lane, axis: Axis, top: int) -> str:
    y = top + 28
    parts = [
        '<g class="done">' if lane.is_over else "<g>",
        f'<path class="base" d="M0 {top + LANE}H{WIDTH}"/>',
    ]
    parts += [_stretch(one, axis, y - 5) for one in lane.stretches]
    if not lane.is_over and lane.stretches and lane.marks:
        parts.append(_ahead(lane.stretches[-1].end, lane.marks[-1].at, axis, y))
    labels: list[tuple[float, str]] = []
    for mark in lane.marks:
        parts.append(_mark(mark, axis, y))
        if mark.label:
            labels.append((axis.x(mark.at), _label(mark, axis, y)))
    for (x, text), following in pairwise([*labels, (float("inf"), "")]):
        if following[0] - x >= 70:  # of labels that would lie on one another the last is shown
            parts.append(text)
    parts.append("</g>")
    return "".join(parts)


def _names(lanes: Sequence[Lane], height: int) -> str:
    """What stays in view where the picture is moved below it: with a ground, which hides what is under it."""
    parts = [f'<g class="names"><rect class="ground" width="{LEFT - 6}" height="{height + 8}"/>']
    for number, lane in enumerate(lanes):
        top = TOP + LANE * number
        parts.append(
            ('<g class="done">' if lane.is_over else "<g>")
            + f'<path class="base" d="M0 {top + LANE}H{LEFT - 6}"/>'
            f'<foreignObject x="0" y="{top + 13}" width="{NAMES}" height="34">'  # cuts by width, in any font
            f'<div class="name">{escape(lane.name)}</div>'
            f'<div class="say">{escape(lane.say)}</div></foreignObject></g>'
        )
    return "".join([*parts, "</g>"])


def _stretch(one: Stretch, axis: Axis, y: int) -> str:
    x = axis.x(one.start)
    width = max(1.0, axis.x(one.end) - x)
    box = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="10"'
    if one.kind == "paused":
        return f'<rect {box} fill="url(#h-sleep)"/>'
    extra = {"risk": " risk", "over": " over"}.get(one.kind, "")
    return f'<rect class="seg{extra}" {box}/>'


def _ahead(now: Instant, due: Instant, axis: Axis, y: int) -> str:
    """From now to what is due."""
    a, b = axis.x(now), axis.x(due)
    return f'<path class="ahead" d="M{a:.1f} {y}H{b:.1f}"/>' if b > a else ""


def _mark(mark: Mark, axis: Axis, y: int) -> str:
    x = axis.x(mark.at)
    if mark.at > axis.end:  # beyond the picture: its label says when
        return ""
    if mark.kind == "stop":
        return f'<circle class="stop" cx="{x:.1f}" cy="{y}" r="4.5"/>'
    hot = " hot" if mark.kind == "missed" else ""
    return f'<path class="duem{hot}" d="M{x:.1f} {y - 11}V{y + 11}"/>'


def _label(mark: Mark, axis: Axis, y: int) -> str:
    x = axis.x(mark.at)
    if mark.at > axis.end:
        return f'<text class="lbl" x="{WIDTH}" y="{y + 4}" text-anchor="end">{escape(mark.label)} →</text>'
    shade = {"missed": " bad", "stop": " good"}.get(mark.kind, "")
    if mark.kind == "missed":
        place = f'x="{x:.1f}" y="{y - 14}" text-anchor="middle"'
        return f'<text class="lbl{shade}" {place}>{escape(mark.label)}</text>'
    return f'<text class="lbl{shade}" x="{x + 8:.1f}" y="{y + 4}">{escape(mark.label)}</text>'


def _time(at: Instant, zone: tzinfo) -> str:
    return f"{to_datetime(at).astimezone(zone):%H:%M}"
