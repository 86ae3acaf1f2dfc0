"""Puts records on a topic as fast as a client can, each where its key belongs."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from engine.bench.workload import Record
from engine.contract.placing import partition_of
from engine.settings import Settings

_BATCH_BYTES = 512 * 1024
_IN_FLIGHT = 32


async def preload(settings: Settings, topic: str, records: Iterable[Record]) -> list[int]:
    """Send and wait for every acknowledgement. How many records each partition got."""
    producer = AIOKafkaProducer(
        **settings.client_options(), acks="all", enable_idempotence=True, max_batch_size=_BATCH_BYTES
    )
    await producer.start()
    try:
        partitions = len(await producer.partitions_for(topic))
        return await Loading(producer, topic, partitions).send(records)
    finally:
        await producer.stop()


class Loading:
    """Sends records in batches that it makes itself, which costs less than to send them one by one."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
        self._producer, self._topic = producer, topic
        self._open: list[Any] = [producer.create_batch() for _ in range(partitions)]
        self._counts = [0] * partitions
        self._sent: list[asyncio.Future[object]] = []

    async def send(self, records: Iterable[Record]) -> list[int]:
        """Send and wait for every acknowledgement. How many records each partition got so far."""
        for key, value, headers in records:
            at = partition_of(key, len(self._open))
            now = time.time_ns() // 1_000_000
            while self._open[at].append(timestamp=now, key=key, value=value, headers=headers) is None:
                await self._send_batch(at)
            self._counts[at] += 1
        for at in range(len(self._open)):
            await self._send_batch(at)
        sent, self._sent = self._sent, []
        await asyncio.gather(*sent)
        return self._counts

    async def _send_batch(self, at: int) -> None:
        batch, self._open[at] = self._open[at], self._producer.create_batch()
        if batch.record_count():
            self._sent.append(await self._producer.send_batch(batch, self._topic, partition=at))
        if len(self._sent) >= _IN_FLIGHT:
            await asyncio.gather(*self._sent)
            self._sent.clear()
