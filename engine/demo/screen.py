"""One frame of the live view: heading, counts, caption, board, what was said (pure)."""

from collections.abc import Sequence
from textwrap import wrap
from typing import NamedTuple

from rich.text import Text

from engine.core.view import ClockView
from engine.demo.board import Look, counts, table
from engine.documents.words import date_and_time

_FIXED_LINES = 10
"""Heading, counts, captions, heading and last line of the board, title of what was said, two blank ones."""
_CAPTION_LINES = 2


class Scene(NamedTuple):
    """What there is to show, whatever the size of the terminal."""

    speed: float
    broker: str
    clocks: Sequence[ClockView]
    escalations: int
    """Open ones."""
    caption: str
    said: Sequence[Text]
    """Newest last."""
    page: int = 0
    held: bool = False


def frame(scene: Scene, look: Look, height: int) -> list[Text]:
    """At most `height` lines, each at most as wide as the look says."""
    room = max(6, height - _FIXED_LINES)
    said = min(max(2, room // 3), 12)
    lines = [heading(scene, look), counts(scene.clocks, scene.escalations, look.now)]
    lines += [*_caption(scene, look), Text()]
    lines += table(scene.clocks, look, room - said, scene.page)
    lines += [Text(), _said_title(look), *list(scene.said)[-said:]]
    for line in lines:
        line.truncate(look.width)
    return lines[:height]


def heading(scene: Scene, look: Look) -> Text:
    """What runs, how fast, what time it is there, on which broker, and the keys."""
    line = Text(" ").append("Vigil demo", "bold")
    line.append(f"   {scene.speed:,.0f}{look.glyphs.times} speed   ")
    line.append(date_and_time(look.now, look.zone), "bold")
    keys = "HELD, space goes on" if scene.held else "q quit, space hold"
    broker = f"   {scene.broker}"
    if line.cell_len + len(broker) + len(keys) + 3 <= look.width:
        line.append(broker)
    return line.append("   ").append(keys, "reverse" if scene.held else "dim")


def _caption(scene: Scene, look: Look) -> list[Text]:
    lines = wrap(scene.caption, look.width - 2, max_lines=_CAPTION_LINES, placeholder=look.glyphs.ellipsis)
    lines += [""] * (_CAPTION_LINES - len(lines))
    return [Text(" " + line, "italic") for line in lines]


def _said_title(look: Look) -> Text:
    left, right = " What Vigil said", "newest at the bottom"
    line = Text(left, "bold")
    return line.append(right.rjust(look.width - len(left) - 1), "dim not bold")
