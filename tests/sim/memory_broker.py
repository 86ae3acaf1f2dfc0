"""A broker in memory: logs with transactions, fencing, a view of what is committed, and a group's offsets.

What it keeps of Kafka is what the engine stands on. A transaction's commit is decided at once and its markers
follow later; until then its records and offsets are not to be seen, and the next transaction of the same id
waits. Initialising an id aborts what its earlier owner left open and refuses that owner from then on. A
commit of offsets from a generation that is over is refused.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextvars import Context
from random import Random
from typing import Any

from aiokafka.errors import IllegalGenerationError, KafkaError, ProducerFenced
from faust.types import TP
from msgspec import Struct
from virtual_time import Process, VirtualLoop

from engine.contract.records import Record
from engine.stream.chunks import Fetched, PositionedRecords

Answer = Callable[[], Any]
"""What the broker does with a request, when it arrives; what it gives is the answer."""

OPEN, COMMITTING, COMMITTED, ABORTED = "open", "committing", "committed", "aborted"
INSTANT = 1e-6
"""Between two requests of one connection: the loop runs what is due at one time in no order."""
FETCH_WAIT = 5.0


class Later(Exception):
    """Not now: the request is to arrive again in a moment."""


class Transaction:
    def __init__(self) -> None:
        self.state = OPEN
        self.logs: dict[TP, None] = {}
        self.offsets: dict[TP, int] = {}


class Owner(Struct):
    """Of a transactional id."""

    epoch: int = -1
    transaction: Transaction | None = None


class Entry(Struct, gc=False):
    record: Fetched | None
    """None: the marker of a transaction's end."""
    transaction: Transaction | None


class Log:
    """One partition of a topic. Offsets are places in `entries`."""

    def __init__(self, tp: TP) -> None:
        self.tp = tp
        self.entries: list[Entry] = []
        self.open: dict[int, int] = {}
        """id of a transaction that is not over -> the offset of its first record here."""

    @property
    def end(self) -> int:
        return len(self.entries)

    @property
    def stable_end(self) -> int:
        return min(self.open.values(), default=len(self.entries))

    def append(self, records: list[Record], timestamps: list[int], transaction: Transaction | None) -> int:
        first = len(self.entries)
        if transaction is not None and self.tp not in transaction.logs:
            transaction.logs[self.tp] = None
            self.open[id(transaction)] = first
        for record, timestamp in zip(records, timestamps, strict=True):
            offset = len(self.entries)
            topic, partition = self.tp
            fetched = Fetched(
                topic, partition, offset, timestamp, 0, record.key, record.value, None, 0, 0,
                tuple(record.headers),
            )  # fmt: skip
            self.entries.append(Entry(fetched, transaction))
        return first

    def close(self, transaction: Transaction) -> None:
        """Write the transaction's marker."""
        del self.open[id(transaction)]
        self.entries.append(Entry(None, transaction))

    def read(self, position: int, limit: int) -> PositionedRecords:
        """What is committed from a position on. The position moves past markers and aborted records."""
        found = PositionedRecords()
        found.start = position
        end = self.stable_end
        while position < end and len(found) < limit:
            entry = self.entries[position]
            position += 1
            if entry.record is not None and _is_committed(entry):
                found.append(entry.record)
        while position < end and (entry := self.entries[position]).record is None:
            position += 1
        found.end = position
        return found

    def first_since(self, timestamp: int) -> tuple[int, int] | None:
        """Offset and timestamp of the first record of that timestamp or a later one."""
        there = (e.record for e in self.entries[: self.stable_end] if e.record is not None)
        return next(((one.offset, one.timestamp) for one in there if one.timestamp >= timestamp), None)

    def committed(self) -> list[Fetched]:
        """All that a reader of committed data ever sees."""
        return [e.record for e in self.entries if e.record is not None and _is_committed(e)]


def _is_committed(entry: Entry) -> bool:
    return entry.transaction is None or entry.transaction.state == COMMITTED


class Line:
    """A client's connection: what it sends arrives in the order in which it was sent."""

    def __init__(self, process: Process | None) -> None:
        self.process = process
        self.last_arrival = 0.0


