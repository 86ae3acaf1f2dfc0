"""One worker: the engine's own shell, desk, table, timers, duties and delivery; Faust's part is played here.

Real: `Shell`, `Desk`, `Intake`, `Chunk`, `StateTable`, `Timers`, `Duties`, `Transactions` with its lanes,
`Acknowledged`, `Sender`, `batches`, and which chunks `ChunkConsumer` acknowledges. Played: the fetching and
the group membership of Faust and aiokafka, Faust's recovery, and `AIOKafkaProducer`. Not driven at all:
`app.py`, `worker.py`, `checks.py`, and whatever lies inside the two libraries.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, partial
from random import Random
from types import SimpleNamespace
from typing import Any, Protocol

from aiokafka.errors import IllegalGenerationError, KafkaError
from faust.types import TP
from memory_broker import Broker, Line
from virtual_time import Process, VirtualLoop

from engine.core.decide import Options
from engine.core.instants import MILLISECOND, Instant
from engine.core.policy import Book
from engine.metrics import Metrics
from engine.settings import TABLE, Settings
from engine.stream.acknowledged import Acknowledged
from engine.stream.app import VigilApp, faust_app
from engine.stream.chunks import Chunk, ChunkConsumer
from engine.stream.clock import Clock
from engine.stream.delivery import DurableStage
from engine.stream.desk import Desk
from engine.stream.duties import Duties
from engine.stream.ending import in_doubt
from engine.stream.observer import Observer
from engine.stream.readiness import of_worker
from engine.stream.sender import Sender
from engine.stream.shell import Shell
from engine.stream.table import StateTable
from engine.stream.transactions import Transactions

COMMIT_INTERVAL = 1.0
FETCHED_AT_ONCE = (1, 2, 3, 50)


class Setting(Protocol):
    """What all workers of a run share."""

    loop: VirtualLoop
    broker: Broker
    rng: Random
    options: Options
    settings: Settings
    metrics: Metrics
    partitions: int
    calm: bool
    """Nothing is dropped on the way any more."""

    def book_of(self, slot: int) -> Book: ...


class Message:
    """What Faust makes of a fetched chunk."""

    def __init__(self, chunk: Chunk) -> None:
        self.value = chunk
        self.topic = chunk.topic
        self.partition = chunk.partition
        self.tp = chunk.tp
        self.acked = False


class Acknowledgements(ChunkConsumer):
    """The engine's rule of what counts as acknowledged, without the Faust consumer around it."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._unacked_messages = set()
        self._acked = defaultdict(list)
        self._n_acked = 0
        self._thread = SimpleNamespace(tp_last_committed_at={})  # type: ignore[assignment]

    def take(self) -> dict[TP, int]:
        """What is to be committed now."""
        offsets = {tp: self._new_offset(tp) for tp in list(self._acked)}
        return {tp: offset for tp, offset in offsets.items() if offset is not None}


@cache
def _app(slot: int) -> VigilApp:
    """Faust's application of a slot: it is asked for names and numbers only, and takes 1 ms to make."""
    return faust_app(Settings(app_id="sim"), 1)[0]


