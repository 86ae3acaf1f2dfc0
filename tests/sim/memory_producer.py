"""Stands in for `AIOKafkaProducer`: what the engine uses of it, over the broker in memory."""

import asyncio
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, NodeNotReadyError
from aiokafka.structs import OffsetAndMetadata
from faust.types import TP
from memory_broker import Broker, Line
from virtual_time import PROCESS

from engine.contract.records import Headers, Record
from engine.stream.delivery import size_of


class Added(NamedTuple):
    size: int


class Batch:
    """A batch builder. Sizes are the engine's own upper bound of them."""

    def __init__(self, limit: int) -> None:
        self.records: list[Record] = []
        self.timestamps: list[int] = []
        self._room = limit

    def append(
        self, *, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> Added | None:
        record = Record(key, value, headers)
        size = size_of(record)
        if self.records and size > self._room:
            return None
        self._room -= size
        self.records.append(record)
        self.timestamps.append(timestamp)
        return Added(size)

    def record_count(self) -> int:
        return len(self.records)


class Written(NamedTuple):
    offset: int


class MemoryProducer:
    """With a transactional id all it writes is in transactions; without one it is written at once."""

    def __init__(self, broker: Broker, rng: Random, **options: Any) -> None:
        self._broker = broker
        self._rng = rng
        self._identity: str = options.get("transactional_id") or ""
        self._limit: int = options["max_batch_size"]
        self._epoch = -1
        self._line = Line(PROCESS.get())
        self._is_open = False
        self.client = SimpleNamespace(coordinator_lookup=self._lookup, set_topics=self._set_topics)

    async def start(self) -> None:
        if self._identity:
            await self._find_coordinator()
            self._epoch = await self._ask("initialise", lambda: self._broker.initialise(self._identity))

    async def stop(self) -> None:
        """Nothing of it is under way: the engine waits for every answer."""

    async def _set_topics(self, topics: list[str]) -> None:
        """Where topics lie is always known here."""

    async def partitions_for(self, topic: str) -> set[int]:
        return set(range(self._broker.partitions))

    def create_batch(self) -> Batch:
        return Batch(self._limit)

    async def begin_transaction(self) -> None:
        assert not self._is_open, "a transaction is open already"
        self._is_open = True

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> "asyncio.Future[Written]":
        if self._identity:
            assert self._is_open, "written outside of a transaction"
        if self._rng.random() < 0.01:
            raise KafkaTimeoutError  # before anything is sent: no room in the accumulator
        return asyncio.ensure_future(self._send(batch, TP(topic, partition)))

    async def send_offsets_to_transaction(
        self, offsets: dict[TopicPartition, OffsetAndMetadata], group: str
    ) -> None:
        assert self._is_open, "offsets outside of a transaction"
        places = {TP(place.topic, place.partition): at.offset for place, at in offsets.items()}
        send = lambda: self._broker.send_offsets(self._identity, self._epoch, places)  # noqa: E731
        await self._ask(f"offsets {_shown(places)}", send)

    async def commit_transaction(self) -> None:
        self._is_open = False
        await self._ask("commit", lambda: self._broker.commit_transaction(self._identity, self._epoch))

    # -- inside -------------------------------------------------------------------------------

    async def _send(self, batch: Batch, tp: TP) -> Written:
        def act() -> int:
            return self._broker.produce(tp, batch.records, batch.timestamps, self._identity, self._epoch)

        what = f"{len(batch.records)} records to {tp.topic}-{tp.partition}"
        return Written(await self._ask(what, act))

    async def _ask(self, what: str, act: Any) -> Any:
        return await self._broker.request(self._line, f"{self._identity} {what}".strip(), act)

    async def _find_coordinator(self) -> None:
        """As aiokafka's sender does: it looks again where a node is not ready, and nowhere else."""
        while True:
            try:
                await self.client.coordinator_lookup(CoordinationType.TRANSACTION, self._identity)
            except NodeNotReadyError:
                continue
            return

    async def _lookup(self, kind: CoordinationType, key: str) -> int:
        await self._broker.request(self._line, "lookup", lambda: None, writes=False)
        if self._rng.random() < 0.05:
            raise KafkaConnectionError
        return 0


def _shown(offsets: dict[TP, int]) -> str:
    return ", ".join(f"{tp.topic}-{tp.partition}@{offset}" for tp, offset in offsets.items())