class Broker:
    """All topics, the transactional ids and the one consumer group."""

    def __init__(self, loop: VirtualLoop, rng: Random) -> None:
        self._loop = loop
        self._rng = rng
        self.context = Context()
        self._waiters: list[asyncio.Future[None]] = []
        self.logs: dict[TP, Log] = {}
        self.offsets: dict[TP, int] = {}
        self.generation = 0
        self.partitions = 1
        """Of every topic."""
        self.owners: defaultdict[str, Owner] = defaultdict(Owner)
        self.disturb: Callable[[Line, str], str] = lambda line, what: ""
        """Asked when a request that writes arrives: '', 'before', 'after' (kill the sender so), or 'unknown':
        the sender is told of a failure, whatever came of it."""

        self.heard: Callable[[TP, list[Record]], None] = lambda tp, records: None
        """Told of all that is appended, committed or not."""

    def log(self, tp: TP) -> Log:
        found = self.logs.get(tp)
        if found is None:
            found = self.logs[tp] = Log(tp)
        return found

    # -- requests -----------------------------------------------------------------------------

    async def request(self, line: Line, what: str, act: Answer, *, writes: bool = True) -> Any:
        """Send, and wait for the answer. A request under way arrives whatever becomes of its sender."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        line.last_arrival = arrival = max(line.last_arrival + INSTANT, self._loop.now + self.delay())
        self._loop.call_at(arrival, self._arrive, line, what, act, answer, writes, context=self.context)
        return await answer

    def delay(self) -> float:
        """Mostly a few milliseconds; now and then a good part of a second."""
        rng = self._rng
        return rng.uniform(0.05, 0.4) if rng.random() < 0.03 else rng.uniform(0.0005, 0.006)

    def _arrive(self, line: Line, what: str, act: Answer, answer: asyncio.Future[Any], writes: bool) -> None:
        fate = self.disturb(line, what) if writes else ""
        process = line.process
        if fate == "before" and process is not None:
            process.end(f"killed before {what}")
            return
        try:
            result, error = act(), None
        except Later:
            again = self._loop.now + 0.003
            line.last_arrival = max(line.last_arrival, again)
            self._loop.call_at(again, self._arrive, line, what, act, answer, False, context=self.context)
            return
        except KafkaError as refused:
            result, error = None, refused
        if fate == "after" and process is not None:
            process.end(f"killed after {what}")
            return
        if fate == "unknown" and error is None:
            error = KafkaError(f"{what}: the connection broke, and nobody knows what came of it")
        self._loop.call_at(
            self._loop.now + self.delay(), _answer, answer, result, error, context=self.context
        )

    # -- what requests do ---------------------------------------------------------------------

    def produce(
        self, tp: TP, records: list[Record], timestamps: list[int], identity: str = "", epoch: int = 0
    ) -> int:
        """Append; the offset of the first."""
        transaction = self._transaction(identity, epoch) if identity else None
        first = self.log(tp).append(records, timestamps, transaction)
        self.heard(tp, records)
        self._wake()
        return first

    def initialise(self, identity: str) -> int:
        owner = self.owners[identity]
        transaction = owner.transaction
        if transaction is not None and transaction.state == COMMITTING:
            raise Later
        if transaction is not None:
            self._finish(owner, ABORTED)
        owner.epoch += 1
        return owner.epoch

    def send_offsets(self, identity: str, epoch: int, offsets: dict[TP, int]) -> None:
        self._transaction(identity, epoch).offsets |= offsets

    def commit_transaction(self, identity: str, epoch: int) -> None:
        self._transaction(identity, epoch).state = COMMITTING
        owner = self.owners[identity]
        self._loop.call_later(self.delay(), self._finish, owner, COMMITTED, context=self.context)

    def commit_offsets(self, generation: int, offsets: dict[TP, int]) -> None:
        if generation != self.generation:
            raise IllegalGenerationError
        self.offsets |= offsets

    def fetch(self, positions: dict[TP, int], limit: int) -> dict[TP, PositionedRecords]:
        found = {tp: self.log(tp).read(position, limit) for tp, position in positions.items()}
        return {tp: records for tp, records in found.items() if records}

    async def wait_for_data(self) -> None:
        """Return when something can be read that could not be read before, or after a while."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        self._loop.call_later(FETCH_WAIT, _answer, waiter, None, None, context=self.context)
        await waiter

    # -- inside -------------------------------------------------------------------------------

    def _transaction(self, identity: str, epoch: int) -> Transaction:
        owner = self.owners[identity]
        if epoch != owner.epoch:
            raise ProducerFenced
        if owner.transaction is None:
            owner.transaction = Transaction()
        if owner.transaction.state == COMMITTING:
            raise Later
        return owner.transaction

    def _finish(self, owner: Owner, state: str) -> None:
        transaction, owner.transaction = owner.transaction, None
        assert transaction is not None
        transaction.state = state
        for tp in transaction.logs:
            self.log(tp).close(transaction)
        if state == COMMITTED:
            self.offsets |= transaction.offsets
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _answer(waiter, None, None)


def _answer(waiting: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if not waiting.done():
        if error is None:
            waiting.set_result(result)
        else:
            waiting.set_exception(error)
