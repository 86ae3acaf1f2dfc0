"""Events at an even rate, of escalations that are open: each brings one outcome, as it happens."""

import asyncio
import random
import time
from collections.abc import Iterator
from itertools import count

from aiokafka import AIOKafkaProducer

from engine.bench.backlog import Loading
from engine.bench.workload import Event, Record, record
from engine.core.instants import HOUR, Instant, Span, format_instant
from engine.settings import Settings

PROBE = "probe:1"
PROBES_EVERY = 0.2
_TICK = 0.05
_SEVERITIES, _WEIGHTS = ("P0", "P1", "P2", "P3"), (1, 9, 40, 50)
_CUSTOMERS, _AGENTS = 200, 50


def openings(escalations: int, now: Instant) -> Iterator[Record]:
    """All escalations, and the one that promises are made in."""
    chance = random.Random(4)  # noqa: S311  (a workload, no secret)
    for number in range(escalations):
        data: dict[str, object] = {
            "title": f"Trouble {number}",
            "severity": chance.choices(_SEVERITIES, _WEIGHTS)[0],
            "customer": {"id": f"c{number % _CUSTOMERS}", "name": f"Customer {number % _CUSTOMERS}"},
            "owner": f"agent-{number % _AGENTS}",
            "team": "support",
        }
        yield record(Event(now, f"steady:{number:06}", 0, "opened", data))
    yield record(Event(now, PROBE, 0, "opened", {"title": "Probe", "severity": "P3"}))


class Flow:
    """Customer updates at a rate, each of any of the escalations: an interval kept, an outcome. And promises
    of which it is known when each was made, for who wants to see how soon it is on a page."""

    def __init__(self, settings: Settings, escalations: int, rate: int) -> None:
        self._settings, self._escalations, self._rate = settings, escalations, rate
        self._numbers = count(1)
        self._chance = random.Random(5)  # noqa: S311  (a workload, no secret)
        self.sent = 0
        self.made: dict[int, float] = {}
        """Due time of a promise in milliseconds since 1970 -> when it was made, in seconds since then."""

    async def run(self) -> None:
        """Until cancelled. Who falls behind catches up: it is the rate that is kept."""
        topic = self._settings.tickets_topic
        producer = AIOKafkaProducer(**self._settings.client_options(), acks="all", enable_idempotence=True)
        await producer.start()
        began, probed = time.monotonic(), 0.0
        try:
            loading = Loading(producer, topic, len(await producer.partitions_for(topic)))
            while True:
                moment = time.monotonic()
                owed = int((moment - began) * self._rate) - self.sent
                records = [self._update() for _ in range(owed)]
                if moment - probed >= PROBES_EVERY:
                    probed = moment
                    records.append(self._promise())
                await loading.send(records)
                self.sent += owed
                await asyncio.sleep(_TICK)
        finally:
            await producer.stop()

    def _update(self) -> Record:
        subject = f"steady:{self._chance.randrange(self._escalations):06}"
        data: dict[str, object] = {"audience": "customer"}
        return record(Event(_now(), subject, next(self._numbers), "update_published", data))

    def _promise(self) -> Record:
        now, number = _now(), next(self._numbers)
        due = Instant((now + Span(HOUR)) // 1000 * 1000)
        self.made[due // 1000] = now / 1e6
        data: dict[str, object] = {
            "commitment_id": f"c{number}", "text": "a fix", "due_at": format_instant(due),
        }  # fmt: skip
        return record(Event(now, PROBE, number, "commitment_made", data))


def _now() -> Instant:
    return Instant(time.time_ns() // 1000)
