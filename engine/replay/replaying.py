"""A whole replay: lines in, outcome lines in (time, subject, id) order out, and sums of what was found."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

from engine.contract.codec import Received
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.core.refusals import Refusal
from engine.replay.gather import Arrival, Counts, Rejected, by_arrival, by_subject, receive
from engine.replay.judging import Bench
from engine.replay.outcome_lines import outcome_line
from engine.replay.relaying import Relaying
from engine.replay.sorting import Sorter
from engine.replay.tally import Tally

Lines = Iterable[tuple[str, bytes]]
"""(FILE:LINE, line)."""


class Wish(NamedTuple):
    """What is asked of a replay."""

    until: Instant | None = None
    """None: the highest event time."""
    as_reported: bool = False
    options: Options = Options()

    def end(self, counts: Counts) -> Instant:
        """When the last judgement is made, as far as the events are counted."""
        if self.until is not None:
            return self.until
        return counts.newest if counts.newest is not None else Instant(0)


class Hearing(NamedTuple):
    """Who hears of what while a replay runs."""

    rejected: Callable[[Rejected], None]
    refused: Callable[[str, Fact, Refusal], None]
    judged: Callable[[int], None]
    """So many more events were judged."""


class Replay:
    """One replay of one book; `counts`, `judged` and `tally` are complete when `run` has ended."""

    def __init__(self, book: Book, wish: Wish, hearing: Hearing) -> None:
        self.counts = Counts()
        self.tally = Tally(corrections=wish.as_reported)
        self._wish = wish
        self._hearing = hearing
        self._book = book
        self._bench = Bench(book, wish.options, hearing.refused)

    @property
    def judged(self) -> dict[str, int]:
        """What the core counted: duplicates, late facts, subjects never opened …"""
        return dict(sorted(self._bench.counts.items()))

    @property
    def until(self) -> Instant:
        """When the last judgement is made."""
        return self._wish.end(self.counts)

    def run(self, lines: Lines) -> Iterator[bytes]:
        """Outcome lines. The same events and policies give the same bytes, in whatever order the events come;
        as reported, their order of arrival is a part of the question."""
        with ExitStack() as stack:
            outcomes = stack.enter_context(Sorter(tuple[int, str, str]))
            for outcome in self._outcomes(lines, stack):
                self.tally.add(outcome)
                outcomes.add((outcome.effective_at, outcome.subject, outcome.id), outcome_line(outcome))
            for _, line in outcomes:
                yield line

    def _outcomes(self, lines: Lines, stack: ExitStack) -> Iterator[Outcome]:
        received = receive(lines, self.counts, self._hearing.rejected)
        if self._wish.as_reported:
            recorded = stack.enter_context(Sorter(tuple[int, int]))
            listed = stack.enter_context(Sorter(tuple[int, int]))
            arrivals = self._known(by_arrival(received, recorded, listed))
            yield from self._bench.play(arrivals, lambda: self.until)
            return
        happened = self._happened(received)
        sorter = stack.enter_context(Sorter(tuple[str, int]))
        relaying = Relaying(self._book, self._wish.options, lambda: self.until)
        for subject, facts, relayed in by_subject(happened, sorter, relaying):
            yield from self._bench.judge(subject, facts + relayed, self.until)
            self._hearing.judged(len(facts))

    def _known(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
        """What had arrived by `until`."""
        for arrival in arrivals:
            if self.counts.is_in_time(arrival.subject, max(arrival.now, arrival.fact.at), self._wish.until):
                yield arrival
                self._hearing.judged(1)

    def _happened(self, received: Iterable[Received]) -> Iterator[Received]:
        """What happened by `until`, whenever it was recorded."""
        until = self._wish.until
        return (one for one in received if self.counts.is_in_time(one.subject, one.fact.at, until))
