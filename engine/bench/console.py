"""The board under load: how old what it shows is, and what its readers cost a worker on the same machine."""

import asyncio
import os
import signal
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from engine.bench.backlog import preload
from engine.bench.cores import beside_a_busy_core
from engine.bench.loop import Say, Where, on_own_topics, settings_for_bench, vigil, worker
from engine.bench.readers import Readers
from engine.bench.steady import PROBE, Flow, openings
from engine.bench.watching import NotTaken
from engine.core.instants import Instant
from engine.demo.broker import free_port
from engine.demo.child import Child
from engine.settings import Settings

VIEWS = ("", "state=at-risk", "sev=P0,P1", "metric=updates", "owner=agent-7")
"""What readers have in their address, in turn; beside them one reads where the probes are."""
_SETTLE_SECONDS = 4.0
_CAUGHT_UP_SECONDS = 2.0
_START_SECONDS = 90.0
_SUMS = (
    "vigil_chunk_records_sum", "vigil_chunk_seconds_sum", "sla_event_lag_seconds_count",
    "sla_event_lag_seconds_sum",
)  # fmt: skip
_JIFFY = os.sysconf("SC_CLK_TCK")


class Board(Struct, frozen=True):
    """How much is measured with."""

    readers: int = 50
    rate: int = 5_000
    """Events a second, one outcome each."""
    escalations: int = 5_000
    partitions: int = 4
    phases: int = 3
    """Without the console and with it, in turns, each so often."""
    seconds: float = 15.0
    """Of each."""


class Pace(NamedTuple):
    """Of a worker: medians over seconds."""

    events_per_second: float
    chunk: float
    """Time to decode and decide, microseconds an event."""
    processor: float
    """Processor time of the whole process, microseconds an event."""
    waited: float
    """Time in which it could have gone on and no core was free for it, microseconds an event."""
    durable: float
    """Seconds from the recording of an event until what it led to is durable, of the oldest of its chunk."""


class Found(NamedTuple):
    readers: int
    clocks: int
    """Running, on the board."""
    messages_per_second: float
    """To all readers."""
    megabytes_per_second: float
    console_cores: float
    """Processor time of the console, of one core."""
    p50: float
    """Seconds from an event's time until what it brings is on a reader's page."""
    p99: float
    worst: float
    without: Pace
    beside: Pace
    """With the console and its readers."""
    busy_core: float
    """How many times as long a loop takes on this machine beside a process that only counts."""

    @property
    def chunk_ratio(self) -> float:
        return self.beside.chunk / self.without.chunk

    @property
    def processor_ratio(self) -> float:
        return self.beside.processor / self.without.processor


class _Sample(NamedTuple):
    """Sums since the worker's start."""

    at: float
    events: float
    chunk_seconds: float
    lags: float
    lag_seconds: float
    processor_seconds: float
    waited_seconds: float


def measure_console(where: Where, size: Board, say: Say) -> Found:
    """NotTaken where the worker or the console ends, or shows no probe."""
    settings = settings_for_bench(where, size.partitions, "real").model_copy(
        update={"metrics_port": free_port()}
    )
    say("console: what a core costs that somebody else uses")
    busy_core = beside_a_busy_core()
    with on_own_topics(settings), worker(settings) as child:
        return asyncio.run(_measure(settings, size, child, busy_core, say))


