"""Deletes a topic and makes it anew under its name, as people do when they want it empty."""

import time
from collections.abc import Mapping

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError

from servers import create_topics


def make_anew(bootstrap: str, topic: str, partitions: int, configs: Mapping[str, str] | None = None) -> None:
    """Return when the broker knows the new one."""
    delete(bootstrap, topic)
    until = time.monotonic() + 30
    while True:
        try:
            return create_topics(bootstrap, topic, partitions=partitions, configs=configs)
        except TopicAlreadyExistsError:  # the deletion is still under way
            assert time.monotonic() < until, f"{topic} is not deleted"
            time.sleep(0.1)


def delete(bootstrap: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.delete_topics([topic])
    except UnknownTopicOrPartitionError:
        return
    finally:
        admin.close()
