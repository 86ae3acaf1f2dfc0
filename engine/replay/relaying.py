"""What escalations pass on when everything is known: to each other until nothing more is, and to patterns."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby

import msgspec
from msgspec.structs import replace

from engine.core.decide import Options
from engine.core.facts import CONTACT_INHERITED, OCCURRENCE, Fact
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.relays import Relay, is_withdrawn, key_of
from engine.replay.judging import Bench
from engine.replay.sorting import Sorter

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fact).decode


class Relaying:
    """What is passed on by one book; `until` is asked when all events are read."""

    def __init__(self, book: Book, options: Options, until: Callable[[], Instant]) -> None:
        self._book = book
        self._options = options
        self._until = until

    def passed_on(self, sources: Mapping[str, list[Fact]]) -> Mapping[str, list[Fact]]:
        """From those who link or merge, each with all its facts, to what each target is passed."""
        return passed_on(self._book, self._options, sources, self._until())

    def occurrences(self, escalations: Iterable[tuple[str, list[Fact]]]) -> Iterator[tuple[str, list[Fact]]]:
        """Every pattern with its occurrences, in the order of the patterns."""
        with Sorter(tuple[str, int]) as sorter:
            for number, relay in enumerate(occurrences(self._book, self._options, escalations)):
                sorter.add((relay.target, number), _encode(relay.fact))
            for pattern, group in groupby(sorter, key=lambda pair: pair[0][0]):
                yield pattern, [_decode(packed) for _, packed in group]


def occurrences(
    book: Book, options: Options, escalations: Iterable[tuple[str, list[Fact]]]
) -> Iterator[Relay]:
    """That they are occurrences of their patterns in the end; nothing where no policy asks for it."""
    occurring = Occurring(book, options)
    if occurring.is_asked_for:
        for subject, facts in escalations:
            yield from occurring.of(subject, facts)


class Occurring:
    """Of which pattern an escalation is an occurrence in the end; it follows from its own facts alone.

    Neither clocks nor what others pass on have a part in it: it is judged without them, in a part of the
    time.
    """

    def __init__(self, book: Book, options: Options) -> None:
        self.is_asked_for = any(policy.recurrence is not None for policy in book.policies)
        """By a policy."""
        bare = (replace(one, clocks=(), cadences=(), war_room={}, credits=()) for one in book.policies)
        self._bench = Bench(replace(book, policies=tuple(bare)), options, lambda *_: None)

    def of(self, subject: str, facts: list[Fact]) -> list[Relay]:
        """What it passes on to its pattern; nothing where it has none."""
        if not self.is_asked_for:
            return []
        passed = self._bench.settle(subject, facts, max(fact.at for fact in facts)).relays
        last = {key_of(relay): relay for relay in passed if relay.fact.kind == OCCURRENCE}
        return [relay for relay in last.values() if not is_withdrawn(relay.fact)]


def passed_on(
    book: Book, options: Options, sources: Mapping[str, list[Fact]], until: Instant
) -> dict[str, list[Fact]]:
    """Target -> what it is passed up to `until` by the sources, each given with all its facts.

    A contact that a source inherits is passed on with its own: it is judged again then. That ends, for what
    is passed on depends on earlier facts alone (`engine.core.relays.contact_inherited`).
    """
    bench = Bench(book, options, lambda *_: None)
    received: defaultdict[str, dict[str, list[Fact]]] = defaultdict(dict)
    waiting = deque(sorted(sources))
    while waiting:
        subject = waiting.popleft()
        facts = [*sources[subject], *_all_of(received[subject])]
        changes = bench.settle(subject, facts, min(until, max(fact.at for fact in facts)))
        now = _by_target(relay for relay in changes.relays if relay.fact.at <= until)
        gone = (target for target, by in received.items() if subject in by)
        for target in sorted({*now, *gone}):
            before, after = received[target].get(subject, []), now.get(target, [])
            received[target][subject] = after
            if target in sources and target not in waiting and _contacts(before) != _contacts(after):
                waiting.append(target)
    return {target: facts for target, by in received.items() if (facts := _all_of(by))}


def _all_of(by: Mapping[str, list[Fact]]) -> list[Fact]:
    return [fact for facts in by.values() for fact in facts]


def _by_target(relays: Iterable[Relay]) -> dict[str, list[Fact]]:
    found: defaultdict[str, list[Fact]] = defaultdict(list)
    for relay in relays:
        if relay.fact.kind != OCCURRENCE:
            found[relay.target].append(relay.fact)
    return dict(found)


def _contacts(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.kind == CONTACT_INHERITED]
