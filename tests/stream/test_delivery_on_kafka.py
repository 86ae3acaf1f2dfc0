"""The shell on a real Apache Kafka, with a desk that counts: nothing lost, nothing twice."""

import asyncio
import signal
import threading
import time
from pathlib import Path

import msgspec
import pytest
from counting import Deployment
from kafka import KafkaProducer

from engine.contract.records import Record
from engine.demo.broker import KafkaBroker
from engine.stream.ending import IN_DOUBT
from engine.stream.sender import Sender
from engine.stream.table import EPOCH
from engine.stream.transactions import Lane


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_every_event_is_decided_once_and_poison_is_kept(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    deployment.send(5_000, 300, poison_every=500)
    deployment.start()
    try:
        deployment.wait_until_done()
        deployment.send(1_000, 300, topic=deployment.settings.incidents_topic)
        deployment.wait_until_done()
        time.sleep(0.5)
        assert deployment.stop() == [0]
    finally:
        deployment.kill()
    deployment.assert_exact()


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_kill_at_full_speed_loses_nothing(kafka: KafkaBroker, tmp_path: Path, delivery: str) -> None:
    """Exactly once: readers of committed data see nothing twice. At least once: twice only with equal ids."""
    deployment = Deployment(
        kafka.bootstrap, tmp_path, delivery=delivery, instance_id="one", poll_records=100, group_records=200
    )
    deployment.create_topics()
    deployment.send(60_000, 500, poison_every=2_000)
    busy = 0
    try:
        for number in range(6):
            worker = deployment.start()
            deployment.wait_for("chunk", number, times=2 + 7 * number)
            worker.kill()
            worker.wait()
            busy += sum(map(len, deployment.counted().values())) < 60_000
        deployment.start()
        deployment.wait_until_done()
        assert deployment.workers[-1].poll() is None
        deployment.stop()
        assert deployment.workers[-1].returncode == 0
    finally:
        deployment.kill()
    assert busy >= 5, "the kills met an idle worker"
    deployment.assert_exact(once=delivery == "transactions")


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_workers_that_come_and_go_lose_nothing(kafka: KafkaBroker, tmp_path: Path, delivery: str) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    enough = threading.Event()
    sending = deployment.trickle(200_000, 400, rate=1_500, enough=enough)
    try:
        deployment.start()
        deployment.wait_for("chunk", 0, times=5)
        deployment.start()
        deployment.wait_for("chunk", 1, times=5)
        first = deployment.workers[0]
        first.terminate()
        assert first.wait(30) == 0
        deployment.start()
        deployment.wait_for("chunk", 2, times=5)
        deployment.workers[1].kill()
        assert sending.is_alive(), "the workers came and went after the last event"
        enough.set()
        sending.join()
        deployment.wait_until_done()
        deployment.stop()
    finally:
        enough.set()
        deployment.kill()
        sending.join()
    assert deployment.workers[2].returncode == 0
    deployment.assert_exact(once=delivery == "transactions")


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_worker_that_slept_past_its_session_does_no_harm(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    """SIGSTOP: the other takes over; the sleeper wakes as a zombie, and is fenced or ends itself."""
    deployment = Deployment(
        kafka.bootstrap, tmp_path, delivery=delivery, poll_records=20, group_records=40, session_timeout=3
    )
    deployment.create_topics()
    deployment.send(40_000, 400)
    try:
        deployment.start()
        deployment.start()
        deployment.wait_for("chunk", 0, times=5)
        deployment.wait_for("chunk", 1, times=5)
        sleeper = deployment.workers[0]
        sleeper.send_signal(signal.SIGSTOP)
        recovered = len(deployment.logged("recovered", 1))
        deployment.wait_for("recovered", 1, times=recovered + 1)
        sleeper.send_signal(signal.SIGCONT)
        deployment.send(5_000, 400)
        # The broker fences a zombie's transaction. What it still writes without one puts the other in doubt.
        deployment.wait_until_done(supervised=delivery == "acknowledged")
        deployment.stop()
    finally:
        deployment.kill()
    deployment.assert_exact(once=delivery == "transactions")


def test_a_late_write_into_a_quiet_partition_is_found_and_repaired(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    """Without a write of the owner's own to show it; else compaction would one day keep the late one only."""
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery="acknowledged")
    deployment.create_topics()
    deployment.send(400, 40)
    try:
        deployment.start()
        deployment.wait_until_done()
        ours = deployment.read(deployment.settings.changelog_topic)[-1]
        producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
        late = msgspec.msgpack.encode([])
        producer.send(
            ours.topic, key=ours.key, value=late, partition=ours.partition, headers=[(EPOCH, b"0")]
        ).get(10)
        producer.close()
        deployment.wait_for("worker_in_doubt")
        assert [line["why"] for line in deployment.logged("worker_in_doubt")] == ["foreign_changelog_write"]
        deployment.start()
        deployment.wait_until_done()
        deployment.stop()
    finally:
        deployment.kill()
    deployment.assert_exact(once=False)


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_broker_that_dies_under_load_is_ridden_out(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    deployment = Deployment(
        kafka.bootstrap, tmp_path, delivery=delivery, poll_records=50, group_records=100, session_timeout=10
    )
    deployment.create_topics()
    deployment.send(30_000, 400)
    try:
        worker = deployment.start()
        deployment.wait_for("chunk", 0, times=10)
        kafka.kill()
        time.sleep(5)
        kafka.start()
        deployment.wait_until_done()
        assert worker.poll() is None, "the worker ended"
        assert deployment.stop() == [0]
    finally:
        deployment.kill()
        kafka.start()
    deployment.assert_exact(once=delivery == "transactions")


def test_a_worker_that_is_stopped_while_the_broker_is_away_ends_and_the_next_goes_on(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    """What it acknowledged in the last second is not committed, unless the broker went a moment later."""
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery="acknowledged", drain_timeout=5)
    deployment.create_topics()
    try:
        worker = deployment.start()
        deployment.wait_for("recovered", 0)
        deployment.send(40, 4)
        deployment.wait_for("chunk", 0)
        kafka.kill()
        worker.terminate()
        assert worker.wait(90) in (0, IN_DOUBT)
        kafka.start()
        deployment.start()
        deployment.wait_for("recovered", 1)
        deployment.send(40, 4)
        deployment.wait_until_done()
        assert deployment.stop()[-1] == 0
    finally:
        deployment.kill()
        kafka.start()
    deployment.assert_exact(once=False)


def test_a_record_of_five_megabytes_is_dead_lettered_whole(kafka: KafkaBroker, tmp_path: Path) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path)
    deployment.create_topics()
    deployment.send(500, 50)
    value = b"{" + b"x" * 5_000_000
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=8_000_000)
    producer.send(deployment.settings.tickets_topic, key=b"large", value=value).get(10)
    producer.close()
    deployment.send(500, 50)
    deployment.start()
    try:
        deployment.wait_until_done()
        time.sleep(1)
        dead = deployment.read(deployment.settings.dlq_topic)
        assert [len(record.value) for record in dead] == [len(value)]
        assert dead[0].value == value
        assert deployment.stop() == [0]
    finally:
        deployment.kill()
    deployment.poison = 1
    deployment.assert_exact()


def test_a_worker_waits_for_a_broker_that_is_away_at_start(kafka: KafkaBroker, tmp_path: Path) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path)
    deployment.create_topics()
    deployment.send(500, 50)
    kafka.kill()
    try:
        deployment.start()
        deployment.wait_for("broker_away", 0)
        kafka.start()
        deployment.wait_until_done()
        assert deployment.stop() == [0]
    finally:
        deployment.kill()
        kafka.start()
    deployment.assert_exact()


