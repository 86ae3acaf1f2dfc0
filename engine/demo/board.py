"""The live board as lines of text: what is due next, one line a clock, soonest first (pure)."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from rich.text import Text

from engine.core.instants import MINUTE, Instant, Span
from engine.core.view import ClockView
from engine.demo.glyphs import Glyphs
from engine.demo.words import STATES
from engine.documents.words import clock_time, due_words, owed

_ORDER = {"breached": 0, "unknown": 1, "at_risk": 2, "running": 2, "closed": 3, "paused": 4}
_SOON = Span(15 * MINUTE)
_ROW_STYLES = {"breached": "red", "unknown": "magenta", "closed": "bright_blue", "paused": "bright_blue"}
_BAR_STYLES = {"at_risk": "yellow", "running": "cyan"}


class Columns(NamedTuple):
    """Widths in cells; 0 leaves the column out."""

    due: int
    time: int
    bar: int
    severity: int
    what: int
    customer: int
    owner: int


class Look(NamedTuple):
    """Everything that changes how the same clocks are drawn."""

    now: Instant
    zone: tzinfo
    width: int
    glyphs: Glyphs


def columns(width: int) -> Columns:
    """How a terminal of `width` cells is divided: owner and bar go first where it is narrow."""
    due, time, severity = 18, 9, 3
    bar = 16 if width >= 130 else 10 if width >= 92 else 6 if width >= 76 else 0
    owner = 14 if width >= 130 else 9 if width >= 92 else 0
    gaps = sum(1 for size in (due, time, bar, severity, owner) if size) + 1
    left = max(24, width - 3 - due - time - bar - severity - owner - gaps)
    what = max(14, round(left * 0.64))
    return Columns(due, time, bar, severity, what, left - what, owner)


def in_order(clocks: Iterable[ClockView]) -> list[ClockView]:
    """As a departure board: breached (oldest first), unknown, what runs by its due time, asleep, paused."""
    return sorted(clocks, key=_place)


def _place(clock: ClockView) -> tuple[int, int, int, str, str, str]:
    due = clock.due_at if clock.due_at is not None else 2**62
    return _ORDER[clock.state], due, clock.left, clock.subject, clock.metric, clock.key


def counts(clocks: Sequence[ClockView], escalations: int, now: Instant) -> Text:
    """` ! 3 breached   4 due within 15 min   ^ 5 at risk   ? 1 unknown   z 3 asleep   19 open`."""
    number = {state: sum(1 for clock in clocks if clock.state == state) for state in _ORDER}
    soon = sum(
        1
        for clock in clocks
        if clock.state in ("at_risk", "running")
        and clock.due_at is not None
        and now <= clock.due_at <= now + _SOON
    )
    asleep = number["closed"] + number["paused"]
    line = Text(" ")
    line.append(f"! {number['breached']} breached", "red bold" if number["breached"] else "")
    line.append(f"   {soon} due within 15 min   ")
    line.append(f"^ {number['at_risk']} at risk", "yellow" if number["at_risk"] else "")
    if number["unknown"]:
        line.append("   ").append(f"? {number['unknown']} unknown", "magenta")
    line.append("   ").append(f"z {asleep} asleep", "bright_blue" if asleep else "")
    return line.append(f"   {escalations} open")


def heading(look: Look) -> Text:
    """The names of the columns."""
    widths, fit = columns(look.width), look.glyphs.fit
    cells = [fit("DUE", widths.due), fit("", widths.time)]
    cells += [fit("LEFT", widths.bar)] if widths.bar else []
    cells += [
        fit("SEV", widths.severity),
        fit("WHAT IS OWED", widths.what),
        fit("CUSTOMER", widths.customer),
    ]
    cells += [fit("OWNER", widths.owner)] if widths.owner else []
    return Text("   " + " ".join(cells).rstrip(), "bold")


def row(clock: ClockView, look: Look) -> Text:
    """One clock as one line: sign, when, how much is left, what, for whom, who."""
    widths, fit = columns(look.width), look.glyphs.fit
    sign = STATES[clock.state]
    line = Text(style=_ROW_STYLES.get(clock.state, ""))
    line.append(f" {sign.sign} ", sign.style if clock.state == "at_risk" else "")
    due = due_words(clock.state, clock.due_at, clock.left, look.now)
    line.append(f"{fit(due, widths.due)} {fit(_at(clock, look), widths.time)} ")
    if widths.bar:
        line.append(bar(clock, widths.bar, look.glyphs)).append(" ")
    cells = [
        fit(clock.severity, widths.severity),
        fit(owed(clock.metric, clock.key, clock.text), widths.what),
        fit(clock.customer_name, widths.customer),
    ]
    cells += [fit(clock.owner or "nobody", widths.owner)] if widths.owner else []
    return line.append(" ".join(cells).rstrip())


def _at(clock: ClockView, look: Look) -> str:
    if clock.state == "paused":
        return "paused"
    return "" if clock.due_at is None else clock_time(clock.due_at, look.now, look.zone)


def bar(clock: ClockView, width: int, glyphs: Glyphs) -> Text:
    """Full is the whole budget; what is left drains. An overrun grows, full at the budget's length."""
    if clock.state == "unknown":
        return Text(glyphs.unknown * width)
    share = min(1.0, abs(clock.left) / clock.target) if clock.target > 0 else float(clock.left < 0)
    filled = round(share * width)
    if share > 0 and clock.left != 0:
        filled = max(1, filled)
    if clock.state == "breached" or clock.left < 0:
        mark = glyphs.over
    else:
        mark = glyphs.asleep if clock.state in ("closed", "paused") else glyphs.full
    drawn = Text(mark * filled, _BAR_STYLES.get(clock.state, ""))
    return drawn.append(glyphs.rest * (width - filled), "dim")


def table(clocks: Sequence[ClockView], look: Look, rows: int, page: int = 0) -> list[Text]:
    """Heading, `rows` lines of clocks in order, and how many more there are; `page` counts screens."""
    ordered = in_order(clocks)
    first = page * rows % max(1, len(ordered)) // max(1, rows) * rows
    shown = ordered[first : first + rows]
    lines = [heading(look), *(row(clock, look) for clock in shown)]
    if not ordered:
        lines.append(Text("   Nothing is due.", "dim"))
    more = len(ordered) - len(shown)
    lines += [Text()] * (rows - len(shown) - (0 if ordered else 1))
    lines.append(Text(f"   {more} more (m)" if more else "", "dim"))
    return lines
