"""Draws a case as a timeline: an SVG for light and dark, read by people and by screen readers."""

from datetime import datetime
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from case_lives import Lane, Life, Saying, life, openings, words_of
from case_notation import Case
from core_runs import at

from engine.core.instants import to_datetime
from engine.core.policy import AROUND_THE_CLOCK

WIDTH, LEFT = 760, 136
LINE, BAR = 15, 14
CHARACTER = 6.6
"""The width of a letter at 11 px, generously: no font is measured."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 7 * 1440, 28 * 1440, 91 * 1440)
MARKS = {
    "met": ("k", "M-3 0l2 2.5 4-5"),
    "stopped_late": ("b", "M-3 0l2 2.5 4-5"),
    "cancelled": ("x", "M-2.5-2.5l5 5m0-5l-5 5"),
    "classified": ("x", "M-3-1.5h6m-6 3h6"),
    "credit_exposed": ("b", "M2.5-2a3 3 0 1 0 0 4m-6.5-3h4m-4 2h4"),
    "escalated": ("x", "M0 3.5v-7m-3 3l3-3 3 3"),
    "breached": ("b", "M0-3.5v4m0 2v1.2"),
    "cadence_missed": ("b", "M0-3.5v4m0 2v1.2"),
    "commitment_missed": ("b", "M0-3.5v4m0 2v1.2"),
    "breach_risk": ("w", "M0-2.5v3m0 2v1"),
}
SQUARE = frozenset({"breached", "cadence_missed", "commitment_missed"})
SHAPES = (
    "text{font:11px system-ui,sans-serif;paint-order:stroke;stroke-width:3px;stroke-linejoin:round}"
    ".n{font-size:12px;font-weight:600}.u{text-decoration:line-through}"
    ".a{stroke-dasharray:2 3}.over{fill-opacity:.45}.paused{fill:url(#h)}.due{stroke-width:2}"
    ".was{stroke-dasharray:3 2}.g{fill:none;stroke-width:1.6}.o{stroke-dasharray:2 2}"
)
COLOURS = (
    ".p{{fill:{paper}}}.s{{fill:{shade}}}text{{fill:{ink};stroke:{paper}}}.j,.u{{fill:{dim}}}.m,.a,.was{{stroke:{line}}}"
    ".x{{fill:{line}}}.due{{stroke:{ink}}}.running{{fill:{running}}}.over,.b{{fill:{breach}}}"
    ".paused,.z{{stroke:{asleep}}}.k{{fill:{kept}}}.w{{fill:{risk}}}.g{{stroke:{paper}}}"
    ".o{{fill:{paper};stroke:{breach}}}"
)
LIGHT = COLOURS.format(
    paper="#fffefb", shade="#e6e4dd", ink="#191d22", dim="#474e58", line="#7b776a", running="#47718a",
    breach="#b3162f", asleep="#747aa6", kept="#3d8a60", risk="#b56b00",
)  # fmt: skip
DARK = COLOURS.format(
    paper="#141a20", shade="#2a343d", ink="#e8eaec", dim="#b3bbc4", line="#6d7883", running="#6d9db8",
    breach="#e2606c", asleep="#8a91c4", kept="#5aa57d", risk="#d99a34",
)  # fmt: skip
STYLE = f"{SHAPES}\n{LIGHT}\n@media(prefers-color-scheme:dark){{{DARK}}}"
HATCH = (
    '<pattern id="h" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="z" d="M0 0v5"/></pattern>'
)


class Label(NamedTuple):
    """A text to the right of an upright line, `level` lines away from what it speaks of."""

    x: float
    text: str
    struck: bool
    """It was refused, or taken back."""
    level: int = 0


def levels(texts: list[Label]) -> list[Label]:
    """Each text on a level where neither another text nor the upright of a later one crosses it."""
    labels: list[Label] = []
    order = sorted(range(len(texts)), key=lambda place: (-texts[place].x, -place))
    for text in (texts[place] for place in order):
        end = text.x + 8 + len(text.text) * CHARACTER
        level = max((label.level + 1 for label in labels if label.x < end), default=0)
        labels.append(text._replace(level=level))
    return labels[::-1]


class Drawing:
    """One case, drawn: facts above, a lane an obligation below them, time at the bottom."""

    def __init__(self, case: Case, seen: Life) -> None:
        self.case, self.life = case, seen
        told_by = [lane.calendar for lane in seen.lanes if lane.calendar.name != AROUND_THE_CLOCK]
        self.zone = ZoneInfo(told_by[0].zone) if told_by else None
        self.start, self.end = self._range()
        self.right = WIDTH - 24.0
        for _ in range(40):  # texts stand to the right of their lines: leave them room
            if all(text.x + 8 + len(text.text) * CHARACTER < WIDTH - 4 for text in self._texts()):
                break
            self.right -= 12
        self.parts: list[str] = []

    def _range(self) -> tuple[float, float]:
        seen = self.life
        times = [h.minute for h in seen.happenings] + [seen.now]
        for lane in seen.lanes:
            times += [s.start for s in lane.stretches] + [s.minute for s in lane.sayings]
        start, end = min(times), max(times)
        dues = [due for lane in seen.lanes for due in lane.dues if due <= end + (end - start) * 3]
        return start, max([end, *dues])

    def x(self, minute: float) -> float:
        share = (minute - self.start) / ((self.end - self.start) or 1)
        return round(LEFT + 8 + share * (self.right - LEFT - 8), 1)

    def time(self, minute: float) -> str:
        """Local time where a calendar counts, else the time since the opening."""
        if self.zone is None:
            return words_of(minute) if minute >= 0 else f"\N{MINUS SIGN}{words_of(-minute)}"
        local = self._local(minute)
        form = "%d %b %Y" if self.end - self.start > 30 * 1440 else "%a %H:%M"
        return local.strftime(form)

    def _local(self, minute: float) -> datetime:
        return to_datetime(at(minute, self.case.shift)).astimezone(self.zone)

    def _facts(self) -> list[Label]:
        found = []
        for fact in self.life.happenings:
            more = "" if fact.arrives is None else f" (arrives {self.time(fact.arrives)})"
            more += f" ({fact.refused.replace('_', ' ')})" if fact.refused else ""
            found.append(Label(self.x(fact.minute), fact.text + more, bool(fact.refused)))
        return found

    def _said(self, lane: Lane) -> list[Label]:
        return [Label(x, saying.text, saying.taken_back) for x, saying in self._marks(lane)]

    def _texts(self) -> list[Label]:
        lanes = self.life.lanes
        said = [label for lane in lanes for label in self._said(lane)]
        dues = [
            Label(self.x(due), f"due {self.time(due)}", False) for lane in lanes for due in lane.dues[-1:]
        ]
        return [*self._facts(), *said, *dues]

    def _marks(self, lane: Lane) -> list[tuple[float, Saying]]:
        """Marks with their places; what is said at one instant stands side by side."""
        placed: list[tuple[float, Saying]] = []
        for saying in sorted(lane.sayings, key=lambda s: s.minute):
            x = self.x(saying.minute)
            if placed and x < placed[-1][0] + 14:
                x = placed[-1][0] + 14
            placed.append((x, saying))
        return placed

    def svg(self) -> str:
        """The picture, whole."""
        facts = levels(self._facts())
        top = 20 + LINE * (max((label.level for label in facts), default=0) + 1)
        lanes: list[str] = []
        self.parts = lanes
        y = top + 4.0
        for lane in self.life.lanes:
            y = self._lane(lane, y)
        bottom = y + 2
        self.parts = []
        self._axis(bottom)
        for label in facts:
            self._fact(label, top, bottom)
        height = int(bottom + 44)
        self._legend(bottom + 34)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
                'aria-labelledby="t d">',
                f'<title id="t">{escape(self.case.rule)}</title>',
                f'<desc id="d">{escape(self._description())}</desc>',
                f"<style>{STYLE}</style>",
                HATCH,
                f'<rect class="p" width="{WIDTH}" height="{height}" rx="3"/>',
                *self._shades(top, lanes),
                *self.parts,
                *lanes,
                "</svg>\n",
            ]
        )

    def _description(self) -> str:
        facts = "; ".join(f"{self.time(h.minute)}: {h.text}" for h in self.life.happenings)
        said = "; ".join(
            f"{self.time(s.minute)}: {lane.name} {s.text}" for lane in self.life.lanes for s in lane.sayings
        )
        return f"What happens. {facts}. What Vigil says. {said or 'Nothing'}."

    # -- parts --------------------------------------------------------------------------------

    def _shades(self, top: float, lanes: list[str]) -> list[str]:
        """Kept in order: closed hours lie under everything else."""
        found = [part for part in lanes if part.startswith('<rect class="s"')]
        lanes[:] = [part for part in lanes if part not in found]
        return found

    def _fact(self, label: Label, top: float, bottom: float) -> None:
        y = top - 10 - label.level * LINE
        look = ' class="u"' if label.struck else ""
        self.parts += [
            f'<path class="a" d="M{label.x:g} {y - 8:g}V{bottom:g}"/>',
            f'<text{look} x="{label.x + 5:g}" y="{y:g}">{escape(label.text)}</text>',
        ]

    def _lane(self, lane: Lane, top: float) -> float:
        bar = top + 20
        marks = self._marks(lane)
        labels = levels(self._said(lane))
        lines = max((label.level + 1 for label in labels), default=0)
        height = 20 + BAR + 10 + LINE * max(lines, len(_wrapped(lane.budgets)) - 1)
        self._closed(lane, top, height)
        name = lane.name.replace("_", " ").replace("commitment/", "commitment ")
        self.parts.append(f'<text class="n" x="12" y="{bar + 8:g}">{escape(name)}</text>')
        for line, budget in enumerate(_wrapped(lane.budgets)):
            self.parts.append(
                f'<text class="j" x="12" y="{bar + 23 + line * LINE:g}">{escape(budget)}</text>'
            )
        for stretch in lane.stretches:
            if stretch.kind != "closed":
                self._stretch(stretch.kind, self.x(stretch.start), self.x(stretch.end), bar)
        self._dues(lane, bar)
        for x, saying in marks:
            self._mark(x, saying, bar + BAR / 2)
        for label in labels:
            y = bar + BAR + 14 + label.level * LINE
            look = ' class="u"' if label.struck else ""
            self.parts += [
                f'<path class="m" d="M{label.x:g} {bar + BAR + 1:g}V{y:g}"/>',
                f'<text{look} x="{label.x + 5:g}" y="{y:g}">{escape(label.text)}</text>',
            ]
        return top + height + 6

    def _stretch(self, kind: str, start: float, end: float, y: float) -> None:
        width = round(end - start, 1)
        self.parts.append(
            f'<rect class="{kind}" x="{start:g}" y="{y:g}" width="{width:g}" height="{BAR}" rx="2"/>'
        )

    def _closed(self, lane: Lane, top: float, height: float) -> None:
        if lane.calendar.name == AROUND_THE_CLOCK:
            return
        shift = self.case.shift
        spans = openings(lane.calendar, at(self.start, shift), at(self.end, shift))
        closed = [(start, end) for start, end, is_open in spans if not is_open]
        zero = at(0, shift)
        for start, end in closed if len(closed) < 40 else []:
            left, right = self.x((start - zero) / 60e6), self.x((end - zero) / 60e6)
            self.parts.append(
                f'<rect class="s" x="{left:g}" y="{top:g}" width="{right - left:g}" height="{height:g}"/>'
            )
            if right - left > 44:
                self.parts.append(
                    f'<text class="j" x="{right - 12:g}" y="{top + 31:g}" text-anchor="end">closed</text>'
                )

    def _dues(self, lane: Lane, bar: float) -> None:
        last = lane.dues[-1:] if lane.dues else []
        for due in lane.dues:
            if due > self.end:
                continue
            x = self.x(due)
            look = "due" if due in last else "was"
            self.parts.append(f'<path class="{look}" d="M{x:g} {bar - 5:g}V{bar + BAR + 4:g}"/>')
            if due in last:
                self.parts.append(f'<text x="{x + 4:g}" y="{bar - 4:g}">due {escape(self.time(due))}</text>')

    def _mark(self, x: float, saying: Saying, y: float) -> None:
        place = f'transform="translate({x:g} {y:g})"'
        look, sign = MARKS.get(saying.name, ("x", ""))
        if saying.taken_back:
            self.parts.append(f'<rect class="o" x="{x - 6:g}" y="{y - 6:g}" width="12" height="12" rx="2"/>')
            return
        if saying.name in SQUARE:
            shape = f'<rect class="{look}" x="-7" y="-7" width="14" height="14" rx="2"/>'
        elif saying.name == "breach_risk":
            shape = f'<path class="{look}" d="M0-8L8 6H-8z"/>'
        else:
            shape = f'<circle class="{look}" r="7"/>'
        self.parts.append(f'<g {place}>{shape}<path class="g" d="{sign}"/></g>')

    def _axis(self, y: float) -> None:
        self.parts.append(f'<path class="m" d="M{LEFT} {y:g}H{WIDTH - 8}"/>')
        step = next((s for s in STEPS if self._fits(s)), STEPS[-1])
        first = 0.0
        if self.zone is not None and step >= 60:
            local = self._local(self.start)
            into = (local.hour * 60 + local.minute) % min(step, 1440)
            first = self.start - into
        minute = first + step * -(-(self.start - first) // step)
        while minute <= self.end:
            x = self.x(minute)
            text = escape(self.time(minute))
            middle = min(x, WIDTH - 6 - len(text) * CHARACTER / 2)
            self.parts += [
                f'<path class="m" d="M{x:g} {y:g}v4"/>',
                f'<text class="j" x="{middle:g}" y="{y + 16:g}" text-anchor="middle">{text}</text>',
            ]
            minute += step

    def _fits(self, step: int) -> bool:
        """Whether the texts of an axis with this step have room."""
        room = step * (self.right - LEFT) / ((self.end - self.start) or 1)
        ticks = [
            self.start + step * count for count in range(min(60, int((self.end - self.start) / step) + 1))
        ]
        return room > max(len(self.time(float(int(tick)))) for tick in ticks) * CHARACTER + 12

    def _legend(self, y: float) -> None:
        kinds = {stretch.kind for lane in self.life.lanes for stretch in lane.stretches}
        x = float(LEFT)
        legend = [
            ("running", "runs"),
            ("paused", "paused"),
            ("over", "past its due time"),
            ("closed", "closed hours"),
        ]
        for kind, text in legend:
            if kind in kinds:
                look = "s" if kind == "closed" else kind
                self.parts += [
                    f'<rect class="{look}" x="{x:g}" y="{y - 8:g}" width="14" height="9" rx="2"/>',
                    f'<text class="j" x="{x + 19:g}" y="{y:g}">{text}</text>',
                ]
                x += 34 + len(text) * CHARACTER
        if any(due <= self.end for lane in self.life.lanes for due in lane.dues[:-1]):
            self.parts += [
                f'<path class="was" d="M{x + 3:g} {y - 11:g}v14"/>',
                f'<text class="j" x="{x + 10:g}" y="{y:g}">an earlier due time</text>',
            ]


def _wrapped(budgets: list[str]) -> list[str]:
    """`1 h → 30 min`, in as many lines as the names of the lanes leave room for."""
    lines: list[str] = []
    for budget in budgets:
        joined = f"{lines[-1]} → {budget}" if lines else budget
        if lines and len(joined) * CHARACTER > LEFT - 10:
            lines.append(f"→ {budget}")
        else:
            lines[-1:] = [joined]
    return lines


def picture(case: Case) -> str:
    """The SVG of a case."""
    return Drawing(case, life(case)).svg()
