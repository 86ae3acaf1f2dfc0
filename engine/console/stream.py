"""The live stream of one reader: what of the board has changed since the last message, as JSON."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from datetime import tzinfo
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import orjson

from engine.console.board import GROUPS, Look
from engine.console.filters import Filter
from engine.console.live import Live
from engine.console.rows import BREACHED, Row
from engine.console.saying import idle, notice
from engine.console.sources import Sources
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
    start: int = 0
    """How many rows stand before the first that they see."""


class Stream:
    """Looks at the board for all readers: once for each view in half a second, however many read it."""

    def __init__(
        self,
        live: Live,
        sources: Sources,
        archive_failed: Callable[[], str],
        now: Callable[[], Instant],
        speed: float,
        draw: Callable[[Row, View], str],
        metrics: ConsoleMetrics,
    ) -> None:
        """`archive_failed`: why the archive stands still; empty: it does not. `draw` makes a row's HTML;
        `speed`: how many times as fast as life the clock runs."""
        self._metrics = metrics
        self._live, self._sources, self._archive_failed = live, sources, archive_failed
        self._now, self._speed, self._draw = now, speed, draw
        self._feeds: WeakValueDictionary[View, _Feed] = WeakValueDictionary()

    def look(self, view: View) -> Look:
        """As it is now."""
        return self._live.board.look(view.wanted, view.me, view.zone, self._now(), view.size, view.start)

    async def messages(self, view: View) -> AsyncGenerator[bytes, None]:
        """Server-sent events: `board` whenever anything has changed, `ping` where nothing has, or nothing is
        known: until the state has been read a page keeps what it shows."""
        feed = self._feeds.get(view)
        if feed is None:
            feed = self._feeds[view] = _Feed(self, view)
        seen, last = 0, 0.0
        self._metrics.reading(1)
        try:
            while True:
                if self._live.has_read:
                    feed.look()
                moment = time.monotonic()
                if feed.number != seen:
                    is_next = seen and feed.number == seen + 1
                    seen, last = feed.number, moment  # before it is sent: a slow reader may miss the next
                    yield feed.change if is_next else feed.whole()
                elif moment - last >= PING_SECONDS:
                    last = moment
                    yield _event("ping", self.clock())
                await asyncio.sleep(EVERY_SECONDS - time.monotonic() % EVERY_SECONDS)  # all of a view at once
        finally:
            self._metrics.reading(-1)

    def clock(self) -> dict[str, Any]:
        """What time it is here, in milliseconds since 1970, and whether what is shown is still true."""
        return {
            "now": self._now() / MILLISECOND,
            "speed": self._speed,
            "ready": self._live.has_read,
            "late": round(self._live.late_for()),
            "silent": round(self._live.silent_for()),
            "failed": self._live.failed,
            "archive": self._archive_failed(),
        }

    def frame(self, look: Look, view: View) -> dict[str, Any]:
        """The page around the rows, and their order."""
        return _frame(look) | {
            "idle": "" if any(view.wanted) else idle(look, view.zone),
            "notice": notice(self._sources, look.counts, look.at, view.zone)._asdict(),
        }

    def drawn(self, row: Row, view: View) -> str:
        """Drawn once for all of a zone who may do the same, as long as the board keeps the row."""
        key = str(view.zone), view.may_act
        html = row.drawn.get(key)
        if html is None:
            html = row.drawn[key] = self._draw(row, view)
        return html


class _Feed:
    """What readers of one view are told, each message made once; it lives as long as one of them reads."""

    def __init__(self, stream: Stream, view: View) -> None:
        self._stream, self._view = stream, view
        self._looked = 0.0
        self._told: dict[str, Row] = {}
        self._frame: dict[str, Any] = {}
        self._whole: bytes | None = None
        self.number = 0
        """Of the last message."""
        self.change = b""
        """That message: what is new since the one before."""

    def look(self) -> None:
        """At most once in half a second."""
        moment = time.monotonic()
        if moment - self._looked < EVERY_SECONDS / 2:
            return
        self._looked = moment
        look = self._stream.look(self._view)
        rows = {row.id: row for group in look.groups for row in group.rows}
        told = self._told
        new = {i: row for i, row in rows.items() if _says_more(row, told.get(i))}
        frame = self._stream.frame(look, self._view)
        if not new and frame == self._frame:
            return
        breached = [row for i, row in new.items() if i in told and _has_breached(row, told[i])]
        self._told = {i: new.get(i) or told[i] for i in rows}
        self._frame, self._whole = frame, None
        self.number += 1
        self.change = self._message(new, breached)

    def whole(self) -> bytes:
        """All of it, for who has heard nothing yet, or not the message before."""
        if self._whole is None:
            self._whole = self._message(self._told, ())
        return self._whole

    def _message(self, rows: Mapping[str, Row], breached: Collection[Row]) -> bytes:
        said = {
            **self._stream.clock(),
            **self._frame,
            "rows": {i: self._stream.drawn(row, self._view) for i, row in rows.items()},
            "breached": [_sentence(row) for row in breached],
        }
        return _event("board", said)


def _event(name: str, said: dict[str, Any]) -> bytes:
    """As it goes to all who read it."""
    return b"event: %s\r\ndata: %s\r\n\r\n" % (name.encode(), orjson.dumps(said))


def _says_more(row: Row, told: Row | None) -> bool:
    return row is not told and (told is None or row.changed(told))


def _has_breached(row: Row, told: Row) -> bool:
    return row.state == BREACHED and told.state != BREACHED


def _frame(look: Look) -> dict[str, Any]:
    return {
        "counts": look.counts._asdict(),
        "groups": [
            {"name": g.name, "label": GROUPS[g.name][0], "note": GROUPS[g.name][1], "size": g.size,
             "ids": [row.id for row in g.rows]}
            for g in look.groups
        ],
        "start": look.start,
        "shown": look.shown,
        "matching": look.matching,
    }  # fmt: skip


def _sentence(row: Row) -> str:
    """As it is announced: `next customer update, Tessarine Bank, P0`."""
    view = row.view
    return ", ".join(text for text in (row.owed.lower(), view.customer_name, view.severity) if text)