async def _measure(settings: Settings, size: Board, child: Child, busy_core: float, say: Say) -> Found:
    say(f"console: opening {size.escalations:,} escalations")
    now = Instant(time.time_ns() // 1000)
    await preload(settings, settings.tickets_topic, openings(size.escalations, now))
    flow = Flow(settings, size.escalations, size.rate)
    without: list[Pace] = []
    beside: list[Pace] = []
    rounds: list[_Round] = []
    async with _watched(settings, size, flow) as (board, readers), _flowing(flow):
        await _until_taken(settings, size, child)
        for number in range(1, size.phases + 1):
            say(f"console: the worker alone, {number} of {size.phases}")
            with _stopped(board):
                await asyncio.sleep(_SETTLE_SECONDS)
                without += await _paces(settings, child, size.seconds)
            say(f"console: with the console and {size.readers} readers, {number} of {size.phases}")
            await _caught_up(readers)
            before = len(readers.ages), readers.messages, readers.bytes, _processor(board)
            began = time.monotonic()
            beside += await _paces(settings, child, size.seconds)
            readers.check()
            rounds.append(_round(readers, before, _processor(board), time.monotonic() - began))
        clocks = await asyncio.to_thread(_clocks, readers.port)
    ages = sorted(age for one in rounds for age in one.ages)
    if len(ages) < 2:
        raise NotTaken(f"the board has shown {len(ages)} promises\n{child.last_lines()}")
    cuts = quantiles(ages, n=100, method="inclusive")
    return Found(
        size.readers, clocks, median(one.messages for one in rounds), median(one.megabytes for one in rounds),
        median(one.cores for one in rounds), cuts[49], cuts[98], ages[-1], _middle(without), _middle(beside),
        busy_core,
    )  # fmt: skip


@asynccontextmanager
async def _flowing(flow: Flow) -> AsyncIterator[None]:
    task = asyncio.create_task(flow.run())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()


@contextmanager
def _stopped(board: Child) -> Iterator[None]:
    """It is there and does nothing: a start of its own, in each round, would be measured with it."""
    os.kill(board.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(board.pid, signal.SIGCONT)


async def _caught_up(readers: Readers) -> None:
    """What came while it was stopped is on the page; or it takes too long, and the ages will tell."""
    until = time.monotonic() + _START_SECONDS
    last = _SETTLE_SECONDS
    while last > _CAUGHT_UP_SECONDS and time.monotonic() < until:
        readers.check()
        known = len(readers.ages)
        await asyncio.sleep(1)
        last = max(list(readers.ages.values())[known:], default=_SETTLE_SECONDS)


class _Round(NamedTuple):
    ages: list[float]
    messages: float
    megabytes: float
    cores: float


def _round(readers: Readers, before: tuple[int, int, int, float], processor: float, seconds: float) -> _Round:
    known, messages, taken, used = before
    return _Round(
        list(readers.ages.values())[known:],
        (readers.messages - messages) / seconds,
        (readers.bytes - taken) / seconds / 1e6,
        (processor - used) / seconds,
    )


def _middle(paces: list[Pace]) -> Pace:
    return Pace(*(median(column) for column in zip(*paces, strict=True)))


async def _until_taken(settings: Settings, size: Board, child: Child) -> None:
    """The worker has the openings behind it, and goes on with what comes."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and child.running:
        try:
            if (await asyncio.to_thread(_sample, settings, child)).events > size.escalations:
                await asyncio.sleep(_SETTLE_SECONDS)
                return
        except OSError:
            pass  # it does not listen yet
        await asyncio.sleep(0.5)
    raise NotTaken(f"the worker did not take {size.escalations:,} openings\n{child.last_lines()}")


async def _paces(settings: Settings, child: Child, seconds: float) -> list[Pace]:
    """One of each second."""
    found: list[Pace] = []
    until = time.monotonic() + seconds
    last = await asyncio.to_thread(_sample, settings, child)
    while time.monotonic() < until:
        await asyncio.sleep(1)
        if not child.running:
            raise NotTaken(f"the worker has ended\n{child.last_lines()}")
        this = await asyncio.to_thread(_sample, settings, child)
        if (events := this.events - last.events) > 0:
            found.append(
                Pace(
                    events / (this.at - last.at),
                    (this.chunk_seconds - last.chunk_seconds) / events * 1e6,
                    (this.processor_seconds - last.processor_seconds) / events * 1e6,
                    (this.waited_seconds - last.waited_seconds) / events * 1e6,
                    (this.lag_seconds - last.lag_seconds) / max(1.0, this.lags - last.lags),
                )
            )
        last = this
    if not found:
        raise NotTaken(f"the worker takes nothing\n{child.last_lines()}")
    return found


def _sample(settings: Settings, child: Child) -> _Sample:
    sums = dict.fromkeys(_SUMS, 0.0)
    for name, value in _samples(settings.metrics_port):
        if name in sums:
            sums[name] += value
    events, chunks, lags, lag_seconds = (sums[name] for name in _SUMS)
    used, waited = _processor(child), _waited(child)
    return _Sample(time.monotonic(), events, chunks, lags, lag_seconds, used, waited)


def _samples(port: int) -> Iterator[tuple[str, float]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.value


def _clocks(port: int) -> int:
    return int(dict(_samples(port))["vigil_console_clocks"])


def _processor(child: Child) -> float:
    """Seconds that the process has used; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _JIFFY


def _waited(child: Child) -> float:
    """Seconds that its main thread was ready for a core and had none; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{child.pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


@asynccontextmanager
async def _watched(settings: Settings, size: Board, flow: Flow) -> AsyncIterator[tuple[Child, Readers]]:
    """A console with all its readers, once it has settled."""
    port = free_port()
    views = [f"/stream?{VIEWS[number % len(VIEWS)]}" for number in range(size.readers - 1)]
    with console(settings, port) as child:
        until = time.monotonic() + _START_SECONDS
        while not await asyncio.to_thread(_is_ready, port):
            if time.monotonic() > until or not child.running:
                raise NotTaken(f"the console is not ready\n{child.last_lines()}")
            await asyncio.sleep(0.2)
        async with Readers(port, [f"/stream?q={PROBE}&rows=10000", *views], flow.made) as readers:
            await asyncio.sleep(_SETTLE_SECONDS)
            readers.check()
            yield child, readers


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # it does not listen yet, or answers 503
        return False


@contextmanager
def console(settings: Settings, port: int) -> Iterator[Child]:
    """A `vigil console` of these settings with an archive that nobody fills, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        archive = "--archive", f"sqlite:///{folder}/archive.db", "--no-follow"
        with vigil(settings, "console", "--port", str(port), *archive) as child:
            yield child
