"""A frame of the live view as an SVG picture, in the console's dark colours."""

import io
import re
from pathlib import Path

from rich.console import Console, Group
from rich.terminal_theme import TerminalTheme

from engine.demo.screen import frame
from engine.demo.stage import Stage
from engine.demo.views import look, scene

WIDTH, HEIGHT = 104, 34


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[0:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)


_COLOURS = ["28313a", "ff949b", "84cda3", "f0b759", "aab0dc", "c6b2e6", "6d9db8", "b3bbc4"]
"""black, red: breach, green: kept, yellow: risk, blue: asleep, magenta: unknown, cyan: running, white."""

_PALETTE = [_rgb(colour) for colour in _COLOURS]

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_FONT = "ui-monospace, Menlo, Consolas, monospace"

DARK = TerminalTheme(_rgb("0e1216"), _rgb("e8eaec"), _PALETTE, _PALETTE)


def save_picture(stage: Stage, path: Path) -> None:
    """Draw the stage as it is now. OSError where the file cannot be written."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="standard"
    )
    drawn = look(stage, console, WIDTH)
    console.print(Group(*frame(scene(stage, drawn), drawn, HEIGHT)))
    picture = console.export_svg(title="vigil demo", theme=DARK)
    # Rich takes its font from the web; a picture asks nobody for anything.
    path.write_text(_FONTS.sub("", picture).replace("Fira Code, monospace", _FONT), "utf-8")
