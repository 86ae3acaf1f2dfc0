"""A partition has no leader for a while. Of the commands topic: the others are worked on, also by who starts
meanwhile. Of an input: the intake writes there again as soon as it has one."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from counting import PARTITIONS
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.errors import KafkaError
from test_relays_on_kafka import partition, subject
from test_worker_on_kafka import Real, now, opened

from engine.contract.records import Record
from engine.demo import apache_kafka
from engine.demo.broker import KafkaBroker
from engine.intake.sending import NotSent, Sender
from servers import create_topics, kafka_or_skip, unique

pytestmark = pytest.mark.kafka

POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
clocks:
  triage: {budget: {P1: 2s}, risk: []}
"""


class SecondBroker(KafkaBroker):
    """Of the cluster of the first, which alone is its controller."""

    def __init__(self, folder: Path, first: KafkaBroker) -> None:
        super().__init__(folder)
        self._first = first

    def _properties(self) -> dict[str, object]:
        first, own = self._first._properties(), super()._properties()
        return {
            **own,
            "process.roles": "broker",
            "node.id": 2,
            "controller.quorum.voters": first["controller.quorum.voters"],
            "listeners": own["advertised.listeners"],
        }


@pytest.fixture
def brokers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KafkaBroker, KafkaBroker]]:
    first = kafka_or_skip()
    second = SecondBroker(tmp_path / "second", first)
    try:
        asyncio.run(make_internal_topics(first.bootstrap))
        monkeypatch.setattr(apache_kafka, "cluster_id", first._cluster)
        second.start()
        yield first, second
    finally:
        second.kill()
        first.stop()


async def make_internal_topics(bootstrap: str) -> None:
    """While there is one broker: groups and transactions need no other."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=unique("group"))
    create_topics(bootstrap, topic := unique(), partitions=1)
    consumer.subscribe([topic])
    consumer.poll(timeout_ms=1_000)
    consumer.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=unique("writer"))
    await producer.start()
    await producer.stop()


def place_topics(deployment: Real, led_by_second: int) -> None:
    """All on the first broker, but one partition of the commands."""
    settings = deployment.settings
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    for topic in (
        *settings.input_topics, settings.dlq_topic, settings.outcomes_topic, settings.changelog_topic,
    ):  # fmt: skip
        compacted = {"cleanup.policy": "compact"} if topic == settings.changelog_topic else {}
        placed = {number: [1] for number in range(PARTITIONS)}
        if topic == settings.commands_topic:
            placed[led_by_second] = [2]
        admin.create_topics({topic: {"assignments": placed, "configs": compacted}}, wait_for_metadata=True)
    admin.close()


def wait_until_leaderless(bootstrap: str, topic: str, number: int) -> None:
    until = time.monotonic() + 40
    while number not in leaderless(bootstrap, topic):
        assert time.monotonic() < until
        time.sleep(0.2)


def leaderless(bootstrap: str, topic: str) -> set[int]:
    """As far as is known: who asks may have been told of a broker that is gone, and ask that one."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        (found,) = admin.describe_topics([topic])
    except KafkaError:
        return set()
    finally:
        admin.close()
    return {one["partition_index"] for one in found["partitions"] if one["leader_id"] < 0}


def test_others_are_judged_meanwhile_and_it_is_when_it_has_a_leader(
    brokers: tuple[KafkaBroker, KafkaBroker], tmp_path: Path
) -> None:
    first, second = brokers
    stuck = subject("stuck")
    place = partition(stuck)
    before = next(one for one in map("before:{}".format, range(100)) if partition(one) == place)
    deployment = Real(first.bootstrap, tmp_path)
    deployment.policy(POLICY)
    place_topics(deployment, place)
    try:
        worker = deployment.start()
        deployment.publish([opened(before, now())])
        deployment.wait_for_outcomes(1)
        second.kill()
        wait_until_leaderless(deployment.bootstrap, deployment.settings.commands_topic, place)
        deployment.publish([opened(stuck, now())])
        for number in range(2):
            deployment.publish([opened(subject(f"well{number}", elsewhere_than=stuck), now())])
            deployment.wait_for_outcomes(2 + number)
            deployment.wait_for("ticks_not_sent", 0, 1 + number)
        assert {line["partition"] for line in deployment.logged("ticks_not_sent", 0)} == {place}
        assert worker.poll() is None
        assert deployment.stop() == [0]
        deployment.start()
        deployment.wait_for("recovered", 1)
        (unled,) = deployment.logged("no_leader", 1)
        assert (unled["topic"], unled["partition"]) == (deployment.settings.commands_topic, place)
        assert f"no leader: {unled['topic']}/{place}" in deployment.command("doctor").stdout
        deployment.publish([opened(subject("well2", elsewhere_than=stuck), now())])
        deployment.wait_for_outcomes(4)
        assert (stuck, "breached") not in deployment.said()
        second.start()
        said = deployment.wait_for_outcomes(5)
        assert said.count((stuck, "breached")) == 1
        assert deployment.stop() == [0, 0]
    finally:
        deployment.kill()


async def test_what_the_intake_gave_up_does_not_shut_the_partition_to_it(
    brokers: tuple[KafkaBroker, KafkaBroker],
) -> None:
    first, second = brokers
    admin = KafkaAdminClient(bootstrap_servers=first.bootstrap)
    topic = unique("tickets")
    admin.create_topics({topic: {"assignments": {0: [2]}}}, wait_for_metadata=True)
    admin.close()
    options = {"bootstrap_servers": first.bootstrap, "request_timeout_ms": 2_000}
    sender = Sender(options, {"ticket": topic}, 5)
    await sender.start()
    try:
        assert await told(sender) == ""
        second.kill()
        await asyncio.to_thread(wait_until_leaderless, first.bootstrap, topic, 0)
        await until(sender, "LeaderNotAvailable")  # given up: before, it is only not acknowledged in time
        await asyncio.to_thread(second.start)
        await until(sender, "")
    finally:
        await sender.stop()


async def told(sender: Sender) -> str:
    """What becomes of one event: "" where it is acknowledged, else why not."""
    try:
        await sender.send([("ticket", Record(b"desk:1", b"{}"))])
    except NotSent as error:
        return str(error)
    return ""


async def until(sender: Sender, wanted: str) -> None:
    end = time.monotonic() + 60
    while (said := await told(sender)) != wanted and not (wanted and wanted in said):
        assert time.monotonic() < end, said
        await asyncio.sleep(0.2)
