"""The live stream of one reader: what of the board has changed since the last message, as JSON."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from datetime import tzinfo
from typing import Any, NamedTuple

import orjson

from engine.console.board import GROUPS, Look
from engine.console.filters import Filter
from engine.console.live import Live
from engine.console.rows import BREACHED, Row
from engine.console.saying import idle
from engine.core.instants import MILLISECOND, Instant
from engine.metrics.console import ConsoleMetrics

EVERY_SECONDS = 0.5
PING_SECONDS = 2.0
"""The page calls itself stale after five seconds without a word."""


class View(NamedTuple):
    """What a reader wants to see; readers of one view share the work of it."""

    wanted: Filter
    me: str
    zone: tzinfo
    size: int
    may_act: bool
    """Whether forms are for them."""


class Stream:
    """Looks at the board for all readers: once for each view in half a second, however many read it."""

    def __init__(
        self,
        live: Live,
        now: Callable[[], Instant],
        speed: float,
        draw: Callable[[Row, View], str],
        metrics: ConsoleMetrics,
    ) -> None:
        """`draw` makes a row's HTML; `speed`: how many times as fast as life the clock runs."""
        self._metrics = metrics
        self._live, self._now, self._speed, self._draw = live, now, speed, draw
        self._looks: dict[View, tuple[float, Look]] = {}
        self._drawn: dict[tuple[str, str, bool], tuple[Row, str]] = {}

    def look(self, view: View) -> Look:
        """As it is now, at most half a second old."""
        moment = time.monotonic()
        known = self._looks.get(view)
        if known is not None and moment - known[0] < EVERY_SECONDS:
            return known[1]
        if len(self._looks) > 500:
            self._looks.clear()
        now = self._now()
        look = self._live.board.look(view.wanted, view.me, view.zone, now, view.size)
        self._looks[view] = moment, look
        return look

    async def messages(self, view: View) -> AsyncGenerator[dict[str, str], None]:
        """For `sse_starlette`: `board` whenever anything has changed, `ping` where nothing has."""
        reader = _Reader(self, view)
        last = 0.0
        self._metrics.reading(1)
        try:
            while True:
                said = reader.next()
                moment = time.monotonic()
                if said is not None:
                    yield {"event": "board", "data": orjson.dumps(said).decode()}
                    last = moment
                elif moment - last >= PING_SECONDS:
                    yield {"event": "ping", "data": orjson.dumps(self.clock()).decode()}
                    last = moment
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            self._metrics.reading(-1)

    def clock(self) -> dict[str, Any]:
        """What time it is here, in milliseconds since 1970, and whether what is shown is still true."""
        return {
            "now": self._now() / MILLISECOND,
            "speed": self._speed,
            "silent": round(self._live.silent_for()),
            "failed": self._live.failed,
        }

    def drawn(self, row: Row, view: View) -> str:
        """Drawn once for all who may do the same, as long as the board keeps the row."""
        key = row.id, str(view.zone), view.may_act
        known = self._drawn.get(key)
        if known is not None and known[0] is row:
            return known[1]
        if len(self._drawn) > 50_000:
            self._drawn.clear()
        html = self._draw(row, view)
        self._drawn[key] = row, html
        return html


class _Reader:
    """Knows what it has told."""

    def __init__(self, stream: Stream, view: View) -> None:
        self._stream, self._view = stream, view
        self._look: Look | None = None
        self._told: dict[str, Row] = {}
        self._frame: Any = None
        self._first = True

    def next(self) -> dict[str, Any] | None:
        """What is new; None: nothing."""
        look = self._stream.look(self._view)
        if look is self._look:
            return None
        self._look = look
        rows = {row.id: row for group in look.groups for row in group.rows}
        new = {i: row for i, row in rows.items() if i not in self._told or row.changed(self._told[i])}
        frame = _frame(look, self._view)
        if not new and frame == self._frame:
            return None
        fresh = [] if self._first else [r for r in new.values() if self._is_new_breach(r)]
        self._told = {i: new.get(i) or self._told[i] for i in rows}
        self._frame, self._first = frame, False
        return {
            **self._stream.clock(),
            **frame,
            "rows": {i: self._stream.drawn(row, self._view) for i, row in new.items()},
            "breached": [_sentence(row) for row in fresh],
        }

    def _is_new_breach(self, row: Row) -> bool:
        before = self._told.get(row.id)
        return row.state == BREACHED and before is not None and before.state != BREACHED


def _frame(look: Look, view: View) -> dict[str, Any]:
    """The page around the rows, and their order."""
    return {
        "counts": look.counts._asdict(),
        "groups": [
            {"name": g.name, "label": GROUPS[g.name][0], "note": GROUPS[g.name][1], "size": g.size,
             "ids": [row.id for row in g.rows]}
            for g in look.groups
        ],
        "shown": look.shown,
        "matching": look.matching,
        "idle": "" if any(view.wanted) else idle(look, view.zone),
    }  # fmt: skip


def _sentence(row: Row) -> str:
    """As it is announced: `next customer update, Tessarine Bank, P0`."""
    view = row.view
    return ", ".join(text for text in (row.owed.lower(), view.customer_name, view.severity) if text)
