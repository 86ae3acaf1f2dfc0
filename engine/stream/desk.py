"""Decides a chunk: bytes → facts and ticks → the core's round → outcomes, state and dead letters.

Poison never leaves here: what one record does wrong is that record's dead letter, whatever it is.
"""

import time
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Protocol, TypeAlias

import structlog

from engine.contract.codec import (
    Command,
    PartlyKnown,
    Received,
    Tick,
    Unreadable,
    decode,
    encode_outcome,
    encode_relay,
    internal,
)
from engine.contract.dead_letters import dead_letter, refused_fact, smaller
from engine.contract.records import Record
from engine.core.case import PolicyVanished
from engine.core.decide import Alarms, Changes, Options, Refusal, Round, Unjudgeable
from engine.core.facts import Fact
from engine.core.instants import MINUTE, NEVER, SECOND, Instant, Span
from engine.core.policy import Book
from engine.settings import Settings
from engine.stream.chunks import Chunk
from engine.stream.delivery import Decision, size_of
from engine.stream.ending import REFUSED, end
from engine.stream.pins import put_back

log = structlog.stdlib.get_logger("vigil.stream")

State = dict[bytes, bytes]
Read = Callable[[bytes], bytes | None]


class DecidesRound(Protocol):
    """What the desk needs of `engine.core.decide.Round`."""

    def fact(self, subject: str, fact: Any) -> Refusal | None: ...
    def tick(self, subject: str, due: Instant, complete: Instant, waits: bool) -> None: ...
    def close(self) -> Changes: ...
    def abandon(self) -> None: ...
    @property
    def watermark(self) -> Instant | None: ...


class TooLarge(Exception):
    """A record that the core wrote would not fit the broker's limit."""

    def __init__(self, reason: str, key: bytes, size: int, limit: int) -> None:
        super().__init__(f"{key.decode(errors='replace')!r}: {size} bytes, {limit} allowed")
        self.reason = reason


AHEAD = Span(5 * SECOND)
"""More than clocks that are held by NTP differ, and a producer's moment of writing."""
TOLD_EVERY = MINUTE

Taken: TypeAlias = tuple[Any, Received | Command | Tick]
"""A record that could be read, and what it says."""


