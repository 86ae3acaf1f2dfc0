"""A producer without transactions: ticks, and everything under acknowledged delivery."""

from collections.abc import Iterable

from aiokafka import AIOKafkaProducer

from engine.contract.records import Record
from engine.settings import Settings
from engine.stream.delivery import (
    ask_for_topics,
    batches,
    by_partition,
    producer_options,
    send_batches,
    whole_batches,
)


class Sender:
    """Sends records as batches and waits for every acknowledgement."""

    def __init__(self, settings: Settings, *, idempotent: bool = True) -> None:
        """`idempotent`: nothing is written twice, where the brokers see to that. What has waited for a leader
        for too long is given up, and with it the producer: its next write there is refused."""
        self._settings = settings
        self._idempotent = idempotent and settings.idempotent_producer
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect; nothing when connected."""
        if self._producer is None:
            producer = AIOKafkaProducer(
                **producer_options(self._settings), enable_idempotence=self._idempotent
            )
            await producer.start()
            await ask_for_topics(producer, self._settings)
            self._producer = producer

    async def stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def send(
        self, topic: str, partition: int, records: Iterable[Record], *, whole: bool = False
    ) -> tuple[int, int] | None:
        """The offsets of the first and the last record; None where there was none. `whole`: state records,
        all of an escalation at once, if a batch can hold them."""
        if self._producer is None:
            raise RuntimeError("the sender has not been started")
        into = whole_batches if whole else batches
        made = into(self._producer, records, self._settings.max_record_bytes)
        return await send_batches(self._producer, topic, partition, made) if made else None

    async def send_by_key(self, topic: str, records: Iterable[Record]) -> None:
        """Each record to the partition of its key."""
        if self._producer is None:
            raise RuntimeError("the sender has not been started")
        for number, placed in (await by_partition(self._producer, topic, records)).items():
            await self.send(topic, number, placed)
