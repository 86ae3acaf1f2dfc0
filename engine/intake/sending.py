"""Puts what came on its topics, and says so only when every replica in sync has it."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from engine.contract.codec import Record
from engine.core.instants import MILLISECOND, Instant

DLQ = "dlq"
"""The family of what could not be mapped."""
LARGEST_REQUEST = 1_000_000
REQUEST_MS = 15_000
"""A broker that hangs is given up after this, and its partitions looked for at others."""
ASK_SECONDS, ANSWER_SECONDS = 4.0, 2.0
"""Between two questions whether Kafka is there, and for the answer: probes wait three."""
STOP_SECONDS = 5.0

log = structlog.stdlib.get_logger("vigil.intake")


class NotSent(Exception):
    """Kafka did not acknowledge in time. The source sends again: equal ids change nothing the second time."""


class Sender:
    """A producer that waits for all replicas in sync. `topics`: by family (ticket, incident, dlq).

    Not an idempotent one: that refuses a partition for good once it has given up a record there, as it does
    where the partition has no leader for a while. What is written twice has equal ids, and changes nothing.
    """

    def __init__(self, options: Mapping[str, Any], topics: Mapping[str, str], timeout: float) -> None:
        """`timeout` in seconds: sources give up and send again after five."""
        self._options, self._topics, self._timeout = options, topics, timeout
        self._producer: AIOKafkaProducer | None = None
        self._asked, self._answers = -ASK_SECONDS, False

    async def start(self) -> None:
        """KafkaError where no broker answers, or a topic is not there."""
        producer = AIOKafkaProducer(
            acks="all",
            linger_ms=5,
            max_request_size=LARGEST_REQUEST,
            **{"request_timeout_ms": REQUEST_MS, **self._options},
        )
        try:
            await producer.start()
            for topic in self._topics.values():
                await asyncio.wait_for(producer.partitions_for(topic), 15)
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """What is under way is sent first, where Kafka takes it: everybody has had an answer by now, and what
        nobody acknowledged is sent again by its source."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.stop(), STOP_SECONDS)
        except TimeoutError:
            log.warning("stopped_without_kafka", seconds=STOP_SECONDS)

    async def is_there(self) -> bool:
        """Whether a broker answers. It is asked every few seconds at most, however often this is."""
        if self._producer is None:
            return False
        if time.monotonic() - self._asked >= ASK_SECONDS:
            self._asked = time.monotonic()
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._producer.client.fetch_all_metadata()
                self._answers = True
            except (KafkaError, TimeoutError):
                self._answers = False
        return self._answers

    async def send(self, records: list[tuple[str, Record]], at: Instant | None = None) -> None:
        """All of them, in order, acknowledged; recorded `at`, else now. NotSent where that is not known."""
        stamp = None if at is None else at // MILLISECOND
        if self._producer is None:
            raise NotSent("not connected to Kafka")
        try:
            async with asyncio.timeout(self._timeout):
                waiting = [
                    await self._producer.send(
                        self._topics[family],
                        key=record.key,
                        value=record.value,
                        headers=record.headers,
                        timestamp_ms=stamp,
                    )
                    for family, record in records
                ]
                await asyncio.gather(*waiting)
        except (KafkaError, TimeoutError) as error:
            raise NotSent(repr(error)) from error
