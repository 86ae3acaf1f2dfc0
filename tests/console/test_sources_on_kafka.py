"""Which sources are behind, asked of a real Kafka: events that lie there, and what a group has committed."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewPartitions
from kafka.structs import OffsetAndMetadata

from engine.cli.reading import Committed, reader
from engine.console.sources import Bounds, Late, Sources
from engine.core.instants import MINUTE, SECOND, Instant, Span
from engine.demo.broker import KafkaBroker
from engine.settings import Settings
from servers import create_topics, unique

NOW = Instant(int(time.time()) * SECOND)
PARTITIONS = 2


class Desk:
    """Two topics, a group that commits what the test says, and what is seen of it."""

    def __init__(self, kafka: KafkaBroker) -> None:
        name = unique("behind")
        self.tickets, self.incidents = f"{name}.tickets", f"{name}.incidents"
        self.settings = Settings(
            bootstrap_servers=kafka.bootstrap, app_id=name, tickets_topic=self.tickets,
            incidents_topic=self.incidents,
        )  # fmt: skip
        create_topics(kafka.bootstrap, self.tickets, self.incidents, partitions=PARTITIONS)
        self.now = NOW
        self.committed = Committed(self.settings)
        self.consumer = reader(self.settings, "earliest")
        self.group = KafkaConsumer(bootstrap_servers=kafka.bootstrap, group_id=name, enable_auto_commit=False)

    def close(self) -> None:
        self.committed.close()
        self.consumer.close(autocommit=False)
        self.group.close(autocommit=False)

    async def record(self, *minutes: float, partition: int = 0, **how: str) -> None:
        """Tickets that were recorded so many minutes ago; by a transaction each where one is named."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers, **how)
        async with producer:
            for one in minutes:
                stamp = int((NOW - one * MINUTE) // 1000)
                if how:
                    async with producer.transaction():
                        await producer.send_and_wait(
                            self.tickets, b"e", partition=partition, timestamp_ms=stamp
                        )
                else:
                    await producer.send_and_wait(self.tickets, b"e", partition=partition, timestamp_ms=stamp)

    def commit(self, offset: int, partition: int = 0) -> None:
        one = TopicPartition(self.tickets, partition)
        self.group.assign([one])
        self.group.commit({one: OffsetAndMetadata(offset, "", -1)})

    def late(self, bounds: Bounds = Bounds(Span(30 * SECOND))) -> list[Late]:  # noqa: B008  # immutable
        topics = (self.tickets, self.incidents)
        sources = Sources(bounds, topics, lambda: self.consumer, self.committed, lambda: self.now)
        return sources.look(self.consumer, sources.begin(self.consumer))


@pytest.fixture
def desk(kafka: KafkaBroker) -> Iterator[Desk]:
    made = Desk(kafka)
    yield made
    made.close()


def ago(minutes: float) -> Instant:
    return Instant(int(NOW - minutes * MINUTE))


async def test_a_source_is_behind_from_its_first_unread_event_until_that_is_committed(desk: Desk) -> None:
    await desk.record(60, 12, 7, 3)
    desk.commit(0)
    assert desk.late() == [Late(desk.tickets, 0, ago(60), None, 4)], "nothing of it was read"
    desk.commit(2)
    assert desk.late() == [Late(desk.tickets, 0, ago(7), ago(12), 2)]
    desk.commit(4)
    assert desk.late() == []
    await desk.record(0.25)
    assert desk.late() == [], "unread, and nearer than the bound"


async def test_marks_of_transactions_are_no_unread_events(desk: Desk) -> None:
    await desk.record(0.1, 0, transactional_id=unique("told"))  # event, mark, event, mark
    desk.now = Instant(int(time.time()) * SECOND + 7 * MINUTE)  # marks are of the broker's now
    desk.commit(3)
    assert desk.late() == []
    desk.commit(1)
    assert desk.late() == [Late(desk.tickets, 0, ago(0), ago(0.1), 3)]


async def test_a_partition_that_hears_nothing_on_any_topic_is_silent_where_something_is_expected(
    desk: Desk,
) -> None:
    await desk.record(20)
    await desk.record(5, partition=1)
    desk.commit(1)
    desk.commit(1, partition=1)
    assert desk.late() == []
    both = f"{desk.tickets} and {desk.incidents}"
    expected = Bounds(Span(30 * SECOND), heard=Span(10 * MINUTE))
    assert desk.late(expected) == [Late(both, 0, ago(20), ago(20), 0)]


async def test_it_goes_on_looking_at_everything_and_tells_each_change_once(desk: Desk) -> None:
    told: list[set[tuple[str, int]]] = []
    topics = (desk.tickets, desk.incidents)
    sources = Sources(
        Bounds(Span(2 * SECOND)), topics, lambda: reader(desk.settings, "earliest"), desk.committed,
        lambda: Instant(int(time.time() * SECOND)),
    )  # fmt: skip
    desk.commit(0)
    await desk.record(1)
    sources.start(lambda: told.append({(one.topic, one.partition) for one in sources.late}))
    try:
        first, second = (desk.tickets, 0), (desk.tickets, 1)
        await told_at_last(told, {first})
        await desk.record(1, partition=1)
        await told_at_last(told, {first, second})
        desk.commit(1)
        desk.commit(1, partition=1)
        await told_at_last(told, set())
        assert sources.is_known
    finally:
        sources.stop()


async def test_partitions_that_are_added_meanwhile_are_looked_at_too(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.cli.reading._METADATA_MS", 500)
    told: list[set[tuple[str, int]]] = []
    sources = Sources(
        Bounds(Span(2 * SECOND)), (desk.tickets, desk.incidents),
        lambda: reader(desk.settings, "earliest"), desk.committed, lambda: Instant(int(time.time() * SECOND)),
    )  # fmt: skip
    desk.commit(0)
    await desk.record(1)
    sources.start(lambda: told.append({(one.topic, one.partition) for one in sources.late}))
    try:
        await told_at_last(told, {(desk.tickets, 0)})
        admin = KafkaAdminClient(bootstrap_servers=desk.settings.bootstrap_servers)
        for topic in (desk.tickets, desk.incidents):
            admin.create_partitions({topic: NewPartitions(PARTITIONS + 1)})
        admin.close()
        await desk.record(1, partition=PARTITIONS)
        await told_at_last(told, {(desk.tickets, 0), (desk.tickets, PARTITIONS)})
    finally:
        sources.stop()


async def told_at_last(told: list[set[tuple[str, int]]], wanted: set[tuple[str, int]]) -> None:
    for _ in range(200):
        if told and told[-1] == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{told} does not end with {wanted}")
