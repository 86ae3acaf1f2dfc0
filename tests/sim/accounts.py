"""What a run left behind, read as an auditor would: the topics, the state recovered anew, and a replay."""

from collections import defaultdict
from functools import cache, cached_property
from typing import NamedTuple

import msgspec
from faust.types import TP
from simulation import World

from engine.contract.codec import Received, Unreadable, decode, decode_outcome, structured_event
from engine.core import state
from engine.core.decide import Alarms, Round
from engine.core.escalation import Escalation
from engine.core.facts import Fact
from engine.core.history import History
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.shelf import Said
from engine.core.standing import standing
from engine.replay.replaying import Hearing, Replay, Wish
from engine.replay.verdicts import read_outcome
from engine.settings import TABLE, Settings
from engine.stream.app import faust_app
from engine.stream.chunks import Chunk, Fetched
from engine.stream.table import StateTable

AFTER_ALL_MS = 7_000_000_000_000
"""A timestamp of which no event is in the future."""


class Stored(NamedTuple):
    """One escalation in the state."""

    escalation: Escalation
    facts: list[Fact]
    ledger: list[Said]
    alarm: Instant
    recounted: bool
    """The calendars changed after something was said of it, as the engine noted when it read it next."""
    almanac: int
    """By which calendars it was judged last."""
    has_said: bool


class Broken(NamedTuple):
    """A record that must be a dead letter, or be ignored."""

    place: tuple[str, int, int]
    unreadable: Unreadable


class Accounts:
    """Everything that the checks ask about."""

    def __init__(self, world: World) -> None:
        self.world = world
        settings = world.settings
        self.events: defaultdict[str, list[Fact]] = defaultdict(list)
        """Of each subject, every event that could be read, in the order of the log."""
        self.broken: list[Broken] = []
        for topic in (settings.tickets_topic, settings.incidents_topic):
            for number in range(world.partitions):
                for record in world.broker.log(TP(topic, number)).committed():
                    self._read(record)
        self.outcomes: list[Outcome] = []
        """As a reader of committed data gets them: nothing twice is left out."""
        self.dead_letters: list[Fetched] = []
        self.state: dict[int, dict[bytes, bytes]] = {}
        """Of each partition, as a new owner recovers it from the changelog."""
        for number in range(world.partitions):
            said = world.broker.log(TP(settings.outcomes_topic, number)).committed()
            self.outcomes += [decode_outcome(o.value or b"", o.headers) for o in said]
            self.dead_letters += world.broker.log(TP(settings.dlq_topic, number)).committed()
            self.state[number] = _recovered(world, number)

    def stored(self) -> dict[str, Stored]:
        """Every escalation of the state, by subject."""
        found: dict[str, Stored] = {}
        for records in self.state.values():
            found |= stored_in(records)
        return found

    @cached_property
    def replayed(self) -> list[bytes]:
        """What `vigil replay` says of the same events, as lines."""
        return self._replay([(subject, fact) for subject, facts in self.events.items() for fact in facts])

    @cached_property
    def replayed_backwards(self) -> list[bytes]:
        return self._replay(
            [(subject, fact) for subject, facts in self.events.items() for fact in reversed(facts)]
        )

    @cached_property
    def standing_by_replay(self) -> list[Outcome]:
        return standing(map(read_outcome, self.replayed))

    def _replay(self, events: list[tuple[str, Fact]]) -> list[bytes]:
        world = self.world
        lines = (
            (
                f"events:{number}",
                msgspec.json.encode(structured_event(f"ticket.{fact.kind}.v1", subject, fact)),
            )
            for number, (subject, fact) in enumerate(events)
        )
        wish = Wish(until=world.until, options=world.options)
        return list(Replay(world.book, wish, _NOBODY).run(lines))

    def judged_anew(self, subject: str, facts: list[Fact]) -> dict[bytes, bytes]:
        """The facts in this order in one round, then all that is due: the records that they lead to."""
        world, alarms = self.world, Alarms()
        store: dict[bytes, bytes] = {}
        this = Round(world.book, store.get, alarms, world.options, world.until)
        for fact in facts:
            this.fact(subject, fact)
        while alarms.next() < world.until:
            for due, name in alarms.pop_due(world.until, 1):
                this.tick(name, due)
        changes = this.close()
        store.update((key, value) for key, value in changes.records if value is not None)
        return store

    def _read(self, record: Fetched) -> None:
        said = decode(record.key, record.value, record.headers, record.timestamp)
        if isinstance(said, Received):
            self.events[said.subject].append(said.fact)
        elif isinstance(said, Unreadable):
            self.broken.append(Broken((record.topic, record.partition, record.offset), said))


_NOBODY = Hearing(lambda _: None, lambda *_: None, lambda _: None)


def stored_in(records: dict[bytes, bytes]) -> dict[str, Stored]:
    """The escalations of one partition's records."""
    found: dict[str, Stored] = {}
    for key, record in records.items():
        if b"\0" not in key:
            escalation, shelf = state.decode(record)
            items = History(key, shelf, records.get).items()
            found[key.decode()] = Stored(
                escalation,
                [item for item in items if isinstance(item, Fact)],
                [item for item in items if isinstance(item, Said)],
                state.head(record).alarm,
                shelf.recounted,
                state.head(record).almanac,
                shelf.seq > 0,
            )
    return found


def refused_facts(dead_letters: list[Fetched]) -> list[Received]:
    """The events among the dead letters that were read, and refused for what they say."""
    found = []
    for letter in dead_letters:
        if reason_of(letter) in ("conflicting_duplicate", "unknown_policy_version"):
            said = decode(letter.key, letter.value, letter.headers, AFTER_ALL_MS)
            assert isinstance(said, Received), said
            found.append(said)
    return found


def reason_of(letter: Fetched) -> str:
    return dict(letter.headers)["__connect.errors.exception.class.name"].decode()


def place_of(letter: Fetched) -> tuple[str, int, int] | None:
    """Topic, partition and offset of the record that it is made of; None for a fact that left the state."""
    said = dict(letter.headers)
    if "__connect.errors.offset" not in said:
        return None
    topic, partition, offset = (said[f"__connect.errors.{name}"] for name in ("topic", "partition", "offset"))
    return topic.decode(), int(partition), int(offset)


@cache
def _table() -> StateTable:
    return StateTable(
        faust_app(Settings(app_id="sim"), 1)[0], name=TABLE, key_type=bytes, value_type=bytes, partitions=1
    )


def _recovered(world: World, number: int) -> dict[bytes, bytes]:
    table = _table()
    table.hold_only(set())
    table.hold_only({number})
    tp = TP(world.settings.changelog_topic, number)
    table.take(Chunk(tp, world.broker.log(tp).read(0, 1_000_000), 0))
    return dict(table.held(number))
