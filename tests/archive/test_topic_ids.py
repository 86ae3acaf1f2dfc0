"""Which topic it is that was read: Kafka's id of it, as kafka-python has it from a real broker."""

import time
from contextlib import closing

from kafka import KafkaAdminClient

from engine.cli.reading import reader
from engine.demo.broker import KafkaBroker
from engine.settings import Settings
from engine.sql.following import topic_id
from servers import create_topics, unique


def test_a_topic_that_is_made_anew_has_another_id(kafka: KafkaBroker) -> None:
    """`_cluster` is kafka-python's own name: this fails where it is another one in a later version."""
    topic, settings = unique("anew"), Settings(bootstrap_servers=kafka.bootstrap)
    create_topics(kafka.bootstrap, topic, partitions=1)

    def read() -> str:
        with closing(reader(settings, "none")) as consumer:
            assert consumer.partitions_for_topic(topic) == {0}
            return topic_id(consumer, topic)

    first = read()
    assert first == read() != ""
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        (described,) = admin.describe_topics([topic])
        assert str(described["topic_id"]) == first
        admin.delete_topics([topic])
        end = time.monotonic() + 60
        while topic in admin.list_topics():
            assert time.monotonic() < end
            time.sleep(0.1)
    create_topics(kafka.bootstrap, topic, partitions=1)
    assert read() not in ("", first)
