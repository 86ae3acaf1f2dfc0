"""Examines how far topics are read by what has no consumer group: its database has the offsets."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from engine.cli.drawing import many
from engine.cli.findings import Finding, fail, ok, skip, warn

if TYPE_CHECKING:
    from engine.settings import Settings


class Reader(NamedTuple):
    """Who reads, and what is to be done where something is wrong."""

    check: str
    name: str
    """As in "what the record has read"."""
    records: tuple[str, str]
    """What one is called, and several."""
    behind: str
    gone: str
    anew: str


def examine_lag(
    settings: "Settings",
    reader: Reader,
    topics: Sequence[str],
    stands: Mapping[tuple[str, int], int],
    ids: Mapping[str, str],
    timeout: float,
) -> Finding:
    """`stands`: (topic, partition) -> the offset to read next; `ids`: of the topics that were read;
    `timeout`: seconds that the broker has."""
    from kafka.errors import KafkaError

    from engine.cli import reading
    from engine.cli.exits import Failure
    from engine.sql.following import made_anew

    try:
        patience = int(timeout * 1000)
        with contextlib.closing(reading.reader(settings, "none", bootstrap_timeout_ms=patience)) as consumer:
            partitions = reading.partitions_of(consumer, topics)
            first, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
            others = made_anew(consumer, topics, ids)
    except (KafkaError, Failure) as error:
        found = f"{', '.join(topics)}: {error or type(error).__name__}"
        return skip(reader.check, found, "see what is said of the broker")
    at = {one: stands.get((one.topic, one.partition), first[one]) for one in partitions}
    behind = sum(max(ends[one] - at[one], 0) for one in partitions)
    unread = f"{many(behind, *reader.records)} not read yet"
    gone = [f"{one.topic}/{one.partition}" for one in partitions if at[one] < first[one]]
    if others:
        return fail(reader.check, "; ".join(others), reader.anew)
    if shorter := sorted({one.topic for one in partitions if at[one] > ends[one]}):
        found = f"{', '.join(shorter)} ends before what the {reader.name} has read of it"
        return fail(reader.check, found, reader.anew)
    if gone:
        return fail(reader.check, f"{', '.join(gone)}: records are gone that were not read", reader.gone)
    if behind > settings.ready_lag:
        return warn(reader.check, unread, reader.behind)
    return ok(reader.check, f"{unread}; no group, the {reader.name} has the offsets")
