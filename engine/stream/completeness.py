"""Up to when what was recorded has been read, a partition: a verdict that is due later may not know all."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from engine.core.instants import MILLISECOND, NEVER, SECOND, Instant
from engine.settings import Settings
from engine.stream.intake import Intake

log = structlog.stdlib.get_logger("vigil.stream")

NOTHING_READ = Instant(0)
PATIENCE = 5.0
"""Seconds after an assignment for the broker to tell where topics end, and for the first of what lies unread
to come; then nothing counts as read."""


class Ends(Protocol):
    """What Kafka tells of the source partitions; of the consumer group."""

    def end_of(self, tp: TP) -> int | None:
        """The highwater, where a fetch has told it."""

    def told_at(self, tp: TP) -> int | None:
        """When a fetch last told it, in milliseconds: another number for each fetch."""

    async def first_since(self, tp: TP, at: Instant) -> tuple[int, int] | None:
        """The first record that was recorded at a time or later: its offset, and when, in milliseconds since
        1970; None: there is none, or nobody knows, for want of a leader. KafkaError."""


class Look(NamedTuple):
    """At the end of a source partition."""

    told: int | None
    """When the fetch came that had told it last."""
    before: Instant
    """A look that was before that fetch came."""
    at: Instant


class Completeness:
    """The watermark of each partition number: the least of those of its topics, as records were recorded."""

    def __init__(self, settings: Settings, ends: Ends, intake: Intake) -> None:
        self._bound = int(settings.behind_after * SECOND)
        self._expected = int(settings.heard_within * SECOND)
        self._inputs = frozenset((settings.tickets_topic, settings.incidents_topic))
        self._ends = ends
        self._intake = intake
        self._read: dict[int, list[TP]] = {}
        """By partition number: the partitions of event topics."""
        self._heard: Mapping[TP, Instant] = {}
        self._looks: dict[TP, Look] = {}
        self._level: dict[TP, Instant] = {}
        """By source partition: when last nothing lay unread in it."""
        self._began = time.monotonic()

    async def last_heard(self, starts: Mapping[TP, int], now: Instant) -> dict[TP, Instant]:
        """When the last record before each start was recorded, to a second, where something is expected
        within a time and that was within it: what was read before an assignment has been heard, too."""
        if not self._expected:
            return {}
        inputs = [tp for tp in starts if tp.topic in self._inputs]
        try:
            found = await asyncio.gather(*(self._last_before(tp, starts[tp], now) for tp in inputs))
        except (KafkaError, TimeoutError) as error:  # then it is heard of with the next event
            log.warning("last_heard_unknown", error=repr(error))
            return {}
        return {tp: at for tp, at in zip(inputs, found, strict=True) if at is not None}

    async def _last_before(self, tp: TP, start: int, now: Instant) -> Instant | None:
        """By halves: Kafka tells the first record since a time, and not the last before an offset."""
        at = low = max(0, now - self._expected)
        high, last = now + SECOND, None
        while last is None or high - low > SECOND:
            first = await self._ends.first_since(tp, Instant(at))
            if first is not None and first[0] < start:
                last = Instant(first[1] * MILLISECOND)
                low = max(at, last)
            elif last is None:
                return None
            else:
                high = at
            at = (low + high) // 2
        return last

    def begin(self, sources: Iterable[TP], heard: Mapping[TP, Instant]) -> None:
        """A new assignment: the source partitions, of which the intake knows from where they are read, and
        what `last_heard` says of them."""
        self._read, self._heard, self._looks, self._level = {}, heard, {}, {}
        for tp in sources:
            if tp.topic in self._inputs:
                self._read.setdefault(tp.partition, []).append(tp)
        self._began = time.monotonic()

    def until(self, partition: int, now: Instant) -> Instant | None:
        """Whatever was recorded by then has been read; None while it is too soon after an assignment to tell.

        What lies unread right after it may be a second old or a day: its first record says which. Later,
        what lies unread was recorded since nothing did; the last that was read may be hours older.
        """
        known, heard = now, NOTHING_READ
        for tp in self._read.get(partition, ()):
            told, end = self._ends.told_at(tp), self._ends.end_of(tp)  # in this order: no end is too old
            taken, recorded = self._intake.expected(tp), self._intake.recorded(tp)
            unread = end is not None and taken is not None and end > taken
            self._look(tp, told, now, unread)
            level = self._level.get(tp, NOTHING_READ)
            if end is None or (unread and recorded is None and level == NOTHING_READ):
                return None if time.monotonic() - self._began < PATIENCE else NOTHING_READ
            last = NOTHING_READ if recorded is None else Instant(recorded * MILLISECOND)
            heard = max(heard, last, self._heard.get(tp, NOTHING_READ))
            if unread:
                known = min(known, max(last, level))
        is_silent = self._expected and now - heard > self._expected
        return min(known, heard) if is_silent else known

    def _look(self, tp: TP, told: int | None, now: Instant, unread: bool) -> None:
        """Note when nothing lay unread, by the clock that `now` is of.

        A fetch tells the end as of a moment when the broker had it in hand; it was sent after the fetch
        before it had come, and that came after the look `before`. So all that was appended by then has been
        read. What is appended later may say that it was recorded earlier: by how long its producer took, or
        by how its clock is set. So may what comes while nothing lies unread: the bound is for both.
        """
        look = self._looks.get(tp, Look(told, NOTHING_READ, now))
        if told == look.told:
            self._looks[tp] = look._replace(at=now)
            return
        if not unread:
            self._level[tp] = look.before
        self._looks[tp] = Look(told, look.at, now)

    def bound(self, until: Instant, now: Instant) -> Instant:
        """`until` where that is further behind than the bound; NEVER where it is near enough."""
        return until if self._bound and now - until > self._bound else NEVER