def test_what_is_first_sent_while_the_broker_is_away_is_sent_when_it_is_back(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    """A broker that is away for longer than a request may take, as the first outcome of all is said."""
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery="acknowledged")
    deployment.create_topics()
    settings = deployment.settings

    async def send() -> tuple[int, int] | None:
        sender = Sender(settings)
        await sender.start()
        try:
            await sender.send(settings.changelog_topic, 0, [Record(b"k", b"state", [])])
            assert sender._producer is not None
            # As where this was asked for before the producer, for its id, had asked for all there are.
            await sender._producer.client.add_topic(settings.changelog_topic)
            kafka.kill()
            sending = asyncio.create_task(sender.send(settings.outcomes_topic, 0, [Record(b"k", b"v", [])]))
            await asyncio.sleep(16)
            assert not sending.done(), "a request may take fifteen seconds"
            await asyncio.to_thread(kafka.start)
            return await asyncio.wait_for(sending, 60)
        finally:
            await sender.stop()

    assert asyncio.run(send()) == (0, 0)


def test_each_partitions_producer_knows_its_topics_and_no_others_before_anything_is_to_be_written(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path)
    deployment.create_topics()
    settings = deployment.settings

    async def known() -> set[str]:
        lane = Lane(0, settings, lambda _: None, lambda _: -1, 4)
        await lane.open()
        try:
            assert lane._producer is not None
            return set(lane._producer.client.cluster.topics())
        finally:
            await lane.close()

    written = {settings.outcomes_topic, settings.dlq_topic, settings.commands_topic, settings.changelog_topic}
    assert asyncio.run(known()) == written
