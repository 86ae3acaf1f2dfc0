"""What the worker does at intervals: send ticks for what is due, count what stands, watch the lag."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP

from engine.core.calendars import BusinessCalendar
from engine.core.instants import NEVER, SECOND, Instant
from engine.core.policy import Book
from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream.acknowledged import Acknowledged
from engine.stream.checks import Refused, check_topics
from engine.stream.clock import Clock, Steps
from engine.stream.collector import collect_cycles
from engine.stream.ending import in_doubt
from engine.stream.gauges import standing
from engine.stream.readiness import Readiness
from engine.stream.sender import Sender
from engine.stream.shell import Group, Shell
from engine.stream.timers import ticks
from engine.stream.transactions import Transactions

log = structlog.stdlib.get_logger("vigil.stream")

LAG_INTERVAL = 1.0
DROPPED_INTERVAL = 1.0
CHANGELOG_INTERVAL = 10.0
TOPICS_INTERVAL = 60.0
LARGEST_STEP = 1.0
"""Seconds between two looks by which NTP may set the clock without a word: a leap second, at most."""
IDLE_INTERVAL = 60.0
STANDING_INTERVAL = 5.0
STANDING_SHARE = 0.02
"""Of the processor, at most: with a million escalations one count takes a second."""
STANDING_AT_MOST = 60.0
"""Where the loop is busy a count takes long, and is no more work for that. An alert takes a due time that
is still shown two minutes after it for one that nobody has judged."""

MOVED = (
    "the machine slept, or its clock was set: what was said between two such lines may have been too early,"
    " or too late; `vigil doctor` compares the clock with the brokers'"
)


def until_next_count(spent: float) -> float:
    """Seconds from the end of a count to the next, unless partitions change hands."""
    return min(max(STANDING_INTERVAL, spent / STANDING_SHARE), STANDING_AT_MOST)


class Duties:
    """Each duty is a task of its own; an error in one ends the process, as any doubt does."""

    def __init__(
        self,
        settings: Settings,
        shell: Shell,
        group: Group,
        clock: Clock,
        metrics: Metrics,
        sender: Sender,
        readiness: Readiness,
        book: Book,
    ) -> None:
        self._settings = settings
        self._shell = shell
        self._group = group
        self._clock = clock
        self._metrics = metrics
        self._sender = sender
        self._readiness = readiness
        self._book = book
        self._tasks: list[asyncio.Task[None]] = []
        self._sends: dict[int, asyncio.Task[None]] = {}
        """By partition: its ticks that are under way."""
        self._unsent: dict[int, float] = {}
        """By partition: since when it has ticks that are not sent."""
        self._known: set[int] = set()

    def start(self) -> None:
        """Begin; nothing is sent before the shell accepts."""
        duties: list[Callable[[], Awaitable[None]]] = [
            self._count, self._watch_lag, self._watch_topics, self._read_dropped, collect_cycles,
        ]  # fmt: skip
        if not self._clock.event_time:
            duties.append(self._tick)
        if isinstance(self._shell.stage, Acknowledged):
            duties += [self._beat, self._watch_changelog]
        if isinstance(self._shell.stage, Transactions):
            duties.append(self._keep_producers)
        self._tasks = [asyncio.create_task(self._guard(duty)) for duty in duties]

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._sends.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guard(self, duty: Callable[..., Awaitable[None]], *what: object) -> None:
        try:
            await duty(*what)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            in_doubt("duty", error, duty=getattr(duty, "__name__", str(duty)))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._settings.tick_interval)
            if self._shell.accepting and self._group.settled_assignment():
                self._send_due(self._clock.now())
            else:
                self._unsent = {}
            began = time.monotonic()
            self._metrics.heartbeat(began - min(self._unsent.values(), default=began))

    def _send_due(self, now: Instant) -> None:
        """Each partition at its own pace: one that has no leader must not hold up the ticks of the others.

        While its ticks are under way nothing more of it is taken out.
        """
        complete, began = self._complete(now), time.monotonic()
        for number in self._sends.keys() - set(self._shell.timers.partitions):
            self._sends[number].cancel()
        self._sends = {number: task for number, task in self._sends.items() if not task.done()}
        due = self._shell.timers.take_due(now, complete.keys() - self._sends.keys())
        self._unsent = {number: self._unsent.get(number, began) for number in (*self._sends, *due)}
        for number, found in due.items():
            sending = self._guard(self._send, number, found, now, complete[number])
            self._sends[number] = asyncio.create_task(sending)

    def _complete(self, now: Instant) -> dict[int, Instant]:
        """Up to when each partition is known where it is behind, else NEVER: what waited is released."""
        completeness, timers = self._shell.completeness, self._shell.timers
        found: dict[int, Instant] = {}
        for number in timers.partitions:
            until = completeness.until(number, now)
            if until is None:
                continue
            self._metrics.watermark(number, until / SECOND)
            found[number] = completeness.bound(until, now)
            if found[number] >= NEVER:
                timers.release(number)
        return found

    async def _send(
        self, partition: int, due: list[tuple[Instant, str]], now: Instant, complete: Instant
    ) -> None:
        waits = complete < NEVER and self._settings.when_behind == "wait"
        try:
            await self._sender.send(self._settings.commands_topic, partition, ticks(due, complete, waits))
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning("ticks_not_sent", partition=partition, ticks=len(due), error=repr(error))
            self._metrics.retried("ticks")
            self._shell.timers.give_back(partition, due)
            return
        self._unsent.pop(partition, None)
        for at, _ in due:
            self._metrics.tick_sent((now - at) / SECOND)

    async def _beat(self) -> None:
        stage = self._shell.stage
        assert isinstance(stage, Acknowledged)  # noqa: S101  (narrows the type)
        while True:
            stage.pulse.beat()
            await asyncio.sleep(stage.pulse.limit / 10)

    async def _watch_changelog(self) -> None:
        """A late write of an earlier owner shows at our next write. Where none comes, compaction could keep
        the late record of a key and drop ours."""
        stage = self._shell.stage
        assert isinstance(stage, Acknowledged)  # noqa: S101  (narrows the type)
        while True:
            await asyncio.sleep(CHANGELOG_INTERVAL)
            generation, written = self._group.generation(), stage.written()
            if not self._shell.accepting:
                continue
            try:
                ends = await self._group.changelog_ends_now()
            except (KafkaError, TimeoutError) as error:  # a broker that is away for a while
                log.warning("changelog_not_watched", error=repr(error))
                continue
            if self._shell.accepting and generation == self._group.generation():
                stage.compare(written, ends)

    async def _keep_producers(self) -> None:
        stage = self._shell.stage
        assert isinstance(stage, Transactions)  # noqa: S101  (narrows the type)
        while True:
            await asyncio.sleep(IDLE_INTERVAL)
            wanted = self._shell.passed_over.union(stage.idle())
            for partition in sorted(wanted) if self._shell.accepting else ():
                await self._shell.keep(partition)

    async def _count(self) -> None:
        while True:
            began = time.monotonic()
            held = self._shell.table.partitions_held
            owned = self._owned()
            if self._shell.accepting:
                for number, records in list(held.items()):
                    counted = await standing(records)
                    if number in self._shell.table.partitions_held:
                        self._metrics.partition_state(number, *counted)
            calendars = self._book.calendars.values()
            business = [one for one in calendars if isinstance(one, BusinessCalendar)]
            self._metrics.calendars(
                {one.name: one.horizon / SECOND for one in business if one.horizon > 0},
                {one.name: end / SECOND for one in business if (end := one.dates_end) is not None},
            )
            left = until_next_count(time.monotonic() - began)
            while left > 0 and owned == self._owned():
                await asyncio.sleep(min(left, LAG_INTERVAL))
                left -= LAG_INTERVAL

    def _owned(self) -> set[int]:
        """The partitions that are recovered; of those that have another owner nothing is shown any more."""
        held = set(self._shell.table.partitions_held)
        for number in self._known - held:
            self._metrics.forget_partition(number)
        self._known = held
        return held if self._shell.accepting else set()

    async def _read_dropped(self) -> None:
        """Faust drops what it fetched around a rebalance. The next chunk shows the hole; the last one of a
        quiet partition has none behind it, so what lies untaken for two looks is read again. Should it only
        have been slow, it is known by its offsets."""
        before: dict[TP, tuple[int, int]] = {}
        while True:
            await asyncio.sleep(DROPPED_INTERVAL)
            found = self._shell.untaken()
            for tp, where in found.items():
                if before.get(tp) == where:
                    await self._shell.read_again(tp)
            before = found

    async def _watch_lag(self) -> None:
        steps = Steps()
        while True:
            total, told = 0, {}
            for tp in self._group.source_partitions() if self._shell.accepting else ():
                told[tp] = self._group.told_at(tp)
                end, taken = self._group.end_of(tp), self._shell.intake.expected(tp)
                if end is not None and taken is not None:
                    lag = max(0, end - taken)
                    total += lag
                    self._metrics.consumer_lag(tp.topic, tp.partition, lag)
            self._readiness.saw_lag(total)
            self._readiness.saw_answers(told)
            self._metrics.ready(self._readiness.is_ready())
            self._metrics.clock(self._clock.now() / SECOND)
            if abs(by := steps.since_last()) > LARGEST_STEP:
                log.warning("clock_moved", by_seconds=round(by, 1), hint=MOVED)
            await asyncio.sleep(LAG_INTERVAL)

    async def _watch_topics(self) -> None:
        """What a start would refuse shows at the next one, when a changelog that is deleted by age, say, has
        lost state that is still held here: so it is told now, and the worker goes on."""
        while True:
            await asyncio.sleep(TOPICS_INTERVAL)
            try:
                await check_topics(self._settings)
            except Refused as why:
                log.error("topics_refused", name=why.name, why=why.message, hint=why.hint)
                self._metrics.topics_refused(True)
            except (KafkaError, OSError) as error:  # a broker that is away for a while
                log.warning("topics_not_watched", error=repr(error))
            else:
                self._metrics.topics_refused(False)
