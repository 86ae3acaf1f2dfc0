"""A topic that was deleted and made anew is read from its beginning, on a real broker."""

from pathlib import Path

import pytest
from counting import PARTITIONS, Deployment
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata
from remaking import make_anew

from engine.cli.cluster import examine_cluster
from engine.cli.findings import Sign
from engine.demo.broker import KafkaBroker
from engine.stream.ending import IN_DOUBT


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_topic_that_was_made_anew_is_read_from_its_beginning(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    """Between two starts, and under a worker: what is in the new one lies before what was committed."""
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    tickets = deployment.settings.tickets_topic
    deployment.send(800, 40)
    deployment.start()
    deployment.wait_until_done()
    assert deployment.stop() == [0]

    make_anew(deployment.bootstrap, tickets, PARTITIONS, {"max.message.bytes": "10485760"})
    commit(deployment, 150)  # Kafka itself forgets what was committed of a topic that is deleted
    deployment.send(80, 40)
    told = [one for one in examine_cluster(deployment.settings, 5) if one.check == "lag"]
    assert [one.sign for one in told] == [Sign.WARN, Sign.OK]
    assert f"{tickets}/0, {tickets}/1, {tickets}/2 and 1 more" in told[0].found
    deployment.start()
    deployment.wait_until_done()
    assert len(deployment.logged("topic_made_anew", 1)) == PARTITIONS

    make_anew(deployment.bootstrap, tickets, PARTITIONS, {"max.message.bytes": "10485760"})
    deployment.send(40, 40)
    deployment.wait_until_done(supervised=True)
    codes = deployment.stop()
    assert codes[-1] == 0
    assert set(codes) <= {0, IN_DOUBT}, "70: it had seen that the topic was away"
    committed = deployment.positions()
    assert all(at is not None and 0 < at <= end for at, end in committed.values()), committed
    deployment.assert_exact(once=delivery == "transactions")


def commit(deployment: Deployment, offset: int) -> None:
    """Of each partition of the tickets, whatever is there."""
    consumer = KafkaConsumer(
        bootstrap_servers=deployment.bootstrap, group_id=deployment.settings.app_id, enable_auto_commit=False
    )
    places = [TopicPartition(deployment.settings.tickets_topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    consumer.commit({tp: OffsetAndMetadata(offset, "", -1) for tp in places})
    consumer.close()
