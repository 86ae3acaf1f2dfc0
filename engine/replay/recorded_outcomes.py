"""Outcomes as they were said → what stands of them: as reported by a day, and as now known."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from engine.core.instants import Instant
from engine.core.outcomes import BEHIND, VERDICTS, Outcome
from engine.core.standing import standing, what_stands
from engine.replay.changes import FAILED, Cause, Change, Clock, changes
from engine.replay.sorting import Sorter
from engine.replay.summing import Sums

_ENDS = frozenset(["met", "stopped_late", "cancelled", "waived"])
"""The verdicts after which nothing of a clock's cycle is open."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Outcome).decode


class Answers(NamedTuple):
    """What stands of one escalation, each verdict as it was last said."""

    reported: list[Outcome]
    known: list[Outcome]
    changes: list[Change]


class Recorded:
    """Reads outcomes once, in any order; `sums` and the counts are complete when `run` has ended."""

    def __init__(self, day: Instant | None) -> None:
        """`day` None: as now known, with no end of the period; both answers are then the same."""
        self.outcomes = 0
        self.subjects = 0
        self.repeated = 0
        """Outcomes that were there again: the same id and seq."""
        self.orphans = 0
        """Corrections of what is not there: earlier outcomes are missing."""
        self.clashes = 0
        """Different outcomes with one seq: of two runs, or of an escalation that was opened anew."""
        self.provisional = 0
        """Verdicts that were said while the engine was behind, and not corrected since."""
        self.first_said: Instant | None = None
        self.last_said: Instant | None = None
        self.sums = Sums()
        self._day = day

    def run(self, outcomes: Iterable[Outcome]) -> Iterator[Answers]:
        """The answers for each escalation, by subject."""
        with Sorter(tuple[str, int, int]) as sorter:
            for one in outcomes:
                self._notice(one)
                sorter.add((one.subject, one.seq, one.detected_at), _encode(one))
            for _, group in groupby(sorter, key=lambda pair: pair[0][0]):
                self.subjects += 1
                yield self._answer(self._distinct(_decode(packed) for _, packed in group))

    @property
    def said_at_one_moment(self) -> bool:
        """Whether all was found at once, as by a replay with everything known: no day can be asked of it."""
        return self.outcomes > 1 and self.first_said == self.last_said

    def _notice(self, one: Outcome) -> None:
        self.outcomes += 1
        if self.first_said is None or one.detected_at < self.first_said:
            self.first_said = one.detected_at
        if self.last_said is None or one.detected_at > self.last_said:
            self.last_said = one.detected_at

    def _distinct(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """In the order of saying, each once: of one that is there again the copy that was said first."""
        kept: dict[tuple[int, str], Outcome] = {}
        numbers: set[int] = set()
        for one in outcomes:
            if (one.seq, one.id) in kept:
                self.repeated += 1
                continue
            self.clashes += one.seq in numbers
            numbers.add(one.seq)
            kept[one.seq, one.id] = one
        return list(kept.values())

    def _answer(self, said: list[Outcome]) -> Answers:
        day = self._day
        known, orphans = _stands(said)
        self.orphans += orphans
        if day is None:
            self.provisional += sum(one.provisional for one in known)
            stands = standing(known)
            self.sums.count(stands, stands)
            return Answers(known, known, [])
        known = [one for one in known if _is_over(one, day)]
        by_then, _ = _stands([one for one in said if one.detected_at <= day])
        reported = [one for one in by_then if _is_over(one, day)]
        left, right = standing(reported), standing(known)
        self.sums.count(left, right)
        found = [change._replace(cause=_cause(said, change, day)) for change in changes(left, right)]
        for change in found:
            self.sums.add(change)
        return Answers(reported, known, found)


def _stands(said: list[Outcome]) -> tuple[list[Outcome], int]:
    """The verdicts that stand, amendments under the name of what they amend, and what was told to be unknown
    and has none yet; and how many are corrections of nothing."""
    stand, orphans = what_stands(said)
    settled = [_settled(one) for one in stand]
    known = [one for one in settled if one.name in VERDICTS]
    ended = {_clock(one) for one in known if one.name in _ENDS}
    due = {(_clock(one), one.due_at) for one in known}
    unknown = [
        one
        for one in settled
        if one.name == BEHIND and _clock(one) not in ended and (_clock(one), one.due_at) not in due
    ]
    return [*known, *unknown], len(orphans)


def _settled(o: Outcome) -> Outcome:
    if o.name != "amended":
        return o
    return replace(o, name=o.outcome, id=o.id_as(o.outcome), corrects="", outcome="")


def _is_over(one: Outcome, day: Instant) -> bool:
    """Whether it belongs to the time up to the day: what is due exactly then is not judged yet."""
    if one.effective_at == day:
        return not (one.name in FAILED and one.due_at == day)
    return one.effective_at < day


def _cause(said: list[Outcome], change: Change, day: Instant) -> Cause | None:
    """The last thing said of the clock after the day; it, or a correction beside it, names the event."""
    later = [one for one in said if one.detected_at > day]
    mine = [one for one in later if _clock(one) == change.clock]
    if not mine:
        return None
    last = max(mine, key=lambda one: (bool(one.caused_by), one.seq))
    beside = (one.caused_by for one in later if one.detected_at == last.detected_at and one.caused_by)
    return Cause(last.caused_by or next(beside, ""), last.detected_at)


def _clock(one: Outcome) -> Clock:
    return one.subject, one.metric, one.key, one.cycle
