"""One day, two answers: what stood as reported on that day, and what stands of that time as now known."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from typing import TypeAlias

import msgspec

from engine.contract.codec import Decoded
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.outcomes import VERDICTS, Outcome
from engine.core.policy import Book
from engine.core.recurrence import is_pattern
from engine.replay.changes import Cause, Change, by_clock, changes
from engine.replay.gather import LINKING, Arrival, Counts, by_arrival, take
from engine.replay.judging import Bench
from engine.replay.relaying import occurrences, passed_on
from engine.replay.replaying import Hearing
from engine.replay.sorting import Sorter
from engine.replay.summing import Sums
from engine.replay.verdicts import verdicts

LATE_AT_MOST = 500
"""Late events of one escalation that are tried one by one for the cause of a change."""

_BEHIND_ALL = 2**62
"""Occurrences come behind the events of their pattern."""

Passed: TypeAlias = dict[str, list[Fact]]
"""Target -> what it is passed."""

_encode = msgspec.msgpack.Encoder().encode
_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
_decode_fact = msgspec.msgpack.Decoder(tuple[bool, Fact]).decode


class AsOf:
    """Judges up to a day twice: with what had arrived by then, and with everything known now.

    `counts` and `sums` (left: as reported, right: as now known) are complete when `run` has ended.
    """

    def __init__(self, book: Book, day: Instant, options: Options, hearing: Hearing) -> None:
        self.counts = Counts()
        self.sums = Sums()
        self.late = 0
        """Events that happened by the day and arrived after it."""
        self._book = book
        self._options = options
        self._day = day
        self._linking: set[str] = set()
        """Who may have passed something on."""
        self._hearing = hearing
        self._live = Bench(book, options, hearing.refused)
        self._knowing = Bench(book, options, lambda *_: None)  # the live one has told

    def run(self, read: Iterable[tuple[str, Decoded]]) -> Iterator[Change]:
        """Every clock that the two answers judge differently, in the order of subjects."""
        with ExitStack() as stack:
            recorded = stack.enter_context(Sorter(tuple[int, int]))
            listed = stack.enter_context(Sorter(tuple[int, int]))
            facts = stack.enter_context(Sorter(tuple[str, int]))
            said = stack.enter_context(Sorter(tuple[str, int]))
            received = take(read, self.counts, self._hearing.rejected)
            arrivals = self._by_the_day(by_arrival(received, recorded, listed), facts)
            for outcome in self._live.play(arrivals, lambda: self._day):
                said.add((outcome.subject, outcome.seq), _encode(outcome))
            relayed = self._relayed(facts)
            self._recur(facts)
            for subject, known, late, reported in _together(facts, said):
                then, now = (by.get(subject, []) for by in relayed)
                # What is passed on because of a late event came late itself, and behind it.
                known += [fact for fact in now if fact in then]
                late += [fact for fact in now if fact not in then]
                yield from self._compare(subject, known, late, reported)
                self._hearing.judged(len(known) + len(late) - len(now))

    def _relayed(self, facts: Sorter[tuple[str, int]]) -> tuple[Passed, Passed]:
        """What escalations pass on to each other: by what had arrived by the day, and by everything known."""
        then: defaultdict[str, list[Fact]] = defaultdict(list)
        now: defaultdict[str, list[Fact]] = defaultdict(list)
        for (subject, _), packed in facts if self._linking else ():
            if subject in self._linking:
                in_time, fact = _decode_fact(packed)
                now[subject].append(fact)
                if in_time:
                    then[subject].append(fact)
        by_then, by_now = (passed_on(self._book, self._options, by, self._day) for by in (then, now))
        return by_then, by_now

    def _recur(self, facts: Sorter[tuple[str, int]]) -> None:
        """Put its occurrences, as now known, to the facts of every pattern; some of them came late."""
        by_answer: list[dict[tuple[str, str], Fact]] = []
        for all_of_them in (False, True):
            passed = occurrences(self._book, self._options, _escalations(facts, all_of_them))
            by_answer.append({(relay.target, relay.fact.id): relay.fact for relay in passed})
        then, now = by_answer
        for number, ((pattern, identity), fact) in enumerate(sorted(now.items())):
            in_time = then.get((pattern, identity)) == fact
            facts.add((pattern, _BEHIND_ALL + number), _encode((in_time, fact)))

    def _by_the_day(self, arrivals: Iterable[Arrival], facts: Sorter[tuple[str, int]]) -> Iterator[Arrival]:
        """What had arrived by the day; everything that had happened by then is kept for the second answer."""
        for number, arrival in enumerate(arrivals):
            if not self.counts.is_in_time(arrival.subject, arrival.fact.at, self._day):
                continue
            if arrival.fact.kind in LINKING:
                self._linking.add(arrival.subject)
            in_time = arrival.now <= self._day
            facts.add((arrival.subject, number), _encode((in_time, arrival.fact)))
            if in_time:
                yield arrival
            else:
                self.late += 1

    def _compare(
        self, subject: str, known: list[Fact], late: list[Fact], reported: list[Outcome]
    ) -> Iterator[Change]:
        left = verdicts(reported)
        right = self._verdicts(subject, known + late)
        self.sums.count(left, right)
        found = changes(left, right)
        causes = self._causes(subject, known, late, found) if found else {}
        for change in found:
            named = change._replace(cause=causes.get(change.clock))
            self.sums.add(named)
            yield named

    def _verdicts(self, subject: str, facts: list[Fact]) -> list[Outcome]:
        outcomes = self._knowing.judge(subject, facts, self._day)
        return verdicts(one for one in outcomes if one.name in VERDICTS)

    def _causes(
        self, subject: str, known: list[Fact], late: list[Fact], found: list[Change]
    ) -> dict[object, Cause]:
        """For each clock the late event after which it came to be as it is now."""
        if len(late) > LATE_AT_MOST:
            return {}
        causes: dict[object, Cause] = {}
        before = by_clock(one for change in found for one in change.left)
        for number, fact in enumerate(late, 1):
            after = by_clock(self._verdicts(subject, known + late[:number]))
            for change in found:
                if after.get(change.clock, ()) != before.get(change.clock, ()):
                    causes[change.clock] = Cause(fact.id, fact.recorded, fact.source, fact.kind, fact.at)
            before = after
        return causes


def _together(
    facts: Iterable[tuple[tuple[str, int], bytes]], said: Iterable[tuple[tuple[str, int], bytes]]
) -> Iterator[tuple[str, list[Fact], list[Fact], list[Outcome]]]:
    """Each subject with its facts in time, its late ones, and what was said of it; both come by subject."""
    both = heapq.merge(
        ((subject, True, packed) for (subject, _), packed in facts),
        ((subject, False, packed) for (subject, _), packed in said),
        key=lambda one: one[0],
    )
    for subject, group in groupby(both, key=lambda one: one[0]):
        known: list[Fact] = []
        late: list[Fact] = []
        reported: list[Outcome] = []
        for _, is_fact, packed in group:
            if is_fact:
                in_time, fact = _decode_fact(packed)
                (known if in_time else late).append(fact)
            else:
                reported.append(_decode_outcome(packed))
        yield subject, known, late, reported


def _escalations(
    facts: Iterable[tuple[tuple[str, int], bytes]], all_of_them: bool
) -> Iterator[tuple[str, list[Fact]]]:
    """Each with its facts, those that came late among them or not."""
    for subject, group in groupby(facts, key=lambda pair: pair[0][0]):
        told = [
            fact for _, packed in group for in_time, fact in [_decode_fact(packed)] if in_time or all_of_them
        ]
        if told and not is_pattern(subject):
            yield subject, told
