"""Decides a run of facts and ticks of one partition against its stored records. Pure: bytes in, bytes out."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from engine.core.alarms import Alarms
from engine.core.case import Case
from engine.core.facts import RELAYS, Fact
from engine.core.instants import NEVER, Instant, format_instant
from engine.core.options import Options
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.publishing import Settings
from engine.core.refusals import Refusal
from engine.core.relays import Relay
from engine.core.rules import rules_of
from engine.core.state import Head, head, next_look, pinned_policies

__all__ = [
    "Alarms", "Changes", "Head", "Options", "Refusal", "Round", "Unjudgeable", "almanac_of", "head",
    "next_look", "pinned_policies",
]  # fmt: skip

WATERMARK_KEY = b"\0watermark"

IS_COMPILED = not __file__.endswith(".py")
"""Whether this is the core that mypyc has compiled, as in the image (decision 45)."""


def almanac_of(book: Book) -> int:
    """A number that changes with the book's calendars, and with the data that they are built from."""
    return rules_of(book).almanac


class Changes(NamedTuple):
    """What a round changed; encoded once a key."""

    records: list[tuple[bytes, bytes | None]]
    """Table key -> new value; None is a tombstone. A main record has the subject's UTF-8 as its key;
    every other key holds a NUL byte."""
    outcomes: list[Outcome]
    """In the order in which they were said."""
    counts: Counter[str]
    """How often: late (derived again), never_opened, unclassified, past_next_update, folded, forgotten."""
    relays: Sequence[Relay] = ()
    """What other escalations, of this partition or another, are to be told; in the order it was found."""

    def apply_to(self, state: dict[bytes, bytes]) -> None:
        """Bring a partition's records up to date."""
        for key, value in self.records:
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value


class Unjudgeable(Exception):
    """Event time: what came due of an escalation that is not the fact's own could not be judged."""

    def __init__(self, subject: str, due: Instant) -> None:
        super().__init__(f"{subject}: what was due at {format_instant(due)} cannot be judged")
        self.subject = subject


class Round:
    """One run of facts and ticks, in order, of one partition.

    The result depends only on the records read, on the facts and ticks given and on their order (detected_at
    excepted); splitting a run into two rounds changes nothing.
    """

    def __init__(
        self,
        book: Book,
        read: Callable[[bytes], bytes | None],
        alarms: Alarms,
        options: Options,
        now: Instant,
    ) -> None:
        """`read` gives the partition's stored record of a key. `now` becomes detected_at and nothing else."""
        self._read = read
        self._alarms = alarms
        self._cases: dict[str, Case] = {}
        self._fired: set[str] = set()
        """Whose alarms the round took out by itself."""
        self._counts: Counter[str] = Counter()
        self._outcomes: list[Outcome] = []
        self._relays: list[Relay] = []
        self._watermark = self._stored_watermark() if options.event_time else None
        self._settings = Settings(
            rules=rules_of(book, options.pace),
            open_on_first_event=options.open_on_first_event,
            say_movements=options.say_movements,
            fact_limit=options.fact_limit,
            correction_window=options.correction_window,
            event_time=options.event_time,
            now=now,
            outcomes=self._outcomes,
            relays=self._relays,
            relay_again=options.relay_again,
            counts=self._counts,
        )

    def fact(self, subject: str, fact: Fact) -> Refusal | None:
        """Take one fact. None: it is part of the state now."""
        watermark = self._watermark
        if watermark is not None:
            # What comes of another partition says nothing of how far this one's events are complete.
            if fact.at > watermark and fact.kind not in RELAYS:
                self._watermark = watermark = fact.at
            if self._alarms.next() < watermark:
                self._judge_passed(watermark)
        case = self._cases.get(subject) or self._case(subject)
        refusal = case.take(fact)
        alarm = self._arm(case)
        if watermark is not None and alarm < watermark:
            self._judge_passed(watermark)
        return refusal

    def tick(self, subject: str, due: Instant, complete: Instant = NEVER, waits: bool = False) -> None:
        """Judge everything of the subject that is due at or before `due`; nothing if nothing is pending.

        `complete`: where the partition's reader is behind, the time up to which all that was recorded has
        been read. What is due after it is said provisionally or, with `waits`, told to be unknown and left
        until the alarms are released.
        """
        case = self._case(subject)
        at = case.judge_known(due, complete, waits)
        case.armed = at
        self._alarms.push(at, subject)  # the tick took its alarm: whatever stands now is asked for anew
        if at != case.alarm:  # by whoever judges the tick, which is not always who sent it
            self._alarms.wait(case.alarm, subject)

    @property
    def watermark(self) -> Instant | None:
        """The highest event time seen; None where time does not come from the events."""
        return self._watermark

    def close(self) -> Changes:
        """Encode what changed. The round is over."""
        records: list[tuple[bytes, bytes | None]] = []
        for case in self._cases.values():
            records += case.changes()
        if self._watermark is not None and self._watermark != self._stored_watermark():
            records.append((WATERMARK_KEY, msgspec.msgpack.encode(self._watermark)))
        return Changes(records, self._outcomes, self._counts, self._relays)

    def abandon(self) -> None:
        """Drop the round, also one that raised: the alarms are again those of the stored records."""
        for subject in self._fired.union(self._cases):
            stored = self._read(subject.encode())
            at = NEVER if stored is None else next_look(stored, self._settings.rules.almanac)
            self._alarms.push(at, subject)

    # -- inside -------------------------------------------------------------------------------

    def _case(self, subject: str) -> Case:
        case = self._cases.get(subject)
        if case is None:
            case = self._cases[subject] = Case(subject, self._read, self._settings)
        return case

    def _arm(self, case: Case) -> Instant:
        """Ask for the case to be judged when it must be; when that is."""
        alarm = case.alarm
        if alarm != case.armed:
            case.armed = alarm
            self._alarms.push(alarm, case.subject)
        return alarm

    def _judge_passed(self, watermark: Instant) -> None:
        """Event time: whatever lies before the watermark is judged before the next fact, of any subject."""
        while self._alarms.next() < watermark:
            for due, subject in self._alarms.pop_due(watermark, 1):
                self._fired.add(subject)
                try:
                    case = self._case(subject)
                    case.armed = None
                    case.judge(due)
                except MemoryError:  # of the process: nothing is wrong with the escalation
                    raise
                except Exception as error:
                    raise Unjudgeable(subject, due) from error
                self._arm(case)

    def _stored_watermark(self) -> Instant:
        stored = self._read(WATERMARK_KEY)
        return Instant(0) if stored is None else Instant(msgspec.msgpack.decode(stored, type=int))
