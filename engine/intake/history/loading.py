"""Loads history window by window and page by page; what is acknowledged is written down before it goes on."""

import asyncio
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import NamedTuple

import orjson
import structlog
from msgspec.structs import replace

from engine.core.instants import Instant
from engine.intake.arrival import Arrival, NotMapped
from engine.intake.configuration import Door
from engine.intake.history.failures import CursorExpired, HistoryAway, HistoryRefused, Stopped
from engine.intake.history.journal import Journal, Standing
from engine.intake.history.reader import Delivery, Page, Reader, Window
from engine.intake.history.sinks import Letter, Sink
from engine.intake.records import ToSend, records_of

_BEGINNINGS = 3
"""Times that a window is begun anew because its cursor expired, before somebody should look."""
_HEADERS = {"content-type": "application/json"}

log = structlog.stdlib.get_logger("vigil.intake.history")


class _Read(NamedTuple):
    """What a page says that was not said yet."""

    events: list[ToSend]
    letters: list[Letter]
    ignored: int
    known: dict[str, Instant]
    """Of each delivery: what it is known by, and its time."""


class Load:
    """One door's history, from where it stands."""

    def __init__(
        self,
        door: Door,
        reader: Reader,
        sink: Sink,
        journal: Journal,
        standing: Standing,
        *,
        now: Callable[[], Instant],
        heard: Callable[[Standing], None],
    ) -> None:
        """`heard` is called after each page, with where the load stands then."""
        self._door, self._reader, self._sink, self._journal = door, reader, sink, journal
        self._now, self._heard = now, heard
        self.standing = standing

    async def run(self, until: Instant | None, stopping: asyncio.Event) -> None:
        """All that happened before `until`, or till now, less what the source may still add to."""
        settled = Instant(self._now() - self._reader.settle)
        target = settled if until is None else min(until, settled)
        while not stopping.is_set() and (self.standing.until is not None or self.standing.start < target):
            await self._window(target, stopping)

    async def follow(self, until: Instant | None, interval: float, stopping: asyncio.Event) -> None:
        """The same again and again, `interval` seconds apart; who is away is asked the next time."""
        while not stopping.is_set() and (until is None or self.standing.start < until):
            try:
                await self.run(until, stopping)
            except HistoryAway as error:
                log.error("away", door=self._door.name, reason=error.reason, detail=error.detail)
            try:
                await asyncio.wait_for(stopping.wait(), interval)
            except TimeoutError:
                continue

    async def _window(self, target: Instant, stopping: asyncio.Event) -> None:
        if self.standing.until is None:
            self._keep(replace(self.standing, until=target, cursor=""))
        begun = 0
        while not stopping.is_set():
            try:
                page = await self._reader.page(self._asked(), self.standing.cursor)
                await self._take(page)
            except Stopped:
                return
            except CursorExpired as error:
                begun += 1
                log.warning("cursor_expired", door=self._door.name, detail=str(error))
                if begun > _BEGINNINGS:
                    raise HistoryRefused("cursor_expired", f"{begun} times: {error}") from None
                self._keep(replace(self.standing, cursor=""))
                continue
            if not page.cursor:
                return

    def _asked(self) -> Window:
        """From before its start where the source shows things late, and never from before what was wanted."""
        assert self.standing.until is not None  # noqa: S101  # a window has begun
        since = max(self.standing.since, self.standing.start - self._reader.overlap)
        return Window(Instant(since), self.standing.until)

    async def _take(self, page: Page) -> None:
        """A page is acknowledged, and then written down; killed between the two, it comes again, with equal
        ids, and a file is cut back to what was written down."""
        read = self._read(page.deliveries)
        written, dead = await self._sink.take(read.events, read.letters)
        stands = self.standing
        stands = replace(
            stands,
            cursor=page.cursor,
            said=self._to_remember({**stands.said, **read.known}, is_last=not page.cursor),
            pages=stands.pages + 1,
            events=stands.events + len(read.events),
            refused=stands.refused + len(read.letters),
            ignored=stands.ignored + read.ignored,
            written=written,
            written_dead=dead,
        )
        if not page.cursor and stands.until is not None:
            stands = replace(stands, start=stands.until, until=None)
        self._keep(stands)
        self._heard(stands)

    def _read(self, deliveries: list[Delivery]) -> _Read:
        read = _Read([], [], 0, {})
        ignored = 0
        for one, arrival in self._arrivals(deliveries):
            try:
                if one.why is not None:
                    raise one.why
                said = self._door.source.translate(arrival, self._door.mapping)
                events = records_of(said, self._door.name, arrival)
            except NotMapped as why:
                if self._is_new(read, blake2b(arrival.body, digest_size=12).hexdigest(), one.at):
                    ignored += why.ignored
                    read.letters.extend([] if why.ignored else [Letter(arrival, why)])
                continue
            if self._is_new(read, events[0].read.fact.id if events else "", one.at):
                read.events.extend(events)
        return read._replace(ignored=ignored)

    def _arrivals(self, deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Arrival]]:
        """Each part of each, as the door takes them apart."""
        for one in deliveries:
            whole = Arrival(orjson.dumps(one.body), _HEADERS, self._now())
            for part in self._door.source.apart(whole):
                yield one, part

    def _is_new(self, read: _Read, known_by: str, at: Instant) -> bool:
        if known_by in read.known or known_by in self.standing.said:
            return False
        read.known[known_by] = at
        return True

    def _to_remember(self, known: dict[str, Instant], *, is_last: bool) -> dict[str, Instant]:
        """Of what was said: what the next window will be told again, and until this one's last page what
        the one before has said."""
        start, until = self.standing.start, self.standing.until
        if until is None:
            return {}
        again = until - self._reader.overlap
        return {name: at for name, at in known.items() if at >= again or (at < start and not is_last)}

    def _keep(self, standing: Standing) -> None:
        self._journal.write(standing)
        self.standing = standing
