"""One seed, one run: producers, workers that die, freeze and trade partitions, clocks that jump; then calm.

Virtual time runs 300 minutes of the engine's time a second, so what takes the network milliseconds takes
minutes of an escalation's life: ticks, events and deliveries meet in every order.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial
from hashlib import blake2b
from random import Random
from typing import Any, NamedTuple

from aiokafka.partitioner import DefaultPartitioner
from faust.types import TP
from memory_broker import Broker, Line
from random_books import STARTS, random_book
from random_changes import random_change, random_version
from random_known import is_known
from random_lives import Sent, random_lives
from random_wide import is_wide
from sim_worker import SimWorker
from stand_ins import stand_ins
from virtual_time import PROCESS, Process, VirtualLoop

from engine.contract.codec import decode_outcome
from engine.contract.records import Record
from engine.core.decide import Options
from engine.core.instants import MINUTE, Instant, format_instant, parse_instant
from engine.core.policy import Book
from engine.metrics import Metrics
from engine.settings import Settings

MINUTES_A_SECOND = 300
UNTIL_MINUTE = 4_000
SETTLED_WITHIN = 60.0
SESSION = 2.0
MOST_WORKERS = 3
_default_partition = DefaultPartitioner()
CLOCK_JUMPS = [-600, -60, -5, 5, 60, 600]
"""Minutes."""


class Wild(NamedTuple):
    """How much goes wrong in a run."""

    writes_between: int
    """Requests between two disturbances of one; 0: none is disturbed."""
    events: int
    """Kills, freezes, rebalances and clock jumps at moments of their own."""


class SkewedClock:
    """A worker's clock: right in the end, and wrong by its skew before. Never past the end of the run."""

    event_time = False

    def __init__(self, world: "World", slot: int) -> None:
        self._world, self._slot = world, slot

    def now(self) -> Instant:
        world = self._world
        passed = int(world.loop.now * MINUTES_A_SECOND * MINUTE)
        return min(world.until, Instant(world.start + passed + world.skews[self._slot]))


class NotSettled(Exception):
    """In calm, the workers did not finish what there was to do."""


@cache
def settings_of(delivery_mode: str, tick_interval: float, seed: object) -> Settings:
    behind = Random(f"{seed} behind")  # noqa: S311  # a seed makes it repeatable
    when = behind.choice(["say", "wait"])
    return Settings(
        delivery=delivery_mode, app_id="sim", session_timeout=SESSION, tick_interval=tick_interval,
        max_record_bytes=20_000, when_behind=when, behind_after=behind.choice([0, 1, 30]),
        heard_within=behind.choice([0, 0, 1_800]) if when == "say" else 0,  # at the end nothing is heard
    )  # fmt: skip


