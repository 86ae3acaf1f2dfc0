"""What escalations pass on to each other when everything is known: judged until nothing more is passed on."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from engine.core.decide import Options
from engine.core.facts import CONTACT_INHERITED, Fact
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.relays import Relay
from engine.replay.judging import Bench


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
        found[relay.target].append(relay.fact)
    return dict(found)


def _contacts(facts: list[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.kind == CONTACT_INHERITED]
