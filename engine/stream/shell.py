"""The worker's heart: takes chunks in order, has them decided and made durable."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import structlog
from aiokafka.errors import KafkaError
from faust.types import TP, EventT

from engine.core.decide import Alarms, almanac_of
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.state import UnknownStateFormat
from engine.core.unpacking import DamagedState
from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream.acknowledged import Acknowledged
from engine.stream.chunks import Chunk, PositionedRecords
from engine.stream.clock import Clock
from engine.stream.completeness import Completeness, Ends
from engine.stream.delivery import Decision, DurableStage, Settled, note
from engine.stream.ending import REFUSED, end, in_doubt
from engine.stream.intake import Intake, Verdict
from engine.stream.lost import NEW_TOPICS, PARTITIONS_ADDED, added
from engine.stream.observer import Observer
from engine.stream.pins import put_back, vanished_policy
from engine.stream.sender import Sender
from engine.stream.table import StateTable
from engine.stream.timers import Timers, arm, pending

log = structlog.stdlib.get_logger("vigil.stream")

CUT_OFF = (
    "the beginning of the changelog was deleted, by age or by hand, for compaction leaves it where it is:"
    " escalations that were written there alone are gone (docs/runbook.md#vigiltopicsrefused)"
)


class Decides(Protocol):
    """What the shell asks of the desk."""

    def decide(self, chunk: Chunk, state: dict[bytes, bytes], alarms: Alarms, now: Instant) -> Decision:
        """Decide all records of a chunk and put the changes into `state`."""


class Group(Ends, Protocol):
    """What the shell asks of Faust about the consumer group."""

    def generation(self) -> int: ...

    def settled_assignment(self) -> bool:
        """Neither rebalancing nor recovering."""

    def recovers_again(self) -> bool:
        """A rebalance has come since the recovery began, and another recovery follows."""

    def changelog_ends(self) -> dict[int, int]:
        """Partition → the last offset of its changelog when the last recovery began; -1: empty."""

    async def changelog_ends_now(self) -> dict[int, int]:
        """The same at this moment, of the partitions owned that have a leader."""

    def source_partitions(self) -> set[TP]: ...

    async def committed_of(self, tp: TP) -> int | None: ...

    async def earliest(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """Where these logs begin: retention deletes what lies before. Not of those that have no leader.
        KafkaError."""

    async def latest(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        """Where these logs end; as above."""

    def position_of(self, tp: TP) -> int | None:
        """Up to where it was fetched; None where nothing is to be fetched yet."""

    async def seek(self, tp: TP, offset: int) -> None: ...


class Shell:
    """One a worker. Any error that is not one record's ends the process: see `ending`."""

    def __init__(
        self,
        settings: Settings,
        book: Book,
        desk: Decides,
        clock: Clock,
        metrics: Metrics,
        observer: Observer,
        table: StateTable,
        group: Group,
        stage_of: Callable[["Shell"], DurableStage],
        sender: Sender,
    ) -> None:
        self.settings = settings
        self.table = table
        self.timers = Timers()
        self.intake = Intake()
        self.completeness = Completeness(settings, group, self.intake)
        self.accepting = False
        """From the end of a recovery to the next revocation."""
        self._book = book
        self._desk = desk
        self._clock = clock
        self._metrics = metrics
        self._observer = observer
        self._group = group
        self._sender = sender
        self._room = asyncio.Semaphore(settings.chunks_in_flight)
        self._in_flight: dict[Decision, None] = {}
        """Decided and not yet durable, the oldest first."""
        self._surrenders = 0
        self._owned_since = 0
        """How often it had surrendered when it last was given partitions."""
        self._away_since = time.monotonic()
        self._recovery_since = time.monotonic()
        self._topics = frozenset(settings.input_topics)
        self._beginning_unknown: set[TP] = set()
        """Taken while they had no leader, with no committed offset: nothing before their beginning was waited
        for."""
        self.passed_over: set[int] = set()
        """Partitions whose next offset was moved though nothing was taken: it is to be committed, or who
        starts next would find the same records gone once more."""
        self.stage = stage_of(self)
        table.before_recovery = self._own

    @property
    def commits_offsets(self) -> bool:
        return self.stage.commits_offsets

    def takes_chunks(self, topic: str) -> bool:
        return topic in self._topics

    def note_of(self, partition: int) -> str:
        return note(self.table.last_of(partition), self.table.partitions or 0)

    # Assignment: surrender → (Faust rebalances) → own → (Faust recovers) → recovered.

    async def surrender(self) -> None:
        """Stop accepting; return when all that was accepted is durable. Ends the process after a time."""
        was_accepting, self.accepting = self.accepting, False
        if was_accepting:
            self._away_since = time.monotonic()
        self._surrenders += 1
        try:
            await asyncio.wait_for(self.stage.drain(), self.settings.drain_timeout)
        except BaseException as error:
            in_doubt("drain", error, seconds=self.settings.drain_timeout)
        if was_accepting:
            log.info("surrendered", seconds=self._since(self._away_since))

    async def _own(self, partitions: set[int]) -> None:
        known, highest = self.table.partitions or 0, max(partitions, default=-1)
        if highest >= known:
            end(REFUSED, PARTITIONS_ADDED, why=added(known, highest + 1), hint=NEW_TOPICS)
        began = self._recovery_since = time.monotonic()
        self._owned_since = self._surrenders
        self.table.applied = 0
        self._metrics.recovering(True)
        await self.stage.own(partitions)
        log.info("partitions_owned", partitions=sorted(partitions), seconds=self._since(began))

    async def recovered(self) -> None:
        """The state is read back: rebuild what is made from it, and accept."""
        surrenders = self._surrenders
        # Faust calls this for a recovery that a rebalance has interrupted too, with what it had read by then.
        if surrenders != self._owned_since or self._group.recovers_again():
            log.info("recovery_interrupted")
            return
        unread = self.table.unread(self._group.changelog_ends())
        if unread:
            in_doubt("state_incomplete", unread=unread)
        if odd := self._odd_partitions():
            in_doubt("partitions_differ", partitions=odd)
        try:
            alarms, starts = await self._made_from_state()
            heard = await self.completeness.last_heard(starts, self._clock.now())
        except UnknownStateFormat as error:
            end(REFUSED, "state_of_a_later_release", why=str(error))
        except DamagedState as error:
            end(REFUSED, "state_damaged", why=str(error), where=self._place_of(error.record))
        except asyncio.CancelledError:  # by the next rebalance; its own recovery follows
            raise
        except BaseException as error:  # Faust would log it and go on
            in_doubt("after_recovery", error)
        if surrenders != self._surrenders:
            return  # the next rebalance has begun meanwhile; its own recovery follows
        self.timers.replace(alarms)
        self.intake.reset()
        for tp, start in starts.items():
            self.intake.begin(tp, self._group.generation(), start)
        self.completeness.begin(starts, heard)
        self.accepting = True
        self._tell_recovered()

    def _place_of(self, record: bytes) -> str | None:
        for number, records in self.table.partitions_held.items():
            for key, held in records.items():
                if held is record:
                    return f"{self.settings.changelog_topic}/{number}, key {key.decode(errors='replace')}"
        return None

    def _odd_partitions(self) -> list[str]:
        """Those of a number of which we have the state and not the source, or the source and not the state.

        A topic that is deleted goes from the assignment, and the others stay: what they say would be judged
        without state, or what it said when it is back be left unread.
        """
        whole = {TP(topic, number) for topic in self._topics for number in self.table.partitions_held}
        return [f"{tp.topic}/{tp.partition}" for tp in sorted(whole ^ self._group.source_partitions())]

    async def _made_from_state(self) -> tuple[dict[int, Alarms], dict[TP, int]]:
        # A copy: should the next rebalance begin meanwhile, it changes what is held.
        held = dict(self.table.partitions_held)
        for records in held.values():
            gone = await vanished_policy(self._book, records)
            if gone is not None:
                hint = put_back(self.settings, self._book, gone.policy, gone.version)
                end(REFUSED, "policy_vanished", **gone._asdict(), hint=hint)
        await self._sender.start()
        alarms = await pending(held, almanac_of(self._book))
        sources = sorted(self._group.source_partitions())
        committed = await asyncio.gather(*map(self._group.committed_of, sources))
        changelogs = [TP(self.settings.changelog_topic, number) for number in sorted(held)]
        earliest = await self._group.earliest([*sources, *changelogs])
        latest = await self._group.latest(sources)
        for tp in changelogs:
            if cut := earliest.get(tp, 0):
                log.error("state_cut_off", topic=tp.topic, partition=tp.partition, begins=cut, hint=CUT_OFF)
        starts: dict[TP, int] = {}
        self._beginning_unknown = set()
        for tp, offset in zip(sources, committed, strict=True):
            begins, ends = earliest.get(tp), latest.get(tp)
            if begins is None or ends is None:  # once it is read, it shows whether its log has that
                log.warning("no_leader", topic=tp.topic, partition=tp.partition)
                starts[tp] = offset or 0
                if offset is None:
                    self._beginning_unknown.add(tp)
                continue
            starts[tp] = begins
            if offset is not None and begins <= offset <= ends:
                starts[tp] = offset
            elif offset is not None:
                self._tell_gone(tp, offset, begins, ends)
        if isinstance(self.stage, Acknowledged):
            await self.stage.begin(self._group.generation())
        return alarms, starts

    def _tell_recovered(self) -> None:
        held = self.table.partitions_held
        recovery, away = self._since(self._recovery_since), self._since(self._away_since)
        self._metrics.recovering(False)
        self._metrics.recovered(recovery, self.table.applied)
        self._metrics.rebalanced(away)
        log.info(
            "recovered",
            partitions=len(held),
            keys=sum(map(len, held.values())),
            records=self.table.applied,
            seconds=recovery,
            away_seconds=away,
        )

    # A chunk: usable → next → decided → durable → settled.

    async def take(self, event: EventT[Any]) -> None:
        """Take one chunk. Dropping one is safe: it is not acknowledged, and the next shows the hole; where
        none comes, `untaken` does."""
        chunk: Chunk = event.message.value  # type: ignore[assignment]
        if not self._usable(chunk):
            return
        await self._room.acquire()  # given back when the decision is durable
        if self._usable(chunk) and await self._is_next(chunk):
            self._decide(chunk, event)
        else:
            self._room.release()

    def untaken(self) -> dict[TP, tuple[int, int]]:
        """What was fetched and not taken, by partition: from where, and up to where.

        Most of it is on its way; what stays so was dropped, with nothing behind it to show the hole. Where
        that is before what comes next, the topic was made anew.
        """
        found: dict[TP, tuple[int, int]] = {}
        if not self.accepting or not self._group.settled_assignment() or self._room.locked():
            return found
        for tp in sorted(self._group.source_partitions()):
            position, expected = self._group.position_of(tp), self.intake.expected(tp)
            if position is None or expected is None:
                continue
            end = self._group.end_of(tp)
            if position > expected:
                found[tp] = (expected, position)
            elif end is not None and end < expected:
                found[tp] = (expected, end)
        return found

    async def read_again(self, tp: TP) -> None:
        """Fetch what was dropped once more."""
        await self._pass_gone(tp)
        expected = self.intake.expected(tp)
        if expected is not None and self.accepting:
            self._metrics.hole()
            log.info("dropped", topic=tp.topic, partition=tp.partition, expected=expected)
            await self._group.seek(tp, expected)

    async def keep(self, partition: int) -> None:
        """Commit anew up to where each source of a partition was taken: a chunk without records each."""
        for tp in sorted(self._group.source_partitions()):
            if tp.partition != partition:
                continue
            await self._room.acquire()
            at = self.intake.expected(tp)
            if at is None or not self.accepting or not self._group.settled_assignment():
                self._room.release()
                return
            nothing = PositionedRecords()
            nothing.start = nothing.end = at
            self._put(Decision(Chunk(tp, nothing, self._group.generation())))
        self.passed_over.discard(partition)

    def _usable(self, chunk: Chunk) -> bool:
        if isinstance(self.stage, Acknowledged):
            self.stage.pulse.check()
        usable = self.accepting and chunk.generation == self._group.generation()
        if not usable:
            self._metrics.stale_chunk()
        return usable

    async def _is_next(self, chunk: Chunk) -> bool:
        """Does it go on where the last one ended? Seeks back where something is missing."""
        overlapped = self.intake.overlapped
        verdict = self.intake.judge(chunk)
        if verdict is Verdict.HOLE:
            await self._pass_gone(chunk.tp)
            if not self._usable(chunk):  # a rebalance came meanwhile
                return False
            verdict = self.intake.judge(chunk)
        if verdict is Verdict.HOLE:
            expected = self.intake.expected(chunk.tp)
            self._metrics.hole()
            log.info(
                "hole", topic=chunk.topic, partition=chunk.partition, start=chunk.start, expected=expected
            )
            await self._group.seek(chunk.tp, expected or 0)
            return False
        if self.intake.overlapped > overlapped:
            self._metrics.overlap(self.intake.overlapped - overlapped)
        # Markers alone: the position moved, and the next decision's offset covers it.
        return verdict is Verdict.ACCEPT and bool(chunk.records)

    async def _pass_gone(self, tp: TP) -> None:
        """Where the log begins later than what comes next, or ends before it, go on at its beginning.

        What lay before was deleted unread, and nothing brings it back: it must not hold up what follows. A
        log that ends before what was read is another one, so nothing of it was read.
        """
        expected, generation = self.intake.expected(tp), self._group.generation()
        try:
            earliest, latest = (await self._group.earliest((tp,)))[tp], (await self._group.latest((tp,)))[tp]
        except (KafkaError, TimeoutError, KeyError) as error:  # then it is a hole, and shows again
            log.warning("beginning_unknown", topic=tp.topic, partition=tp.partition, error=repr(error))
            return
        same = self.accepting and generation == self._group.generation()
        if not same or expected is None or expected != self.intake.expected(tp):
            return
        if earliest <= expected <= latest:
            return
        if expected > 0 or tp not in self._beginning_unknown:
            self._tell_gone(tp, expected, earliest, latest)
        self.intake.begin(tp, generation, earliest)
        if tp.topic == self.settings.commands_topic:
            # Ticks are among it. Each alarm is asked for once, and what was asked for is gone: ask again.
            held = self.table.held(tp.partition)
            await arm(self.timers.of(tp.partition), held, almanac_of(self._book))

    def _tell_gone(self, tp: TP, expected: int, earliest: int, latest: int) -> None:
        self.passed_over.add(tp.partition)
        keys = {"topic": tp.topic, "partition": tp.partition, "expected": expected, "earliest": earliest}
        if expected < earliest:
            self._metrics.gone(earliest - expected)
            log.error("records_gone", records=earliest - expected, **keys)
        else:
            self._metrics.gone(expected - latest)
            log.error("topic_made_anew", end=latest, **keys)

    def _decide(self, chunk: Chunk, event: EventT[Any]) -> None:
        state, alarms = self.table.held(chunk.partition), self.timers.of(chunk.partition)
        decision = self._desk.decide(chunk, state, alarms, self._clock.now())
        decision.acknowledge = event.ack
        self._put(decision)

    def _put(self, decision: Decision) -> None:
        self._in_flight[decision] = None
        self.stage.put(decision)

    def is_stuck(self) -> bool:
        """Something has been decided for longer than a stop would wait for it, and is not durable yet."""
        oldest = next(iter(self._in_flight), None)
        return oldest is not None and time.monotonic() - oldest.chunk.fetched > self.settings.drain_timeout

    def settled(self, settled: Settled) -> None:
        """Durable: acknowledge, make room, count, and log one line a chunk."""
        if settled.last_state_offset is not None:
            self.table.last_offset[settled.partition] = settled.last_state_offset
        self._metrics.transaction(settled.seconds)
        if settled.state_seconds is not None:
            self._metrics.changelog_acknowledged(settled.state_seconds)
        now = self._clock.now()
        for decision in settled.decisions:
            self._in_flight.pop(decision, None)
            decision.chunk.done = True
            decision.acknowledge()
            self._room.release()
            self._observer.settled(decision, now)
            log.info("chunk", **line(decision), commit_seconds=round(settled.seconds, 4))

    @staticmethod
    def _since(began: float) -> float:
        return round(time.monotonic() - began, 3)


def line(decision: Decision) -> dict[str, object]:
    """The canonical line of a chunk: what it was, and what it led to."""
    chunk = decision.chunk
    said: dict[str, object] = {
        "topic": chunk.topic,
        "partition": chunk.partition,
        "start": chunk.start,
        "end": chunk.end,
        "records": len(chunk.records),
        "facts": decision.verbs.total(),
        "ticks": decision.ticks,
        "outcomes": len(decision.outcomes),
        "relays": len(decision.relays),
        "state_records": len(decision.state),
        "decide_seconds": round(decision.seconds, 4),
    }
    if decision.ignored:
        said["ignored"] = dict(decision.ignored)
    if decision.dead:
        said["dead_letters"] = dict(decision.dead)
    return said
