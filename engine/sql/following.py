"""Follows topics into a database: fetch, one transaction with the offsets; and waits for what is away."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from threading import Event
from typing import Any, Protocol, TypeAlias

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, OffsetOutOfRangeError, UnknownTopicOrPartitionError
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from engine.sql.database import reason
from engine.sql.offsets import Advance, Overtaken

log = structlog.stdlib.get_logger("vigil.following")

Record: TypeAlias = Any
"""kafka-python's ConsumerRecord."""

AWAY = (OperationalError, InterfaceError, InternalError, NoneFree)
"""What SQLAlchemy raises where the database is away, or another writer has it for too long; the third where
PostgreSQL is a replica, or was set to be read only; the last where all our connections to it are in use."""
_POLL_MS = 500
_LOOK_SECONDS = 5.0
"""Between two looks at how far the topics go; a broker that is away is noticed by it."""
_ANSWER_MS = 5_000
_STALLED_SECONDS = 60.0
"""Longer than one write takes, and a few looks."""
_SHORT_SECONDS = 10.0
"""So long a topic may seem to end before what was read of it: while another broker becomes its leader."""
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0


class TopicMadeAnew(Exception):
    """A topic is not the one that was read: it has another id, or ends before what the database has read."""


class Into(Protocol):
    """Where the records go."""

    def offsets(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the offset to read next."""

    def topic_ids(self) -> dict[str, str]:
        """Topic -> the id of the one that was read, where it is known."""

    def take(self, records: Sequence[Record], read: Collection[Advance]) -> None:
        """Each partition's in its order, with the offsets in one transaction; Overtaken: nothing. No records:
        what was read is none, such as the end of a transaction."""


def topic_id(consumer: KafkaConsumer, topic: str) -> str:
    """Which topic of that name it is, as the consumer last heard; empty where the broker tells none."""
    found = consumer._cluster.topic_id(topic)  # no public name; tests/archive/test_topic_ids.py holds it
    return str(found) if found is not None and found.int else ""


def made_anew(consumer: KafkaConsumer, topics: Iterable[str], read: Mapping[str, str]) -> list[str]:
    """What there is to say of topics that are not those that were read, by their ids."""
    return [
        f"{topic} was made anew since it was read, or is another cluster's: its id is {now} and was {before}"
        for topic in topics
        if (before := read.get(topic)) and (now := topic_id(consumer, topic)) not in ("", before)
    ]


def partitions_of(consumer: KafkaConsumer, topics: Iterable[str]) -> list[TopicPartition]:
    """All of the topics; UnknownTopicOrPartitionError."""
    found: list[TopicPartition] = []
    for topic in topics:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise UnknownTopicOrPartitionError(topic)
        found += [TopicPartition(topic, number) for number in sorted(numbers)]
    return found


class Watch(Protocol):
    """Who counts."""

    def retried(self, reason: str) -> None:
        """broker_away, database_away or overtaken."""

    def gone(self, records: int) -> None:
        """Offsets that are passed over: the topic had no more what lay there when it was to be read."""

    def lag(self, topic: str, records: int) -> None:
        """Every few seconds, as long as topics and database are there, and what is there is taken."""


class Follower:
    """Reads all partitions of the topics, from where the database stands; Kafka's committed offsets are not
    asked. Ends when `stopping` is set, with everything written that was fetched.

    Two of them on one database do no harm: each write says where its reading began, and who is overtaken
    begins again where the database stands.
    """

    def __init__(
        self,
        into: Into,
        topics: Sequence[str],
        connect: Callable[[], KafkaConsumer],
        stopping: Event,
        watch: Watch,
        at_once: int,
    ) -> None:
        """`connect` makes a consumer without a group that reads committed records and resets no offset.
        `at_once`: records of one transaction, at most."""
        self._into = into
        self._topics = topics
        self._connect = connect
        self._stopping = stopping
        self._watch = watch
        self._at_once = at_once
        self._next: dict[TopicPartition, int] = {}
        """Where the database stands."""
        self._stored: dict[tuple[str, int], int] = {}
        """As it says so itself: it may have read none of a partition yet, and others of other topics."""
        self._ids: dict[str, str] = {}
        """Which topics are read: what has the same name and another id, would go on with others' offsets."""
        self._unnamed: set[TopicPartition] = set()
        """Of these the database knows an offset, and not of which topic."""
        self._gone: dict[TopicPartition, int] = {}
        """How many offsets from there on the topic has no more; counted once the database has passed them."""
        self._looked = time.monotonic()
        self._has_written = False
        """Since then."""
        self._short_since: float | None = None
        """Since when a topic ends before what was read of it."""
        self._away = "starting"

    def why_off(self) -> str:
        """What keeps it from its work: `starting`, `broker_away`, `database_away`, or `stalled`, where it has
        come no further for a minute. Empty: nothing does. From any thread."""
        is_stalled = time.monotonic() - self._looked > _STALLED_SECONDS
        return self._away or ("stalled" if is_stalled else "")

    def run(self) -> None:
        """TopicMadeAnew where going on would be wrong."""
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._follow()
                return
            except AWAY as error:
                self._wait("database_away", reason(error), wait)
            except OffsetOutOfRangeError:
                continue  # `_stand` says what is gone
            except KafkaError as error:
                self._wait("broker_away", str(error) or type(error).__name__, wait)
            wait = _FIRST_WAIT if time.monotonic() - began > _LONGEST_WAIT else min(2 * wait, _LONGEST_WAIT)

    def _wait(self, what: str, why: str, wait: float) -> None:
        self._away = what
        log.warning(what, why=why, again_in_seconds=wait)
        self._watch.retried(what)
        self._stopping.wait(wait)

    def _follow(self) -> None:
        consumer = self._connect()
        try:
            self._stand(consumer)
            while not self._stopping.is_set():
                fetched = consumer.poll(timeout_ms=_POLL_MS, max_records=self._at_once)
                try:
                    if fetched:
                        self._write(fetched)
                    if self._away or time.monotonic() - self._looked > _LOOK_SECONDS:
                        self._look(consumer)
                except Overtaken as where:
                    log.warning("overtaken", by="another process that writes this database", at=str(where))
                    self._watch.retried("overtaken")
                    self._stand(consumer)
        finally:
            consumer.close(autocommit=False)

    def _stand(self, consumer: KafkaConsumer) -> None:
        """Assign all partitions, and go to where the database stands in each."""
        partitions = partitions_of(consumer, self._topics)
        consumer.assign(partitions)
        self._stored = self._into.offsets()  # before the ends: another may write it meanwhile, and read on
        known = self._into.topic_ids()
        self._must_be_the_same(consumer, self._ids | known)
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        self._has_written = False
        self._gone = {}
        self._unnamed = {
            one
            for one in partitions
            if (one.topic, one.partition) in self._stored and known.get(one.topic) != self._ids.get(one.topic)
        }
        for one in partitions:
            stands = self._stored.get((one.topic, one.partition), first[one])
            if stands > end[one]:
                raise TopicMadeAnew(
                    f"{one.topic}/{one.partition} ends at {end[one]:,} and was read up to "
                    f"{stands:,}: it is another topic, or has lost records"
                )
            if stands < first[one]:
                why = "we were away for longer than the topic keeps them"
                place = f"{one.topic}/{one.partition}"
                log.error("records_gone", partition=place, read_to=stands, first=first[one], why=why)
                self._gone[one] = first[one] - stands
            self._next[one] = stands
            consumer.seek(one, max(stands, first[one]))
        log.info("following", topics=list(self._topics), partitions=len(partitions))

    def _must_be_the_same(self, consumer: KafkaConsumer, read: Mapping[str, str]) -> None:
        """TopicMadeAnew where a topic is not the one that was `read`, by its id."""
        if others := made_anew(consumer, self._topics, read):
            raise TopicMadeAnew("; ".join(others))
        self._ids |= {topic: id_ for topic in self._topics if (id_ := topic_id(consumer, topic))}

    def _write(self, fetched: Mapping[TopicPartition, list[Record]]) -> None:
        ends = {partition: records[-1].offset + 1 for partition, records in fetched.items()}
        self._take([record for records in fetched.values() for record in records], ends)

    def _take(self, records: Sequence[Record], ends: Mapping[TopicPartition, int]) -> None:
        read = [
            Advance(one.topic, one.partition, self._next[one], end, self._ids.get(one.topic, ""))
            for one, end in ends.items()
        ]
        self._into.take(records, read)
        if gone := sum(self._gone.pop(one, 0) for one in ends):
            self._watch.gone(gone)
        self._next |= ends
        self._unnamed -= ends.keys()
        self._stored |= {(one.topic, one.partition): one.next for one in read}
        self._has_written = True

    def _look(self, consumer: KafkaConsumer) -> None:
        """Overtaken where the database stands elsewhere: another has written, or it was restored."""
        self._must_be_the_same(consumer, self._ids)
        if len(partitions_of(consumer, self._topics)) > len(self._next):  # added since; none else reads them
            self._stand(consumer)
        positions = {one: consumer.position(one) for one in self._next}
        passed = {one: at for one, at in positions.items() if at > self._next[one] or one in self._unnamed}
        if passed:  # the end of a transaction, or one that was aborted; or it is not noted whose offset it is
            self._take([], passed)
        stored = self._into.offsets()
        for place in ((one.topic, one.partition) for one in self._next):
            if stored.get(place) != self._stored.get(place):
                raise Overtaken(f"{place[0]}/{place[1]}")
        ends = consumer.end_offsets(list(self._next), timeout_ms=_ANSWER_MS)
        behind = {one: ends[one] - at for one, at in self._next.items()}
        if min(behind.values()) < 0:
            self._ends_early(consumer)
            return
        self._short_since = None
        if any(behind.values()) and not self._has_written:
            return  # what is there may be what cannot be written
        for topic in self._topics:
            self._watch.lag(topic, sum(count for one, count in behind.items() if one.topic == topic))
        self._looked, self._has_written, self._away = time.monotonic(), False, ""

    def _ends_early(self, consumer: KafkaConsumer) -> None:
        """A topic ends before what was read of it. Kafka tells nobody who waits at its end that it was made
        anew; once it is as long, what lies before would be passed over."""
        now = time.monotonic()
        self._short_since = self._short_since or now
        if now - self._short_since > _SHORT_SECONDS:
            self._stand(consumer)  # TopicMadeAnew
