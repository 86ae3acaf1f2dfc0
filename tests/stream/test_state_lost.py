"""What the group has read must have its state: where that is gone no worker goes on. On a real broker."""

from pathlib import Path

import pytest
from counting import PARTITIONS, Deployment
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.structs import OffsetAndMetadata
from remaking import make_anew

from engine.cli.cluster import examine_cluster
from engine.cli.exits import ExitCode
from engine.cli.findings import Finding
from engine.demo.broker import KafkaBroker
from engine.stream.checks import Refused
from engine.stream.delivery import Noted, note, noted
from engine.stream.ending import IN_DOUBT
from engine.stream.lost import state_must_be_there


def test_a_note_tells_up_to_where_there_was_state() -> None:
    assert [noted(note(last, 4)) for last in (-1, 0, 41)] == [Noted(), Noted(0, 4), Noted(41, 4)]
    assert noted("changelog 41") == Noted(41), "as earlier ones were"
    others = (None, "", "41", "changelog", "changelog x", "changelog 41 of", "by hand")
    assert {noted(said) for said in others} == {Noted()}


def doctor(deployment: Deployment) -> list[Finding]:
    return [one for one in examine_cluster(deployment.settings, 5) if one.check == "state"]


def refused(deployment: Deployment, name: str = "state_lost") -> str:
    with pytest.raises(Refused) as told:
        state_must_be_there(deployment.settings)
    assert told.value.name == name
    (finding,) = doctor(deployment)
    assert (finding.code, finding.found) == (ExitCode.REFUSED, told.value.message)
    return told.value.message


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_changelog_that_was_made_anew_is_refused_until_somebody_says_so(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery)
    settings = deployment.settings
    deployment.create_topics()
    state_must_be_there(settings)
    deployment.send(400, 40)
    deployment.start()
    deployment.wait_until_done()
    assert deployment.stop() == [0]
    state_must_be_there(settings)
    assert doctor(deployment) == []

    make_anew(deployment.bootstrap, settings.changelog_topic, PARTITIONS, {"cleanup.policy": "compact"})
    said = refused(deployment)
    assert f"{settings.changelog_topic}/0 ends at 0, " in said
    assert "3 more partitions" in said
    before = deployment.positions()
    worker = deployment.start()
    assert worker.wait(60) not in (0, IN_DOUBT)
    assert "state_lost" not in deployment.logged("worker_starts")
    assert deployment.positions() == before, "and nothing is read"
    assert deployment.read(settings.changelog_topic) == []

    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(settings.changelog_topic, b"x", b"S-00000", partition=0).get(10)
    producer.close()
    assert f"{settings.changelog_topic}/0 ends at 1, " in refused(deployment), "a little is not all"

    set_by_hand(deployment)
    state_must_be_there(settings)
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.delete_groups([settings.app_id])
    admin.close()
    make_anew(deployment.bootstrap, settings.changelog_topic, PARTITIONS, {"cleanup.policy": "compact"})
    make_anew(deployment.bootstrap, settings.outcomes_topic, PARTITIONS)
    deployment.start()
    deployment.wait_until_done()
    assert deployment.stop()[-1] == 0
    deployment.assert_exact(once=delivery == "transactions")


def test_a_changelog_that_was_deleted_by_age_is_refused(kafka: KafkaBroker, tmp_path: Path) -> None:
    deployment = Deployment(kafka.bootstrap, tmp_path)
    changelog = deployment.settings.changelog_topic
    deployment.create_topics()
    deployment.send(40, 40)
    deployment.start()
    deployment.wait_until_done()
    assert deployment.stop() == [0]
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    for policy in ("delete", "compact"):  # and set back: what is deleted stays so
        configs = {"cleanup.policy": policy}
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, changelog, configs=configs)])
        if policy == "delete":
            admin.delete_records({TopicPartition(changelog, number): -1 for number in range(PARTITIONS)})
    admin.close()
    assert f"{changelog}/0 begins at " in refused(deployment)


def set_by_hand(deployment: Deployment) -> None:
    """As `kafka-consumer-groups --reset-offsets --to-current`: the same offsets, and no metadata."""
    consumer = KafkaConsumer(
        bootstrap_servers=deployment.bootstrap, group_id=deployment.settings.app_id, enable_auto_commit=False
    )
    places = [TopicPartition(deployment.settings.tickets_topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    consumer.commit({tp: OffsetAndMetadata(consumer.committed(tp), "", -1) for tp in places})
    consumer.close()


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_who_has_stored_nothing_has_nothing_to_lose(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    """Dead letters alone: what was read left no state, and the changelog is empty by right."""
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for number in range(PARTITIONS):
        producer.send(deployment.settings.tickets_topic, b"no event", partition=number).get(10)
    producer.close()
    for start in (1, 2):
        deployment.start()
        deployment.wait_for("recovered", start - 1)
        if start == 1:
            deployment.wait_for("chunk", 0, times=PARTITIONS)
    assert deployment.stop() == [0, 0]
    assert {committed for committed, _ in deployment.positions().values()} == {1}
    state_must_be_there(deployment.settings)


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_partitions_that_were_added_to_all_topics_are_refused(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    """All counts agree again, and yet half of the events would come to where their state is not."""
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery)
    settings = deployment.settings
    deployment.create_topics()
    deployment.send(400, 40)
    deployment.start()
    deployment.wait_until_done()
    assert deployment.stop() == [0]

    double_partitions(deployment)
    assert deployment.start().wait(60) not in (0, IN_DOUBT)
    refused(deployment, "partitions_added")

    set_by_hand(deployment)
    state_must_be_there(settings)
    assert doctor(deployment) == []


def test_a_worker_that_runs_ends_where_partitions_are_added(kafka: KafkaBroker, tmp_path: Path) -> None:
    """As soon as it is given one of them, which it asks for by itself."""
    deployment = Deployment(kafka.bootstrap, tmp_path)
    deployment.create_topics()
    worker = deployment.start()
    deployment.wait_for("recovered")
    double_partitions(deployment)
    assert worker.wait(120) == ExitCode.REFUSED
    (said,) = deployment.logged("partitions_added")
    assert f"had {PARTITIONS} partitions when the group last committed, and have" in said["why"]


def double_partitions(deployment: Deployment) -> None:
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.create_partitions(dict.fromkeys(deployment.settings.all_topics, 2 * PARTITIONS))
    admin.close()
