"""Records travel in chunks: one Faust message for all records that a fetch gave for a partition.

Faust spends 0.3 ms on each message, whatever its size, and acknowledges messages that it merely skipped.
So a chunk carries the fetch positions before and after it, and only what the shell marked done counts.
"""

import asyncio
import time
from typing import Any, ClassVar, Protocol, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.consumer import fetcher as aiokafka_fetcher
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from msgspec import Struct

from engine.stream.ending import in_doubt

FETCH_WAIT_SECONDS = 0.1
"""Faust asks for 1 s, and for that long a partition that has just been resumed waits for its first fetch."""
FETCH_WAIT_MS = 200
"""Faust sets 1,500: what is resumed waits for the fetch that is under way at the broker."""
ANSWER_MS = 15_000
"""A broker that hangs, or whose machine lost its power, is asked no longer: others lead its partitions by
then."""


class Fetched(Struct, gc=False):
    """A fetched record, with the names and the order of aiokafka's own, whose making takes 2 µs."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    checksum: int | None
    serialized_key_size: int
    serialized_value_size: int
    headers: tuple[tuple[str, bytes], ...]


class PositionedRecords(list[Fetched]):
    """Records of one fetch of one partition, with the fetch position before and after them."""

    start: int = -1
    end: int = -1

    def __bool__(self) -> bool:
        """True where the position moved, be it by transaction markers or aborted records alone."""
        return len(self) > 0 or self.end > self.start


def _positions(plain: Any) -> Any:
    def getall(self: Any, max_records: int | None = None) -> list[Fetched]:
        state = self._assignment.state_value(self._topic_partition) if self._assignment.active else None
        if state is None or not state.has_valid_position:
            return plain(self, max_records)  # type: ignore[no-any-return]
        start = state.position
        records = PositionedRecords(plain(self, max_records))
        records.start, records.end = start, state.position
        return records

    getall.notes_positions = True  # type: ignore[attr-defined]
    return getall


def note_positions() -> None:
    """Make aiokafka's fetcher note positions: chunks must join exactly, whatever gaps the log has."""
    aiokafka_fetcher.ConsumerRecord = Fetched
    result = aiokafka_fetcher.FetchResult
    if not getattr(result.getall, "notes_positions", False):
        result.getall = _positions(result.getall)


def give_up_who_hangs(client: AIOKafkaClient) -> None:
    """Make a consumer's client wait `ANSWER_MS` for an answer, but for those of the group's coordinator.

    aiokafka has one bound for all. Who joins a group is answered when the others have joined too, which takes
    them longer than any fetch.
    """
    of_the_group = client._request_timeout_ms / 1000
    client._request_timeout_ms = min(client._request_timeout_ms, ANSWER_MS)
    connect = client._get_conn

    async def connected(node_id: int, *, group: int = ConnectionGroup.DEFAULT, **how: Any) -> Any:
        connection = await connect(node_id, group=group, **how)
        if connection is not None and group == ConnectionGroup.COORDINATION:
            connection._request_timeout = of_the_group
        return connection

    client._get_conn = connected


class Chunk:
    """What one fetch gave for one partition. Looks to Faust like a record whose value is itself."""

    __slots__ = ("done", "end", "fetched", "generation", "offset", "partition", "records", "start", "topic")

    timestamp: ClassVar[int] = 0
    timestamp_type: ClassVar[int] = 0
    headers: ClassVar[tuple[()]] = ()
    key: ClassVar[None] = None
    checksum: ClassVar[None] = None
    serialized_key_size: ClassVar[int] = 0
    serialized_value_size: ClassVar[int] = 0

    def __init__(self, tp: TP, records: PositionedRecords, generation: int) -> None:
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        self.records: list[Fetched] = records
        self.start = records.start
        self.end = records.end
        self.offset = records.end - 1
        """Of the position, not of the last record: recovery ends where it meets the highwater."""
        self.generation = generation
        self.fetched = time.monotonic()
        self.done = False
        """Durable, or nothing to do: only then may it be acknowledged."""

    @property
    def value(self) -> "Chunk":
        return self

    @property
    def tp(self) -> TP:
        return TP(self.topic, self.partition)

    def drop_before(self, offset: int) -> None:
        """Forget the records below an offset."""
        self.records = [record for record in self.records if record.offset >= offset]
        self.start = max(self.start, offset)


