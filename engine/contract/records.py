"""The record that goes to Kafka, before it has a topic and a partition."""

from typing import NamedTuple


class Record(NamedTuple):
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
