"""Charts as SVG without scripts: bars, ranges, columns, lines and strips, drawn from plain numbers.

Filled is this span, a tick or hollow the one before. Hue says state alone, and what a colour says stands in
the table beside it too. Colours are classes: the sheet has them for light, dark and paper.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH = 440
_LETTER, _BOLD = 6.4, 7.4
"""Width of a letter, about."""
_ROW = 27
_AXIS_HOURS = (1 / 60, 1 / 12, 0.25, 1, 4, 12, 24, 72, 168, 720, 2160, 8760)
_AXIS_WORDS = (
    "1 min",
    "5 min",
    "15 min",
    "1 h",
    "4 h",
    "12 h",
    "24 h",
    "72 h",
    "168 h",
    "720 h",
    "2160 h",
    "8760 h",
)


class Said(NamedTuple):
    """What a chart is called, and what it shows, for those who do not see it."""

    key: str
    title: str
    text: str


class Bar(NamedTuple):
    label: str
    value: float
    shown: str
    before: float | None
    kind: str = "cur"
    """cur, rest (waiting) or bad."""


class Range(NamedTuple):
    """Median to p90, in hours; of few cases all of them, and no p90."""

    label: str
    median: float
    p90: float | None
    shown: str
    each: Sequence[float] = ()
    before: tuple[float, float | None] | None = None


class Column(NamedTuple):
    label: str
    value: float | None
    shown: str
    current: bool


class Line(NamedTuple):
    name: str
    values: Sequence[float | None]
    """From 0 to 1."""


class _Drawing:
    def __init__(self) -> None:
        self._parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str, anchor: str = "") -> None:
        anchored = f' text-anchor="{anchor}"' if anchor else ""
        self._parts.append(f'<text x="{_n(x)}" y="{_n(y)}" class="{kind}"{anchored}>{escape(text)}</text>')

    def rect(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        at = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        self._parts.append(f'<rect {at} class="{kind}"/>')

    def path(self, path: str, kind: str) -> None:
        self._parts.append(f'<path d="{path}" class="{kind}"/>')

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        self._parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" class="{kind}"/>')

    def done(self, said: Said, height: float, *, width: int = WIDTH, kind: str = "chart") -> str:
        name, text = f"c-{said.key}", f"c-{said.key}-d"
        return (
            f'<svg class="{kind}" viewBox="0 0 {width} {_n(height)}" role="img" '
            f'aria-labelledby="{name} {text}">'
            f'<title id="{name}">{escape(said.title)}</title><desc id="{text}">{escape(said.text)}</desc>'
            f"{''.join(self._parts)}</svg>"
        )


def bars(said: Said, rows: Sequence[Bar], before: str) -> str:
    """A bar a row, from zero; a tick where the span before was, called `before` at the first."""
    draw = _Drawing()
    left = _gutter([row.label for row in rows])
    room = WIDTH - left - max(len(row.shown) for row in rows) * _BOLD - 8
    most = max([*(row.value for row in rows), *(row.before or 0 for row in rows)]) or 1
    ticked = False
    for number, row in enumerate(rows):
        y = 18 + number * _ROW
        draw.text(0, y + 10, _short(row.label), "k")
        width = room * row.value / most
        draw.rect(left, y, max(width, 1 if row.value else 0), 12, row.kind)
        end = width
        if row.before is not None:
            tick = room * row.before / most
            draw.path(f"M{_n(left + tick)} {y - 4}v20", "prev")
            if not ticked:
                draw.text(left + tick, 9, before, "s", _anchor(left + tick, before))
            ticked, end = True, max(width, tick)
        draw.text(left + end + 8, y + 10, row.shown, "v")
    height = 18 + len(rows) * _ROW
    draw.path(f"M{_n(left)} 12V{height}", "ax0")
    return draw.done(said, height)


def ranges(said: Said, rows: Sequence[Range], before: str) -> str:
    """Median and p90 a row on a logarithmic axis of hours; below it, hollow, the span before."""
    draw = _Drawing()
    left = _gutter([row.label for row in rows])
    scale = _Logarithm(rows, left, WIDTH - 70)
    height = 26 + len(rows) * 44
    for x, word in scale.ticks():
        draw.path(f"M{_n(x)} 18V{height}", "ax")
        draw.text(x, 11, word, "s", "middle")
    for number, row in enumerate(rows):
        y = 52 + number * 44
        draw.text(0, y + 4, _short(row.label), "k")
        _range(draw, row, scale, y)
        if row.before is not None:
            _range_before(draw, row.before, scale, y + 12, before if number == 0 else "")
    return draw.done(said, height)


def _range(draw: _Drawing, row: Range, scale: "_Logarithm", y: float) -> None:
    middle = scale.at(row.median)
    if middle - len(row.shown) * _BOLD / 2 < scale.left:
        draw.text(scale.left, y - 10, row.shown, "v")
    else:
        draw.text(middle, y - 10, row.shown, "v", _anchor(middle, row.shown))
    if row.p90 is None:
        for one in row.each:
            draw.dot(scale.at(one), y, 3.5, "cdot")
        draw.path(f"M{_n(middle)} {y - 8}v16", "prev")
        return
    end = scale.at(row.p90)
    draw.path(f"M{_n(middle)} {y}H{_n(end)}", "curline")
    draw.dot(middle, y, 4.5, "cdot")
    draw.rect(end - 2, y - 6, 4, 12, "cur")


def _range_before(
    draw: _Drawing, before: tuple[float, float | None], scale: "_Logarithm", y: float, name: str
) -> None:
    middle = scale.at(before[0])
    if before[1] is not None:
        end = scale.at(before[1])
        draw.path(f"M{_n(middle)} {y}H{_n(end)}M{_n(end)} {y - 4}v8", "prevline")
    draw.dot(middle, y, 3, "prevdot")
    if name:
        draw.text(middle - 8, y + 4, name, "s", "end")


def columns(said: Said, given: Sequence[Column]) -> str:
    """A column a period, from zero; what is not known has none and says so."""
    draw = _Drawing()
    step = WIDTH / len(given)
    values = [one.value or 0 for one in given]
    most = max(values) or 1
    labelled = _thinned([one.label for one in given], step, _LETTER)
    told = _thinned([one.shown for one in given], step, _BOLD)
    if len(told) < len(given):  # not every third, but those that are asked for first
        told = {values.index(max(values)), len(given) - 1}
    width = min(46.0, step * 0.72)
    for number, (one, value) in enumerate(zip(given, values, strict=True)):
        middle, height = step * (number + 0.5), 100 * value / most
        draw.rect(middle - width / 2, 130 - height, width, height, "cur" if one.current else "old")
        if number in told:
            kind = "v" if one.current else "s"
            draw.text(_inside(middle, one.shown), 124 - height, one.shown, kind, "middle")
        if number in labelled:
            draw.text(middle, 146, one.label, "k" if one.current else "s", "middle")
    draw.path(f"M0 130H{WIDTH}", "ax0")
    return draw.done(said, 152)


def lines(said: Said, labels: Sequence[str], given: Sequence[Line]) -> str:
    """Shares by period; a line breaks where nothing was judged."""
    draw = _Drawing()
    known = [value for line in given for value in line.values if value is not None]
    low = _floor(min(known, default=0.0))
    right = WIDTH - max(len(line.name) for line in given) * _BOLD - 14
    step = (right - 40) / max(1, len(labels) - 1)

    def y(value: float) -> float:
        return 150 - 126 * (value - low) / (1 - low)

    marks = [low + (1 - low) * part / 4 for part in range(5)]
    for mark in marks:
        draw.path(f"M32 {_n(y(mark))}H{_n(right + 4)}", "ax0" if mark == low else "ax")
        draw.text(27, y(mark) + 4, f"{mark * 100:.4g}", "s", "end")
    draw.text(0, 10, f"% in time; the axis starts at {low * 100:.0f} %" if low else "% in time", "s")
    for number in _thinned(labels, step, _LETTER):
        draw.text(36 + step * number, 167, labels[number], "s", "middle")
    ends: list[float] = []
    for number, line in enumerate(given):
        kind = ("", " b", " c")[number % 3]
        points = [None if value is None else (36 + step * n, y(value)) for n, value in enumerate(line.values)]
        draw.path(_broken(points), f"curline{kind}")
        for point in points:
            if point is not None:
                draw.dot(*point, 3, f"cdot{kind}")
        last = next(point for point in reversed(points) if point is not None)
        at = _apart(last[1], ends)
        ends.append(at)
        draw.text(right + 10, at + 4, line.name, "v")
    return draw.done(said, 174)


def strip(said: Said, places: Sequence[float]) -> str:
    """A dot for each, from 0 (left) to 1 (right)."""
    draw = _Drawing()
    draw.path("M4 7H176", "ax0")
    for place in sorted({round(4 + 172 * place) for place in places}):  # no two dots on one place
        draw.dot(place, 7, 3.5, "cdot")
    return draw.done(said, 14, width=180, kind="chart strip")


class _Logarithm:
    """Hours to places, such that each step is a multiple."""

    def __init__(self, rows: Sequence[Range], left: float, right: float) -> None:
        hours = [
            hour for row in rows for hour in (row.median, row.p90, *row.each, *(row.before or ())) if hour
        ]
        self._low = max([one for one in _AXIS_HOURS if one <= min(hours, default=1)], default=_AXIS_HOURS[0])
        high = max([*hours, self._low * 4])
        self.left, self._right = left, right
        self._span = math.log(high / self._low)
        self._high = high

    def at(self, hours: float) -> float:
        share = math.log(max(hours, self._low) / self._low) / self._span
        return self.left + (self._right - self.left) * share

    def ticks(self) -> list[tuple[float, str]]:
        """Places and words of the axis, never so near that they touch."""
        found: list[tuple[float, str]] = []
        for hours, word in zip(_AXIS_HOURS, _AXIS_WORDS, strict=True):
            if self._low <= hours <= self._high and (not found or self.at(hours) - found[-1][0] > 44):
                found.append((self.at(hours), word))
        return found


def _gutter(labels: Sequence[str]) -> float:
    return max(len(_short(label)) for label in labels) * _LETTER + 14


def _short(label: str) -> str:
    return label if len(label) <= 26 else f"{label[:25]}…"


def _anchor(x: float, text: str) -> str:
    """Centred on x, unless it would leave the picture."""
    half = len(text) * _LETTER / 2
    return "start" if x < half else "end" if x > WIDTH - half else "middle"


def _inside(x: float, text: str) -> float:
    """The place nearest to x where the text, centred, stays in the picture."""
    half = len(text) * _BOLD / 2
    return min(max(x, half), WIDTH - half)


def _thinned(labels: Sequence[str], step: float, letter: float) -> set[int]:
    """Which of the labels have room beside each other, the last one among them."""
    every = max(1, math.ceil(max(map(len, labels)) * letter / step))
    return set(range(len(labels) - 1, -1, -every))


def _floor(least: float) -> float:
    """Where an axis of shares starts: zero, or below the least where little would be seen."""
    return next(floor for floor in (0.9, 0.8, 0.5, 0.0) if least >= floor + (1 - floor) * 0.1 or floor == 0)


def _broken(points: Sequence[tuple[float, float] | None]) -> str:
    path, pen = [], "M"
    for point in points:
        if point is None:
            pen = "M"
            continue
        path.append(f"{pen}{_n(point[0])} {_n(point[1])}")
        pen = "L"
    return "".join(path)


def _apart(y: float, taken: Sequence[float]) -> float:
    """The nearest place to y that touches none of the others."""
    ways = sorted(range(-10, 11), key=abs)
    return next((y + 14 * n for n in ways if all(abs(y + 14 * n - one) >= 13 for one in taken)), y)


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
