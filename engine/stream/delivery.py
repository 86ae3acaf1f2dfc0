"""How decisions become durable: what both ways of delivery share, and the batches that they send."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import InvalidTimestampError, KafkaTimeoutError
from aiokafka.partitioner import DefaultPartitioner

from engine.contract.records import Record
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.settings import Settings
from engine.stream.chunks import ANSWER_MS, Chunk
from engine.stream.ending import REFUSED, end

RECORD_OVERHEAD = 80
"""Bytes of a record beside key, value and headers, at most; the batch's own header is in it."""
HEADER_OVERHEAD = 10
BESIDE_THE_VALUE = 4_096
"""Bytes of key, headers and overhead of an outcome or a state record, at most: a subject has 512."""
_NOTE = re.compile(r"changelog (\d+)(?: of (\d+))?", re.ASCII)
SET_THE_CLOCK = (
    "set this machine's clock, or the broker's: that takes no record whose time is more than the topic's"
    " message.timestamp.after.max.ms (an hour, unless set) ahead of its own"
)


_default_partition = DefaultPartitioner()


def size_of(record: Record) -> int:
    """Bytes in a batch, at most."""
    size = RECORD_OVERHEAD + len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += HEADER_OVERHEAD + len(name) + len(value or b"")
    return size


class Decision:
    """What one chunk led to: in force in memory already, and soon on the broker."""

    def __init__(self, chunk: Chunk) -> None:
        self.chunk = chunk
        self.outcomes: list[Record] = []
        self.relays: list[Record] = []
        """Commands to other escalations, whose partition their key says."""
        self.dead_letters: list[Record] = []
        self.dead_at: list[tuple[int, Record]] = []
        """The same while deciding, each with the offset of its record."""
        self.state: list[tuple[bytes, bytes | None]] = []
        self.said: list[Outcome] = []
        self.verbs: Counter[str] = Counter()
        """Facts that became part of the state, by verb."""
        self.newest: Fact | None = None
        """The last fact taken."""
        self.watermark: Instant | None = None
        """Up to where the events are taken to be complete, where they tell the time."""
        self.ticks = 0
        self.ignored: Counter[str] = Counter()
        """Records that changed nothing and are no error, by reason."""
        self.noted: Counter[str] = Counter()
        """What the core counted: facts derived again, unclassified ones and the like."""
        self.dead: Counter[str] = Counter()
        """Dead letters by reason."""
        self.seconds = 0.0
        self.acknowledge: Callable[[], object] = bool


class Settled(NamedTuple):
    """Decisions of one partition that became durable together."""

    partition: int
    decisions: list[Decision]
    last_state_offset: int | None
    """Where the changelog stands now, markers included; None where no state was written."""
    seconds: float
    state_seconds: float | None = None
    """From the first send of the state to the acknowledgement of its last record; None as above."""


class DurableStage(Protocol):
    """Makes decisions durable, those of one partition in the order given. Any failure ends the process."""

    commits_offsets: bool
    """True: source offsets are committed with the decision. False: Faust commits what is acknowledged."""

    async def own(self, partitions: set[int]) -> None:
        """These partitions are ours now, and no others. Called at each assignment, before recovery."""

    def put(self, decision: Decision) -> None:
        """Make it durable; `on_settled` is called when it is."""

    async def drain(self) -> None:
        """Return when everything put is durable."""

    async def close(self) -> None: ...


OnSettled = Callable[[Settled], None]


class Noted(NamedTuple):
    """What a `note` tells."""

    last: int = -1
    """The last offset of the changelog that was there; -1: none."""
    partitions: int = 0
    """How many the changelog had; 0: not told."""


def note(last: int, partitions: int) -> str:
    """The metadata of an offset that is committed: up to where its partition's changelog had state by then,
    and how many partitions there were.

    "" for -1, where there was no state. Offsets that people set with Kafka's tools have none either.
    """
    return f"changelog {last} of {partitions}" if last >= 0 else ""


def noted(metadata: str | None) -> Noted:
    found = _NOTE.fullmatch(metadata or "")
    return Noted() if found is None else Noted(int(found[1]), int(found[2] or 0))


