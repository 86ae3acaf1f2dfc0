"""The three ways in which the demo shows itself: a live screen, lines for people, JSON Lines for programs."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

import orjson
from rich.console import Console, Group
from rich.live import Live

from engine.demo.board import Look
from engine.demo.glyphs import glyphs_for
from engine.demo.keys import Keys
from engine.demo.said import Said, line
from engine.demo.screen import Scene, frame
from engine.demo.stage import Stage

_TURN_SECONDS = 0.1
_REDRAW_SECONDS = 1.0
PLAIN_WIDTH = 100


class View(Protocol):
    """How the demo shows itself while it runs."""

    held: bool
    """The reader holds the view: do not end yet."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, said: Sequence[Said]) -> None:
        """Outcomes that have just come."""

    def turn(self) -> bool:
        """Pass a tenth of a second and draw what is due. False: the reader quits."""


class _Lines:
    """Writes what is said as it comes; nobody can hold or quit it but with Ctrl-C."""

    held = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout.flush()

    def turn(self) -> bool:
        time.sleep(_TURN_SECONDS)
        return True


class JsonLines(_Lines):
    """Each outcome as one structured CloudEvent a line."""

    def show(self, said: Sequence[Said]) -> None:
        for each in said:
            sys.stdout.write(orjson.dumps(each.envelope).decode() + "\n")
        sys.stdout.flush()


class PlainLines(_Lines):
    """The lines of "What Vigil said", one each, nothing shortened."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self._stage, self._console = stage, console
        self._look = look(stage, console, PLAIN_WIDTH)

    def show(self, said: Sequence[Said]) -> None:
        for each in said:
            text = line(each, self._stage.names, self._look, dated=self._stage.play.dated, cut=False)
            self._console.print(text, soft_wrap=True)


class LiveScreen:
    """Redraws the whole terminal once a second in place. q quits, space holds, m shows the next page."""

    def __init__(self, stage: Stage, console: Console) -> None:
        self._stage, self._console = stage, console
        self._live = Live(console=console, screen=True, auto_refresh=False)
        self._keys = Keys(wanted=True)
        self._drawn = 0.0
        self._page = 0
        self.held = False

    def __enter__(self) -> Self:
        self._keys.__enter__()
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)
        self._keys.__exit__(kind, error, trace)

    def show(self, said: Sequence[Said]) -> None:
        """They are on the next frame."""

    def turn(self) -> bool:
        key = self._keys.next(_TURN_SECONDS)
        if key == "q":
            return False
        if key == " ":
            self.held = not self.held
            self._draw()
        elif key == "m":
            self._page += 1
        if not self.held and (key or time.monotonic() - self._drawn >= _REDRAW_SECONDS):
            self._draw()
        return True

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        width, height = self._console.size
        drawn = look(self._stage, self._console, width)
        seen = scene(self._stage, drawn, page=self._page, held=self.held)
        self._live.update(Group(*frame(seen, drawn, height)), refresh=True)


def look(stage: Stage, console: Console, width: int) -> Look:
    """How this console draws at this moment."""
    return Look(stage.now(), stage.play.zone, width, glyphs_for(console.encoding))


def scene(stage: Stage, drawn: Look, *, page: int = 0, held: bool = False) -> Scene:
    """What the stage shows at this moment."""
    clocks, escalations = stage.clocks(drawn.now)
    return Scene(
        speed=stage.play.speed,
        broker=f"{stage.broker.kind} {stage.broker.bootstrap}",
        clocks=clocks,
        escalations=escalations,
        caption=stage.caption(),
        said=[line(each, stage.names, drawn, dated=stage.play.dated) for each in stage.recent],
        page=page,
        held=held,
    )