class SimWorker:
    """A process and everything in it. `owned`: the partition numbers that the group last gave it."""

    def __init__(self, world: Setting, slot: int, process: Process, clock: Clock) -> None:
        self.process = process
        self.owned: set[int] = set()
        self.line = Line(process)
        self._world = world
        self._positions: dict[TP, int] = {}
        self._changelog_ends: dict[int, int] = {}
        self._interrupted = False
        self._chunks: asyncio.Queue[Chunk] = asyncio.Queue(16)
        self._flow = asyncio.Event()
        self._moving: asyncio.Task[None] | None = None
        settings = world.settings
        self._app = _app(slot)
        self._app.consumer_generation_id = 0
        self.table = StateTable(
            self._app, name=TABLE, key_type=bytes, value_type=bytes, partitions=world.partitions
        )
        self._app.assignor.assigned_actives = lambda: {  # type: ignore[method-assign]
            TP(settings.changelog_topic, number) for number in self.owned
        }
        sender = Sender(settings, idempotent=False)

        def stage_of(shell: Shell) -> DurableStage:
            if settings.delivery == "acknowledged":
                return Acknowledged(settings, self.table, Sender(settings), shell.settled)
            return Transactions(settings, shell.settled, self.table.last_of, world.partitions)

        book = world.book_of(slot)
        desk = Desk(book, world.options, settings)
        self.shell = Shell(
            settings, book, desk, clock, world.metrics, Observer(world.metrics, clock),
            self.table, self, stage_of, sender,
        )  # fmt: skip
        self._app.shell = self.shell
        self._consumer = Acknowledgements(self._app)
        readiness = of_worker(
            settings.ready_lag, lambda: self.shell.accepting, lambda: bool(self.owned), self.shell.is_stuck
        )
        duties = Duties(settings, self.shell, self, clock, world.metrics, sender, readiness, book)
        duties.start()
        for task in (self._agent(), self._fetch(), self._commit_at_intervals()):
            asyncio.create_task(task)  # noqa: RUF006  # the loop holds every task

    # -- what the shell asks of the group ------------------------------------------------------

    def generation(self) -> int:
        return self._app.consumer_generation_id

    def settled_assignment(self) -> bool:
        return self._flow.is_set()

    def recovers_again(self) -> bool:
        return self._interrupted

    def changelog_ends(self) -> dict[int, int]:
        return self._changelog_ends

    async def changelog_ends_now(self) -> dict[int, int]:
        log, topic = self._world.broker.log, self._world.settings.changelog_topic
        return {number: log(TP(topic, number)).stable_end - 1 for number in self.owned}

    def source_partitions(self) -> set[TP]:
        return set(self._positions)

    async def committed_of(self, tp: TP) -> int | None:
        ask = lambda: self._world.broker.offsets.get(tp)  # noqa: E731
        committed: int | None = await self._world.broker.request(self.line, "committed", ask, writes=False)
        return committed

    async def earliest(self, tps: Iterable[TP]) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    async def latest(self, tps: Iterable[TP]) -> dict[TP, int]:
        return {tp: self._world.broker.log(tp).stable_end for tp in tps}

    def end_of(self, tp: TP) -> int | None:
        return self._world.broker.log(tp).stable_end

    def told_at(self, tp: TP) -> int | None:
        return int(self._world.loop.now * 1_000)

    async def first_since(self, tp: TP, at: Instant) -> tuple[int, int] | None:
        ask = lambda: self._world.broker.log(tp).first_since(at // MILLISECOND)  # noqa: E731
        found: tuple[int, int] | None = await self._world.broker.request(
            self.line, "times", ask, writes=False
        )
        return found

    def position_of(self, tp: TP) -> int | None:
        return self._positions.get(tp)

    async def seek(self, tp: TP, offset: int) -> None:
        self._positions[tp] = offset

    # -- a rebalance, as Faust does it ---------------------------------------------------------

    async def revoke(self) -> None:
        """Settle everything; what was fetched and not taken stays in the queue, and is of no use any more."""
        self._flow.clear()
        if self._moving is not None:
            self._moving.cancel()
        await self.shell.surrender()
        if not self.shell.commits_offsets:
            await self._commit()

    def assign(self, generation: int, owned: set[int]) -> None:
        """The group's answer. Recovery goes on by itself; the next rebalance cancels it."""
        revoked, self.owned = self.owned, owned
        self._app.consumer_generation_id = generation
        self._moving = asyncio.create_task(self._move(revoked))

    async def _move(self, revoked: set[int]) -> None:
        world, topic = self._world, self._world.settings.changelog_topic
        places = {TP(topic, number) for number in self.owned}
        await self.table.on_rebalance(
            places, {TP(topic, number) for number in revoked - self.owned}, places, self.generation()
        )
        for tp in sorted(places):
            await self._recover(tp)
        sources = [TP(name, number) for name in world.settings.input_topics for number in sorted(self.owned)]
        self._positions = {tp: await self.committed_of(tp) or 0 for tp in sources}
        races = not world.calm and world.rng.random() < 0.2
        if races:
            self._flow.set()  # Faust resumes the flow a little early now and then: those chunks are not taken
            await asyncio.sleep(world.rng.uniform(0, 0.02))
        await self.shell.recovered()
        self._flow.set()
        if races and world.rng.random() < 0.5:  # and seeks once more: those chunks come twice
            self._positions |= {tp: await self.committed_of(tp) or 0 for tp in sources}

    async def _recover(self, tp: TP) -> None:
        world = self._world
        log = world.broker.log(tp)
        ask = partial(world.broker.request, self.line, "changelog", writes=False)
        position = self.table.persisted_offset(tp) + 1
        highwater = await ask(lambda: log.stable_end)
        self._changelog_ends[tp.partition] = highwater - 1
        while position < highwater:
            at, limit = position, world.rng.choice(FETCHED_AT_ONCE)
            records = await ask(partial(log.read, at, limit))
            if records.end < highwater and (at + self.generation() + tp.partition) % 4 == 0:
                # As after an interrupted recovery: what it left on its way comes in between, and it is called
                # complete.
                stray = log.read(records.end, 1)
                assert not self.table.take(Chunk(tp, stray, self.generation())), "a chunk that does not join"
                self._interrupted = True
                await self.shell.recovered()
                self._interrupted = False
            assert self.table.take(Chunk(tp, records, self.generation()))
            position = records.end

    # -- fetching, taking, acknowledging -------------------------------------------------------

    async def _fetch(self) -> None:
        world = self._world
        while True:
            await self._flow.wait()
            generation, at = self.generation(), dict(self._positions)
            limit = world.rng.choice(FETCHED_AT_ONCE)
            ask = partial(world.broker.fetch, at, limit)
            found = await world.broker.request(self.line, "fetch", ask, writes=False)
            for tp, records in found.items():
                if self._positions.get(tp) != at[tp] or (world.calm and generation != self.generation()):
                    continue  # it was sought, or went to another: aiokafka drops what it fetched before
                self._positions[tp] = records.end
                if world.rng.random() >= 0.03:  # else Faust loses it on the way, the last one too
                    await self._chunks.put(Chunk(tp, records, generation))
            if not found:
                await world.broker.wait_for_data()

    async def _agent(self) -> None:
        while True:
            chunk = await self._chunks.get()
            try:
                message = Message(chunk)
                ack = partial(self._consumer.ack, message)  # type: ignore[arg-type]
                await self.shell.take(_event(message, ack))
            except Exception as error:
                in_doubt("agent", error, topic=chunk.topic, partition=chunk.partition)

    async def _commit_at_intervals(self) -> None:
        while not self.shell.commits_offsets:
            await asyncio.sleep(COMMIT_INTERVAL)
            await self._commit()

    async def _commit(self) -> None:
        offsets, generation = self._consumer.take(), self.generation()
        if offsets:
            act = lambda: self._world.broker.commit_offsets(generation, offsets)  # noqa: E731
            try:
                await self._world.broker.request(self.line, f"commit of {sorted(offsets.items())}", act)
            except IllegalGenerationError:
                pass  # Faust logs it; whoever owns the partition now reads from the offset before
            except KafkaError as error:
                in_doubt("faust_crashed", error)


def _event(message: Message, ack: Any = None) -> Any:
    return SimpleNamespace(message=message, ack=ack)
