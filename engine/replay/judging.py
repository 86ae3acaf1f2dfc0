"""The core over recorded facts: with everything known, or as a live engine met them."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from engine.core.alarms import Alarms
from engine.core.case import precedence
from engine.core.decide import Changes, Options, Refusal, Round
from engine.core.facts import Fact, in_order, opening
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book
from engine.replay.gather import Arrival

RefusedFact = Callable[[str, Fact, Refusal], None]
"""Hears of a fact that did not become part of the state."""


class Bench:
    """Judges recorded facts by one book."""

    def __init__(self, book: Book, options: Options, refused: RefusedFact) -> None:
        self._book = book
        self._options = replace(options, event_time=False)  # time is told by ticks here
        self._refused = refused
        self.counts: Counter[str] = Counter()

    def judge(self, subject: str, facts: list[Fact], until: Instant) -> list[Outcome]:
        """What there is to say of one subject at `until`, all its facts known: nothing is corrected."""
        return self.settle(subject, facts, until).outcomes

    def settle(self, subject: str, facts: list[Fact], until: Instant) -> Changes:
        """The same, and what would be stored of it."""
        distinct = self._distinct(subject, facts)
        options = self._options
        if opening(distinct) is not None:  # it is known: nothing has to stand in for it
            options = replace(options, open_on_first_event=False)
        alarms = Alarms()
        this = Round(self._book, _nothing, alarms, options, until)
        # What is older than the opening waits for it: taken behind it, each would be late.
        now = next((fact.at for fact in in_order(distinct)), until)
        for fact in sorted(distinct, key=lambda fact: fact.order):
            if fact.at > now:
                now = fact.at
                _tick(this, alarms, now)
            self._take(this, subject, fact)
        _tick(this, alarms, until)
        return self._closed(this)

    def play(self, arrivals: Iterable[Arrival], until: Callable[[], Instant]) -> Iterator[Outcome]:
        """What a live engine said, in the order of saying. `until` is asked when all have arrived.

        What an escalation passes on arrives at once.
        """
        state: dict[bytes, bytes] = {}
        alarms = Alarms()
        clock = Instant(-(2**62))
        for now, subject, fact in arrivals:
            yield from self._pass(state, alarms, clock, now)
            clock = now
            arrived = deque([(subject, fact)])
            while arrived:
                to, taken = arrived.popleft()
                this = Round(self._book, state.get, alarms, self._options, now)
                self._take(this, to, taken)
                changes = self._closed(this)
                changes.apply_to(state)
                yield from changes.outcomes
                arrived.extend((relay.target, relay.fact) for relay in changes.relays)
        yield from self._pass(state, alarms, clock, until())

    def _pass(
        self, state: dict[bytes, bytes], alarms: Alarms, clock: Instant, now: Instant
    ) -> Iterator[Outcome]:
        """Judge what came due before `now`, alarm by alarm, while the clock goes from `clock` to it.

        Each is detected just after it is due; what a late fact has armed for the past, at the next look.
        """
        while alarms.next() < now:
            for due, subject in alarms.pop_due(now, 1):
                this = Round(self._book, state.get, alarms, self._options, max(due, clock))
                this.tick(subject, due)
                changes = self._closed(this)
                changes.apply_to(state)
                yield from changes.outcomes

    def _distinct(self, subject: str, facts: list[Fact]) -> list[Fact]:
        """One fact an identity: of two contents the one that stands in the end."""
        standing: dict[tuple[str, str], Fact] = {}
        for fact in facts:
            other = standing.setdefault((fact.source, fact.id), fact)
            if other is fact:
                continue
            if fact.same_content(other):
                self.counts["duplicate"] += 1
                if fact.recorded < other.recorded:  # what stands was recorded when it was recorded first
                    standing[fact.source, fact.id] = fact
            else:
                first, second = sorted((other, fact), key=precedence)
                self._refused(subject, second, Refusal("conflicting_duplicate", "", True))
                self.counts["conflicting_duplicate"] += 1
                standing[fact.source, fact.id] = first
        return list(standing.values())

    def _take(self, this: Round, subject: str, fact: Fact) -> None:
        refusal = this.fact(subject, fact)
        if refusal is not None:
            self.counts[refusal.reason] += 1
            if refusal.dead:
                self._refused(subject, refusal.fact or fact, refusal)

    def _closed(self, this: Round) -> Changes:
        changes = this.close()
        self.counts += changes.counts
        return changes


def _tick(this: Round, alarms: Alarms, now: Instant) -> None:
    while alarms.next() < now:
        for due, subject in alarms.pop_due(now, 1):
            this.tick(subject, due)


def _nothing(_: bytes) -> bytes | None:
    return None
