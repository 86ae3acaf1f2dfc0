"""Exactly once: one transaction holds outcomes, relays, dead letters, state and offsets of a partition."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import CoordinationType
from aiokafka.errors import InvalidTransactionTimeout, KafkaError, NodeNotReadyError
from aiokafka.producer import sender as aiokafka_sender
from aiokafka.structs import OffsetAndMetadata

from engine.contract.records import Record
from engine.settings import Settings
from engine.stream.delivery import (
    Decision,
    OnSettled,
    Settled,
    ask_for_topics,
    batches,
    by_partition,
    note,
    producer_options,
    send_batches,
)
from engine.stream.ending import REFUSED, end, in_doubt

SECONDS_BETWEEN_TRANSACTIONS = 0.003
"""aiokafka waits 20 ms when the broker is still finishing the last transaction; it is done in 2 or 3."""
IDLE_SECONDS = 6 * 3600.0
"""After which an idle lane commits its offsets anew: who writes nothing for `transactional.id.expiration.ms`,
seven days unless a broker is set otherwise, is forgotten, and its next transaction refused."""
OPEN_SECONDS = 30.0
CLOSE_SECONDS = 5.0
NOT_TAKEN = (
    "the brokers did not take it in that time: are there as many as min.insync.replicas asks for? Or this"
    " machine stood still for as long. Nothing is lost; the next worker goes on when they are there"
)


def keep_looking(producer: AIOKafkaProducer) -> None:
    """Make the producer look for its coordinators until a broker answers.

    aiokafka's sender looks again where a node is not ready, but takes a connection that breaks while it looks
    for the end, and with it the producer: whether a broker's restart was ridden out depended on the request
    that was under way. Here each error that the client calls retriable reads as a node that is not ready.
    """
    lookup = producer.client.coordinator_lookup

    async def patient(kind: CoordinationType, key: str) -> int:
        try:
            return await lookup(kind, key)  # type: ignore[no-any-return]
        except KafkaError as error:
            if error.retriable:
                raise NodeNotReadyError(repr(error)) from error
            raise

    producer.client.coordinator_lookup = patient


class Lane:
    """One partition number: its transactional producer, and the decisions that wait for the next transaction.

    Sources and commands share it; what queued up during a transaction goes into the next together.
    """

    def __init__(
        self,
        partition: int,
        settings: Settings,
        on_settled: OnSettled,
        last_of: Callable[[int], int],
        partitions: int,
    ) -> None:
        self.partition = partition
        self._partitions = partitions
        self._settings = settings
        self._on_settled = on_settled
        self._last_of = last_of
        self._waiting: deque[Decision] = deque()
        self._producer: AIOKafkaProducer | None = None
        self._running: asyncio.Task[None] | None = None
        self._used = time.monotonic()

    def is_idle(self) -> bool:
        """Whether the broker has not heard of it for `IDLE_SECONDS`."""
        is_at_work = self._running is not None and not self._running.done()
        return not is_at_work and time.monotonic() - self._used > IDLE_SECONDS

    async def open(self) -> None:
        """Bar every earlier owner, and abort what it left open; both are done when this returns."""
        await self.close()
        self._producer = AIOKafkaProducer(
            **producer_options(self._settings),
            transactional_id=f"{self._settings.app_id}-{self.partition}",
            transaction_timeout_ms=int(self._settings.transaction_timeout * 1000),
        )
        keep_looking(self._producer)
        try:
            await asyncio.wait_for(self._producer.start(), OPEN_SECONDS)
        except InvalidTransactionTimeout:
            hint = "choose one up to the broker's transaction.max.timeout.ms"
            end(REFUSED, "transaction_timeout_refused", seconds=self._settings.transaction_timeout, hint=hint)
        except TimeoutError as error:
            # What its last owner left open cannot be ended where a partition that is in it has no leader.
            in_doubt(
                "taking_partitions", error, partition=self.partition, seconds=OPEN_SECONDS, hint=NOT_TAKEN
            )
        await asyncio.wait_for(ask_for_topics(self._producer, self._settings), OPEN_SECONDS)
        self._used = time.monotonic()

    async def close(self) -> None:
        """Only when nothing waits."""
        if self._waiting:
            raise RuntimeError(f"partition {self.partition}: closing a lane with decisions in it")
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)

    def put(self, decision: Decision) -> None:
        self._waiting.append(decision)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())

    async def drain(self) -> None:
        while self._running is not None and not self._running.done():
            await asyncio.shield(self._running)

    async def _run(self) -> None:
        try:
            while self._waiting:
                # The broker gives up what is open for longer, and the client retries some errors for ever.
                await asyncio.wait_for(self._commit(self._next_group()), self._settings.transaction_timeout)
        except asyncio.CancelledError:
            raise
        except TimeoutError as error:
            seconds = self._settings.transaction_timeout
            in_doubt("transaction", error, partition=self.partition, seconds=seconds, hint=NOT_TAKEN)
        except BaseException as error:
            # After an abort aiokafka's sequence numbers are wrong, and a fenced producer never recovers.
            in_doubt("transaction", error, partition=self.partition)

    def _next_group(self) -> list[Decision]:
        group = [self._waiting.popleft()]
        records = len(group[0].chunk.records)
        while self._waiting and records + len(self._waiting[0].chunk.records) <= self._settings.group_records:
            group.append(self._waiting.popleft())
            records += len(group[-1].chunk.records)
        return group

    async def _commit(self, group: list[Decision]) -> None:
        producer = self._producer
        if producer is None:
            raise RuntimeError(f"partition {self.partition}: a decision for a lane that is closed")
        settings, limit = self._settings, self._settings.max_record_bytes
        state: dict[bytes, bytes | None] = {}
        ends: dict[TopicPartition, int] = {}
        for decision in group:
            state.update(decision.state)  # one changelog record a key and transaction: the last
            ends[TopicPartition(decision.chunk.topic, self.partition)] = decision.chunk.end
        mine = self.partition
        relays = [record for decision in group for record in decision.relays]
        placed = await by_partition(producer, settings.commands_topic, relays)
        outgoing: list[tuple[str, int, Iterable[Record]]] = [
            (settings.outcomes_topic, mine, (record for decision in group for record in decision.outcomes)),
            (settings.dlq_topic, mine, (record for decision in group for record in decision.dead_letters)),
            *((settings.commands_topic, number, records) for number, records in placed.items()),
            (settings.changelog_topic, mine, (Record(key, value) for key, value in state.items())),
        ]
        # Everything is encoded before the transaction begins: nothing that fails here leaves one open.
        ready = [(topic, number, batches(producer, records, limit)) for topic, number, records in outgoing]
        began = time.monotonic()
        await producer.begin_transaction()
        written = await asyncio.gather(
            *(_timed(send_batches(producer, topic, number, made)) for topic, number, made in ready if made)
        )
        known = self._last_of(mine)
        marker = state_seconds = None
        if state:  # it is the last of what was written, and the commit marker follows it
            (first, last), state_seconds = written[-1]
            if first <= known:
                in_doubt("changelog_made_anew", partition=mine, expected=known + 1, got=first)
            known, marker = last, last + 1
        said = note(known, self._partitions)
        offsets = {place: OffsetAndMetadata(end, said) for place, end in ends.items()}
        # Behind the batches: beside them the broker answers NotEnoughReplicas.
        await producer.send_offsets_to_transaction(offsets, settings.app_id)
        await producer.commit_transaction()
        self._used = time.monotonic()
        self._on_settled(Settled(self.partition, group, marker, time.monotonic() - began, state_seconds))


async def _timed(sending: Awaitable[tuple[int, int]]) -> tuple[tuple[int, int], float]:
    """What it returns, and the seconds until then."""
    began = time.monotonic()
    return await sending, time.monotonic() - began


class Transactions:
    """The default. The broker fences a worker that was replaced, whatever that one still believes."""

    commits_offsets = True

    def __init__(
        self,
        settings: Settings,
        on_settled: OnSettled,
        last_of: Callable[[int], int] = lambda _: -1,
        partitions: int = 0,
    ) -> None:
        """`last_of`: the last offset of a partition's changelog that is known; -1: none. `partitions`: how
        many there are, of all workers."""
        self._settings = settings
        self._on_settled = on_settled
        self._last_of = last_of
        self._partitions = partitions
        self._lanes: dict[int, Lane] = {}
        aiokafka_sender.BACKOFF_OVERRIDE = SECONDS_BETWEEN_TRANSACTIONS

    async def own(self, partitions: set[int]) -> None:
        """Whoever initialised last is right: partitions that were kept are initialised again too."""
        for lost in [number for number in self._lanes if number not in partitions]:
            await self._lanes.pop(lost).close()
        for number in partitions:
            if number not in self._lanes:
                self._lanes[number] = Lane(
                    number, self._settings, self._on_settled, self._last_of, self._partitions
                )
        await asyncio.gather(*(self._lanes[number].open() for number in partitions))

    def idle(self) -> list[int]:
        """Partitions for which a decision is wanted, be it empty: else the broker forgets their producers.

        Not a new initialisation: by that a worker that was replaced would bar its successor.
        """
        return [number for number, lane in self._lanes.items() if lane.is_idle()]

    def put(self, decision: Decision) -> None:
        self._lanes[decision.chunk.partition].put(decision)

    async def drain(self) -> None:
        await asyncio.gather(*(lane.drain() for lane in self._lanes.values()))

    async def close(self) -> None:
        await asyncio.gather(*(lane.close() for lane in self._lanes.values()))
        self._lanes.clear()