class Host(Protocol):
    """What the transport asks of the shell."""

    commits_offsets: bool
    """True: the durable stage commits source offsets itself, Faust none."""

    def takes_chunks(self, topic: str) -> bool: ...

    def note_of(self, partition: int) -> str:
        """The metadata of an offset of that partition that Faust commits."""

    async def surrender(self) -> None:
        """Stop accepting chunks; return when everything accepted is durable and acknowledged."""


class ChunkConsumer(driver.Consumer):
    """Faust's consumer, giving chunks, and acknowledging only what the shell marked done."""

    @property
    def host(self) -> Host:
        return self.app.shell  # type: ignore[attr-defined, no-any-return]

    def _takes_chunks(self, topic: str) -> bool:
        return self.host.takes_chunks(topic) or topic in self.app.tables.changelog_topics

    def _new_consumer_thread(self) -> driver.AIOKafkaConsumerThread:
        return ChunkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109
        # Read before the fetch: what an old assignment fetched must not pass for the new one's.
        generation = self.app.consumer_generation_id
        fetched = await super()._getmany(active_partitions, min(timeout, FETCH_WAIT_SECONDS))
        messages: dict[TP, list[Any]] = {}
        for tp, records in fetched.items():
            if not self._takes_chunks(tp.topic):
                messages[tp] = records
            elif records and isinstance(records, PositionedRecords):
                messages[tp] = [Chunk(tp, records, generation)]
            # Records without positions are left out: the next chunk shows the hole, and it is read again.
        return messages

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109
        if self.flow_active and not self._get_active_partitions():
            await asyncio.sleep(0.05)  # Faust sleeps 1 s here after each recovery
            return {}, set()
        return await super()._wait_next_records(timeout)

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if not self._takes_chunks(
            tp.topic
        ):  # a chunk's offsets are positions: between two there is no gap to fill
            await super()._add_gap(tp, offset_from, offset_to)

    def ack(self, message: Message) -> bool:
        """Faust also acknowledges what it skips (old generation, stopped flow): only what is done counts."""
        if not self._takes_chunks(message.topic):
            return super().ack(message)
        chunk: Chunk = message.value  # type: ignore[assignment]
        self._unacked_messages.discard(message)
        message.acked = True
        if not chunk.done or chunk.generation != self.app.consumer_generation_id:
            return False
        if self.host.commits_offsets:
            # Keeps Faust's detector of stuck commits quiet: these offsets are committed already.
            self._thread.tp_last_committed_at[message.tp] = time.monotonic()
            return True
        self._acked[message.tp].append(chunk.end)
        self._n_acked += 1
        return True

    def _new_offset(self, tp: TP) -> int | None:
        """Chunks are acknowledged in order, and by position: the highest is what to commit."""
        if not self._takes_chunks(tp.topic):
            return super()._new_offset(tp)
        acked = self._acked.get(tp)
        if not acked:
            return None
        offset = max(acked)
        acked.clear()
        return offset

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Of a topic that was made anew, offsets below those of the old one, too."""
        return self._takes_chunks(tp.topic) or super()._should_commit(tp, offset)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Settle everything first: Faust drops acknowledgements before it commits the last time."""
        try:
            await self.host.surrender()
            if not self.host.commits_offsets and not await self.commit():
                await self.commit()  # the first may only have waited for one that was under way
        except Exception as error:
            in_doubt("drain_before_revoke", error)
        await super().on_partitions_revoked(revoked)


class ChunkConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads committed data only: the changelog is written in transactions, and so may the sources be."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        # Here in_transaction chooses the isolation level; elsewhere it would start Faust's transactions.
        before = self.consumer.in_transaction
        self.consumer.in_transaction = True
        try:
            consumer = super()._create_worker_consumer(transport)
        finally:
            self.consumer.in_transaction = before
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        give_up_who_hangs(consumer._client)
        commit, host = consumer.commit, cast(ChunkConsumer, self.consumer).host

        async def commit_with_notes(offsets: dict[TP, OffsetAndMetadata]) -> None:
            noted = {tp: at._replace(metadata=host.note_of(tp.partition)) for tp, at in offsets.items()}
            await commit(noted)

        consumer.commit = commit_with_notes  # Faust commits without metadata
        return consumer


class ChunkTransport(driver.Transport):
    Consumer: ClassVar[Any] = ChunkConsumer