class Desk:
    """Decides chunks. Synchronous; its result depends on the records and the stored state alone."""

    def __init__(
        self,
        book: Book,
        options: Options,
        settings: Settings,
        new_round: Callable[[Book, Read, Alarms, Options, Instant], DecidesRound] = Round,
    ) -> None:
        self._book = book
        self._options = options
        self._settings = settings
        self._new_round = new_round
        self._tells_ahead_from = Instant(0)

    def decide(self, chunk: Chunk, state: State, alarms: Alarms, now: Instant) -> Decision:
        """Decide all records of a chunk and put the changes into `state`."""
        began = time.perf_counter()
        decision = Decision(chunk)
        taken = self._read(decision)
        if not self._options.event_time:
            self._note_ahead(decision, taken, now)
        try:
            self._run(taken, decision, state, alarms, now)
        except Exception as error:
            # Rare: some record cannot be decided, or what it leads to cannot be stored. Nothing of this round
            # is in `state` yet, so the round is decided again in rounds of one record, to find which it is.
            log.warning(
                "chunk_again_one_by_one", topic=chunk.topic, partition=chunk.partition, error=repr(error)
            )
            for one in taken:
                self._alone(one, decision, state, alarms, now)
        # As the records came, not as the reasons were found: else it would show where chunks begin.
        decision.dead_letters = [letter for _, letter in sorted(decision.dead_at, key=_offset)]
        decision.seconds = time.perf_counter() - began
        return decision

    def _read(self, decision: Decision) -> list[Taken]:
        taken: list[Taken] = []
        takes_commands = decision.chunk.topic == self._settings.commands_topic
        for record in decision.chunk.records:
            try:
                said = decode(record.key, record.value, record.headers, record.timestamp)
            except MemoryError:  # of the process, and no record's fault
                raise
            except Exception as error:
                said = Unreadable("decoder_failed", repr(error))
            if type(said) is Command and not takes_commands:
                said = internal(said.fact.kind)
            if type(said) is not Unreadable:
                taken.append((record, said))  # type: ignore[arg-type]
                if type(said) is PartlyKnown:
                    decision.noted["unknown_field"] += len(said.unknown)
            elif said.ignored:
                decision.ignored[said.reason] += 1
            else:
                self._dead(decision, record, said.reason, said.detail, said.path)
        return taken

    def _note_ahead(self, decision: Decision, taken: Iterable[Taken], now: Instant) -> None:
        """Events of a time that is not yet: what is due before it is judged by them, too early."""
        latest = now + AHEAD
        # No commands: they pass on what was told elsewhere.
        ahead = [said for _, said in taken if isinstance(said, Received) and said.fact.at > latest]
        if not ahead:
            return
        decision.noted["ahead"] += len(ahead)
        if now >= self._tells_ahead_from:
            self._tells_ahead_from = Instant(now + TOLD_EVERY)
            subject, fact = ahead[-1].subject, ahead[-1].fact
            log.warning(
                "producer_ahead", source=fact.source, id=fact.id, escalation=subject,
                ahead_s=round((fact.at - now) / SECOND, 1),
                hint="set the clock of that producer right, by NTP: what is due before is judged too early",
            )  # fmt: skip

    def _run(
        self, taken: Iterable[Taken], decision: Decision, state: State, alarms: Alarms, now: Instant
    ) -> None:
        """One round. All or nothing: `decision`, `state` and `alarms` change only when everything fits."""
        this = self._new_round(self._book, state.get, alarms, self._options, now)
        try:
            self._play(this, taken, decision, state)
        except Exception:
            this.abandon()
            raise

    def _play(self, this: DecidesRound, taken: Iterable[Taken], decision: Decision, state: State) -> None:
        refused: list[tuple[Taken, Refusal]] = []
        verbs: list[str] = []
        ticks, newest = 0, decision.newest
        for one in taken:
            said = one[1]
            if type(said) is Tick:
                this.tick(said.subject, said.due, said.complete, said.waits)
                ticks += 1
                continue
            fact: Fact = said.fact  # type: ignore[union-attr]
            refusal = this.fact(said.subject, fact)
            if refusal is None:
                if type(said) is not Command:  # its event was counted where it was taken
                    newest = fact
                    verbs.append(fact.kind)
            else:
                refused.append((one, refusal))
        changes = this.close()
        outcomes = [encode_outcome(outcome) for outcome in changes.outcomes]
        relays = [encode_relay(relay) for relay in changes.relays]
        self._hold_to_limit(changes, outcomes)
        changes.apply_to(state)
        decision.state += changes.records
        decision.outcomes += outcomes
        decision.relays += relays
        decision.said += changes.outcomes
        decision.noted += changes.counts
        decision.verbs.update(verbs)
        decision.ticks += ticks
        decision.newest = newest
        decision.watermark = this.watermark
        for one, refusal in refused:
            self._refused(decision, one, refusal)

    def _alone(self, one: Taken, decision: Decision, state: State, alarms: Alarms, now: Instant) -> None:
        record, said = one
        try:
            self._run_past_others((one,), decision, state, alarms, now)
        except TooLarge as error:
            self._dead(decision, record, error.reason, str(error))
        except MemoryError:
            raise
        except Exception as error:
            if isinstance(error, PolicyVanished) and _names(said, error):
                # Another worker has judged by it: no fault of the record, and lost it must not be.
                end(REFUSED, "policy_vanished", policy=error.name, version=error.version, hash=error.hash,
                    escalation=error.subject,
                    hint=put_back(self._settings, self._book, error.name, error.version))  # fmt: skip
            self._dead(decision, record, "undecidable", repr(error))
        else:
            return
        if type(said) is Tick:
            # Not asked for again until something later happens, or the next assignment: no loop.
            alarms.push(NEVER, said.subject)

    def _run_past_others(
        self, taken: Iterable[Taken], decision: Decision, state: State, alarms: Alarms, now: Instant
    ) -> None:
        """One round, whatever is wrong with other escalations: their alarms wait for the next assignment."""
        while True:
            try:
                return self._run(taken, decision, state, alarms, now)
            except Unjudgeable as error:
                log.error("alarm_undecidable", escalation=error.subject, error=repr(error.__cause__))
                alarms.push(NEVER, error.subject)

    def _hold_to_limit(self, changes: Changes, outcomes: list[Record]) -> None:
        limit = self._settings.max_record_bytes
        for outcome in outcomes:
            if len(outcome.value or b"") * 2 > limit and (size := size_of(outcome)) > limit:
                raise TooLarge("outcome_too_large", outcome.key or b"", size, limit)
        for key, value in changes.records:
            if value is not None and len(value) * 2 > limit and (size := size_of(Record(key, value))) > limit:
                raise TooLarge("state_too_large", key, size, limit)

    def _refused(self, decision: Decision, one: Taken, refusal: Refusal) -> None:
        record, said = one
        if not refusal.dead:
            decision.ignored[refusal.reason] += 1
        elif refusal.fact is None:
            self._dead(decision, record, refusal.reason, refusal.detail)
        else:
            # An earlier record is replaced by this one: its bytes are gone, its fact is not.
            made = refused_fact(said.subject, refusal.fact, refusal.reason, refusal.detail)
            self._bury(decision, record.offset, refusal.reason, made, 0)

    def _dead(self, decision: Decision, record: Any, reason: str, detail: str, path: str = "") -> None:
        letter = dead_letter(record, reason, detail, path)
        self._bury(decision, record.offset, reason, letter, len(record.headers))

    def _bury(self, decision: Decision, offset: int, reason: str, letter: Record, received: int) -> None:
        """`received`: how many of its headers came with the record. A topic's limit counts what is
        compressed: any part of it may be far larger than we may send."""
        limit = self._settings.max_dead_letter_bytes
        letters = chain((letter,), smaller(letter, received))
        decision.dead_at.append((offset, next(each for each in letters if size_of(each) <= limit)))
        decision.dead[reason] += 1


def _offset(placed: tuple[int, Record]) -> int:
    return placed[0]


def _names(said: Received | Command | Tick, error: PolicyVanished) -> bool:
    """Whether what is said brings that version along: an occurrence does, of an escalation that it judges."""
    policy = said.fact.data.get("policy") if type(said) is Command else None
    return isinstance(policy, dict) and policy.get("hash") == error.hash