def producer_options(settings: Settings) -> dict[str, Any]:
    """Of every producer of the worker."""
    largest = max(settings.max_dead_letter_bytes, settings.max_record_bytes)
    return {
        **settings.client_options(),
        "acks": "all",
        # Of one batch. Dead letters carry the original bytes; `batches` keeps the others mostly far smaller.
        "max_batch_size": largest,
        "max_request_size": largest,
        "request_timeout_ms": ANSWER_MS,
        "retry_backoff_ms": 10,
    }


async def ask_for_topics(producer: AIOKafkaProducer, settings: Settings) -> None:
    """Learn where all that the worker writes to lies, before there is anything to write.

    Who asks for a topic for the first time while the brokers are away gives up after one request's time; who
    knows it waits for them.
    """
    await producer.client.set_topics(
        [settings.outcomes_topic, settings.dlq_topic, settings.commands_topic, settings.changelog_topic]
    )


def batches(
    producer: AIOKafkaProducer,
    records: Iterable[Record],
    limit: int,
    need: Callable[[Record], int] = lambda record: len(record.value or b"") + BESIDE_THE_VALUE,
) -> list[Any]:
    """The records as ready-made batches of at most `limit` bytes each; a larger record gets one of its own.

    A future a batch, not a record: `AIOKafkaProducer.send` costs 30 µs each. `need`: how many bytes must be
    left in a batch for a record to be put behind others.
    """
    now_ms = time.time_ns() // 1_000_000
    made: list[Any] = []
    room = 0
    for record in records:
        key, value, headers = record.key, record.value, record.headers
        added = None
        if need(record) <= room:
            # None: there is more in a dead letter's headers than we ever write, and it does not fit.
            added = made[-1].append(timestamp=now_ms, key=key, value=value, headers=headers)
        if added is None:
            made.append(producer.create_batch())
            room = limit
            # The first record of a batch is taken whatever its size; the desk holds it to its topic's limit.
            added = made[-1].append(timestamp=now_ms, key=key, value=value, headers=headers)
        room -= added.size
    return made


def whole_batches(producer: AIOKafkaProducer, records: Iterable[Record], limit: int) -> list[Any]:
    """The same of state records where no transaction makes several batches one: all of an escalation, which
    lie side by side, are in one batch, if one can hold them. Who dies between two batches leaves none whose
    history is of now and whose main record is of before."""
    made: list[Any] = []
    together: list[Record] = []
    room = limit
    for _, group in groupby(records, key=_escalation):
        whole = list(group)
        size = sum(map(size_of, whole))
        if size > room:
            made += batches(producer, together, limit, size_of)
            together, room = [], limit
        together += whole
        room -= size
    return made + batches(producer, together, limit, size_of)


def _escalation(record: Record) -> bytes:
    return (record.key or b"").partition(b"\0")[0]


async def by_partition(
    producer: AIOKafkaProducer, topic: str, records: Iterable[Record]
) -> dict[int, list[Record]]:
    """The records by the partition where producers with Kafka's default partitioner put their keys."""
    placed: dict[int, list[Record]] = {}
    numbers: list[int] = []
    for record in records:
        numbers = numbers or sorted(await producer.partitions_for(topic))
        placed.setdefault(_default_partition(record.key, numbers, numbers), []).append(record)
    return placed


async def send_batches(
    producer: AIOKafkaProducer, topic: str, partition: int, made: Sequence[Any]
) -> tuple[int, int]:
    """Send, and wait for every acknowledgement. The offsets of the first and the last record.

    Waiting for each matters: a transaction commits in spite of a refused batch that nobody waited for. Ends
    the process (`clock_refused`) where the broker takes no record of this machine's time.
    """
    futures = [await _submit(producer, topic, partition, batch) for batch in made]
    counts = [batch.record_count() for batch in made]
    try:
        answers = [await future for future in futures]
    except InvalidTimestampError as error:
        end(REFUSED, "clock_refused", topic=topic, partition=partition, hint=SET_THE_CLOCK, cause=error)
    return answers[0].offset, answers[-1].offset + counts[-1] - 1


async def _submit(producer: AIOKafkaProducer, topic: str, partition: int, batch: Any) -> Any:
    while True:
        try:
            return await producer.send_batch(batch, topic, partition=partition)
        except KafkaTimeoutError:
            # The batch was not taken: the one before it still waits for a broker that is away.
            continue