class World:
    """Everything that one seed decides, and what came of it."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self._trace = trace
        plan = Random(f"{seed} plan")  # noqa: S311  # a seed makes it repeatable
        self.start = parse_instant(plan.choice(STARTS))
        self.until = Instant(self.start + UNTIL_MINUTE * MINUTE)
        self.partitions = plan.choice([1, 2, 3])
        self.settings = settings_of(plan.choice(["transactions", "transactions", "acknowledged"]), 0.5, seed)
        self.options = Options(
            open_on_first_event=plan.random() < 0.15,
            say_movements=plan.random() < 0.3,
            relay_again=self.settings.delivery == "acknowledged",
        )
        recurring = Random(f"{seed} patterns")  # noqa: S311
        rebasing = Random(f"{seed} rebases")  # noqa: S311
        book = Random(f"{seed} book")  # noqa: S311
        seldom = Random(f"{seed} wide")  # noqa: S311
        wide = seldom if is_wide(seldom) else None
        telling = Random(f"{seed} knowing")  # noqa: S311
        knowing = telling if is_known(telling) else None
        self.policies, self.book = random_book(book, recurring, rebasing, wide, knowing, self.start)
        lives = Random(f"{seed} lives")  # noqa: S311
        self.sent = random_lives(lives, self.start, recurring, rebasing, wide, knowing, self.book)
        self.change = random_change(Random(f"{seed} change"), self.start, self.book)  # noqa: S311
        self._books = [self.book] * MOST_WORKERS
        if self.change is None:
            versions = Random(f"{seed} versions")  # noqa: S311
            self.change = random_version(versions, self.start, self.policies, self.book)
        if self.change is not None:
            self.book, self.policies = self.change.book, self.change.text or self.policies
            self.sent = sorted([*self.sent, *self.change.sent], key=lambda s: s.arrives)
        self.wild = Wild(plan.choice([0, 5, 15, 40]), plan.choice([0, 2, 4, 8]))
        self.metrics = Metrics()
        self.loop = VirtualLoop()
        self.rng = Random(f"{seed} run")  # noqa: S311
        self.broker = Broker(self.loop, self.rng)
        self.broker.partitions = self.partitions
        self.broker.disturb = self._disturb
        if trace is not None:
            self.broker.heard = self._tell_outcomes
        self.calm = False
        self.workers: list[SimWorker | None] = [None] * plan.choice([1, 2, 2, 3])
        self.skews = [0] * len(self.workers)
        self.counts: Counter[str] = Counter()
        """What was done to the workers, and how often."""
        self.ended = 0
        """Lives of workers that ended, by whatever."""
        self.unexpected: list[str] = []
        """Workers that ended themselves for a reason that nothing was done to give them."""
        self._writes_left = self._draw_writes()
        self._wanted = asyncio.Event()
        self._lives = 0
        self._expires: dict[str, float] = {}
        """When the session of a frozen process is over."""

    def book_of(self, slot: int) -> Book:
        """By which a worker that starts now judges; in the end all judge by `book`."""
        return self._books[slot]

    @property
    def is_traced(self) -> bool:
        return self._trace is not None

    @property
    def transactional(self) -> bool:
        return self.settings.delivery == "transactions"

    def run(self) -> None:
        """To the end, and everything closed. NotSettled where calm does not bring it about."""
        with stand_ins(self):
            try:
                self.loop.run_until_complete(self._run())
            finally:
                self._trace = None
                self.loop.finish()
        self.unexpected += [repr(error) for error in self.loop.errors]

    def digest(self) -> str:
        """Of all bytes that the broker holds, and of when the run was over."""
        found = blake2b(f"{self.loop.now!r} {sorted(self.counts.items())}".encode(), digest_size=16)
        for tp, log in sorted(self.broker.logs.items()):
            for entry in log.entries:
                state = entry.transaction.state if entry.transaction is not None else ""
                record = entry.record and (entry.record.timestamp, entry.record.key, entry.record.value)
                found.update(f"{tp} {state} {record} {entry.record and entry.record.headers}".encode())
        return found.hexdigest()

    def say(self, what: str) -> None:
        """A line of the trace."""
        if self._trace is not None:
            process = PROCESS.get()
            who = process.name if process is not None else "world"
            minute = self.loop.now * MINUTES_A_SECOND
            self._trace(f"{self.loop.now:8.3f}s minute {minute:7.1f}  {who:9} {what}")

    # -- the course of a run -------------------------------------------------------------------

    async def _run(self) -> None:
        asyncio.create_task(self._coordinate())  # noqa: RUF006  # the loop holds every task
        for slot in range(len(self.workers)):
            self._start(slot)
        for sent in self.sent:
            self.loop.call_at(self._moment(sent.arrives), self._produce, sent)
        end = self._moment(self.until)
        if self.change is not None:
            for slot in range(len(self.workers)):
                begin = self._moment(self.change.at) + slot * self.rng.uniform(0, 1)
                self.loop.call_at(begin, self._deploy, slot, self.change.book)
        for _ in range(self.wild.events):
            what = self.rng.choice([self._kill, self._freeze, self._rebalance, self._jump])
            self.loop.call_at(self.rng.uniform(0.5, 0.95 * end), what)
        await asyncio.sleep(end)
        await self._settle()

    async def _settle(self) -> None:
        """No more disturbances, clocks that are right, a last rebalance; then wait until all is done."""
        self.calm = True
        self.skews = [0] * len(self.skews)
        self.say("calm from here on")
        await asyncio.sleep(3.5)  # whoever is frozen thaws, and whoever is down comes back
        self._wanted.set()
        deadline = self.loop.now + SETTLED_WITHIN
        before: object = None
        while (now := self._standing()) is None or now != before:
            if self.loop.now > deadline:
                raise NotSettled(self._what_is_left())
            before = now
            await asyncio.sleep(0.7)

    def _standing(self) -> object:
        """None while there is work that anybody knows of; else something that work would change."""
        logs = {tp: log for tp, log in self.broker.logs.items() if tp.topic in self.settings.input_topics}
        if any(self.broker.offsets.get(tp, 0) != log.end for tp, log in logs.items()):
            return None
        if any(log.open for log in self.broker.logs.values()):
            return None
        owned = [number for worker in self._running() for number in worker.owned if worker.shell.accepting]
        if sorted(owned) != list(range(self.partitions)):
            return None
        for worker in self._running():
            if any(worker.shell.timers.of(number).next() < self.until for number in worker.owned):
                return None
        return [log.end for log in self.broker.logs.values()]

    def _what_is_left(self) -> str:
        behind = {
            f"{tp.topic}-{tp.partition}": f"{self.broker.offsets.get(tp, 0)} of {log.end}"
            for tp, log in self.broker.logs.items()
            if tp.topic in self.settings.input_topics and self.broker.offsets.get(tp, 0) != log.end
        }
        return f"after {SETTLED_WITHIN:g} s of calm: behind {behind}, open transactions " + str(
            [tp for tp, log in self.broker.logs.items() if log.open]
        )

    def _produce(self, sent: Sent) -> None:
        topic = self.settings.tickets_topic if sent.family == "ticket" else self.settings.incidents_topic
        numbers = list(range(self.partitions))
        tp = TP(topic, _default_partition(sent.record.key, numbers, numbers))
        self.say(f"arrives: {(sent.record.key or b'').decode()} {sent.note}, in {topic}-{tp.partition}")
        self.broker.produce(tp, [sent.record], [sent.arrives // 1_000])

    def _tell_outcomes(self, tp: TP, records: list[Record]) -> None:
        for record in records if tp.topic == self.settings.outcomes_topic else ():
            said = decode_outcome(record.value or b"", record.headers)
            at = (said.effective_at - self.start) / MINUTE
            of = f" (corrects {said.outcome})" if said.corrects else ""
            self.say(
                f"    says: {said.subject} {said.metric} {said.name}{of} at minute {at:g}, seq {said.seq}"
            )

    def _moment(self, at: Instant) -> float:
        return max(0.0, (at - self.start) / (MINUTES_A_SECOND * MINUTE))

    # -- workers -------------------------------------------------------------------------------

    def _running(self) -> Iterator[SimWorker]:
        for worker in self.workers:
            if worker is not None and worker.process.alive:
                yield worker

    def _start(self, slot: int) -> None:
        self._lives += 1
        process = Process(f"worker {slot}.{self._lives}", partial(self._ended, slot))

        def begin() -> None:
            self.say("starts")
            self.workers[slot] = SimWorker(self, slot, process, SkewedClock(self, slot))

        self.loop.call_soon(begin, context=process.context)
        self.loop.call_later(0.01, self._wanted.set)

    def _ended(self, slot: int, process: Process, why: str) -> None:
        self.say(f"{process.name} is gone: {why}")
        self.counts[" ".join(why.split()[:2])] += 1
        self.ended += 1
        wait = 0.3 if self.calm else self.rng.uniform(0.1, 2.0)
        world = self.loop
        world.call_later(wait, self._start, slot, context=self._outside())
        world.call_later(SESSION, self._wanted.set, context=self._outside())

    def _outside(self) -> Any:
        """The context of nobody's process."""
        return self.broker.context

    async def _coordinate(self) -> None:
        """The group: who comes, goes or is silent for a session makes it share out the partitions anew."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(self.rng.uniform(0, 0.05))
            members = [worker for worker in self._running() if not self._is_expelled(worker.process)]
            self.say(f"rebalance of {[worker.process.name for worker in members]}")
            leaving = [self.loop.create_task(w.revoke(), context=w.process.context) for w in members]
            while not all(  # noqa: ASYNC110  # what ends a process sets no event
                task.done() or not worker.process.alive or self._is_expelled(worker.process)
                for task, worker in zip(leaving, members, strict=True)
            ):
                await asyncio.sleep(0.02)
            left = [
                worker
                for task, worker in zip(leaving, members, strict=True)
                if task.done() and worker.process.alive and not self._is_expelled(worker.process)
            ]
            self._share_out(left)

    def _is_expelled(self, process: Process) -> bool:
        """Frozen for longer than its session: the group goes on without it. Before that it is waited for."""
        return process.frozen and self.loop.now >= self._expires[process.name]

    def _share_out(self, members: list[SimWorker]) -> None:
        self.broker.generation += 1
        if not members:
            return
        shares: list[set[int]] = [set() for _ in members]
        for number in range(self.partitions):
            self.rng.choice(shares).add(number)
        for worker, share in zip(members, shares, strict=True):
            self.say(f"generation {self.broker.generation}: {worker.process.name} owns {sorted(share)}")
            self.loop.call_soon(worker.assign, self.broker.generation, share, context=worker.process.context)

    # -- what goes wrong -----------------------------------------------------------------------

    def _draw_writes(self) -> int:
        return self.rng.randrange(1, 2 * self.wild.writes_between) if self.wild.writes_between else -1

    def _disturb(self, line: Line, what: str) -> str:
        """Asked by the broker at each request that writes: the steps of the delivery protocol."""
        fate = ""
        if not self.calm and line.process is not None and line.process.alive:
            self._writes_left -= 1
            if self._writes_left == 0:
                fate = self.rng.choice(["before", "after", "after", "unknown", "freeze"])
                self._writes_left = self._draw_writes()
        if self.is_traced:
            who = line.process.name if line.process is not None else "producer"
            gone = " (its sender is gone)" if line.process is not None and not line.process.alive else ""
            self.say(f"the broker gets from {who}: {what}{gone}{f'; fate: {fate}' if fate else ''}")
        if fate == "freeze":
            self._freeze_one(line.process)
            return ""
        if fate == "unknown":
            self.counts["unknown fate"] += 1
        return fate

    def _victim(self) -> Process | None:
        found = [worker.process for worker in self._running() if not worker.process.frozen]
        return self.rng.choice(found) if found else None

    def _kill(self) -> None:
        if (process := self._victim()) is not None:
            process.end("killed at work")

    def _freeze(self) -> None:
        self._freeze_one(self._victim())

    def _freeze_one(self, process: Process | None) -> None:
        if process is None or process.frozen:
            return
        seconds = self.rng.choice([0.3, 1.0, 1.5, 3.0])
        self.say(f"{process.name} is frozen for {seconds:g} s")
        self.counts["frozen"] += 1
        process.frozen = True
        generation = self.broker.generation
        silent_for = SESSION - self.rng.uniform(0, SESSION / 4)
        outside = self._outside()
        self._expires[process.name] = self.loop.now + silent_for
        if seconds > silent_for:
            self.loop.call_later(silent_for, self._wanted.set, context=outside)
        self.loop.call_later(seconds, self._thaw, process, generation, context=outside)

    def _thaw(self, process: Process, generation: int) -> None:
        self.say(f"{process.name} thaws")
        process.thaw(self.loop)
        if self.broker.generation != generation:  # told by its next heartbeat
            self.loop.call_later(self.rng.uniform(0, SESSION / 4), self._wanted.set)

    def _rebalance(self) -> None:
        self.counts["rebalance"] += 1
        self._wanted.set()

    def _deploy(self, slot: int, book: Book) -> None:
        """From here on the worker's place has this book; others may have the one before for some time."""
        what = self.change.name if self.change is not None else ""
        self.say(f"worker {slot} gets {what}")
        self.counts[what] += 1
        self._books[slot] = book
        worker = self.workers[slot]
        if worker is not None:
            worker.process.end("deployed anew")

    def _jump(self) -> None:
        slot, minutes = self.rng.randrange(len(self.skews)), self.rng.choice(CLOCK_JUMPS)
        self.skews[slot] += minutes * MINUTE
        self.counts["clock jump"] += 1
        self.say(f"the clock of worker {slot} jumps by {minutes} minutes")


def describe(world: World) -> list[str]:
    """What a run consists of, before it runs."""
    return [
        f"seed {world.seed}: {world.settings.delivery}, {world.partitions} partitions, "
        f"{len(world.workers)} workers, {len(world.sent)} records, {world.wild}, {world.options}",
        f"minute 0 is {format_instant(world.start)}; the run is judged at minute {UNTIL_MINUTE}",
        *(f"    {line}" for line in world.policies.splitlines()),
        *([f"{world.change.name}: {world.change.calendar or 'a new edition'}"] if world.change else []),
    ]
