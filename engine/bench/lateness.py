"""How long after its due time an outcome can be read, while many clocks are open and events flow."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from itertools import count
from statistics import quantiles
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from msgspec import Struct

from engine.bench.backlog import preload
from engine.bench.loop import Where, on_own_topics, settings_for_bench, worker
from engine.bench.watching import NotTaken
from engine.bench.workload import Event, Record, promises, record
from engine.core.instants import SECOND, Instant, Span, parse_instant
from engine.demo.child import Child
from engine.settings import Settings

_WANTED = b"sla.commitment_missed.v1"
_SLACK_SECONDS = 30.0
"""How long after the last due time an outcome may still come."""


class Promises(Struct, frozen=True):
    """How much is measured with."""

    escalations: int = 10_000
    """Each owes what the policy says, and a promise: this many outcomes, at known times."""
    partitions: int = 4
    traffic: int = 500
    """Events a second that flow meanwhile."""
    lead_seconds: float = 20.0
    """From sending the promises to the first due time."""
    spread_seconds: float = 30.0
    """From the first due time to the last."""


class Lateness(NamedTuple):
    """Seconds from the due time to the moment at which a reader of committed data has the outcome."""

    outcomes: int
    p50: float
    p99: float
    worst: float


def measure_lateness(where: Where, size: Promises, say: Callable[[str], None]) -> Lateness:
    """NotTaken where the worker ends or an outcome does not come."""
    settings = settings_for_bench(where, size.partitions, "real")
    with on_own_topics(settings), worker(settings) as child:
        seen = asyncio.run(_measure(settings, size, child, say))
    cuts = quantiles(seen, n=100)
    return Lateness(len(seen), cuts[49], cuts[98], max(seen))


async def _measure(
    settings: Settings, size: Promises, child: Child, say: Callable[[str], None]
) -> list[float]:
    consumer = AIOKafkaConsumer(
        settings.outcomes_topic,
        **settings.client_options(),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    flowing = None
    try:
        now = Instant(time.time_ns() // 1000)
        lead, spread = (Span(int(length * SECOND)) for length in (size.lead_seconds, size.spread_seconds))
        say(f"lateness: {size.escalations:,} promises, due within {size.spread_seconds:.0f} s")
        made = (record(event) for event in promises(size.escalations, now, lead, spread))
        await preload(settings, settings.tickets_topic, made)
        if size.traffic:
            flowing = asyncio.create_task(_flow(settings, size))
        until = (now + lead + spread) / SECOND + _SLACK_SECONDS
        return await _read(consumer, size.escalations, until, child)
    finally:
        if flowing is not None:
            flowing.cancel()
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, wanted: int, until: float, child: Child) -> list[float]:
    seen: list[float] = []
    while len(seen) < wanted:
        found = await consumer.getmany(timeout_ms=200)
        now = time.time()
        for records in found.values():
            for one in records:
                headers = dict(one.headers)
                if headers.get("ce_type") == _WANTED:
                    seen.append(now - parse_instant(headers["ce_time"].decode()) / SECOND)
        if now > until or not child.running:
            raise NotTaken(f"{len(seen):,} of {wanted:,} outcomes came\n{child.last_lines()}")
    return seen


async def _flow(settings: Settings, size: Promises) -> None:
    """Updates of the escalations that wait, at an even rate, until cancelled."""
    numbers = count(2)
    chance = random.Random(2)  # noqa: S311  (a workload, no secret)
    tick = 0.2
    while True:
        began = time.monotonic()
        await preload(
            settings, settings.tickets_topic, _updates(size, int(size.traffic * tick), numbers, chance)
        )
        await asyncio.sleep(max(0.0, tick - (time.monotonic() - began)))


def _updates(size: Promises, amount: int, numbers: Iterator[int], chance: random.Random) -> Iterator[Record]:
    for _ in range(amount):
        now = Instant(time.time_ns() // 1000)
        subject = f"promise:{chance.randrange(size.escalations):06}"
        yield record(Event(now, subject, next(numbers), "updated", {"tags": ["seen"]}))
