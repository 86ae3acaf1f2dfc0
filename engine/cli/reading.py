"""Reads topics from a beginning to where they ended when reading began."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError, UnknownTopicOrPartitionError

from engine.cli.exits import ExitCode, Failure
from engine.cli.inputs import instant
from engine.cli.output import progress
from engine.cli.topics import broker_errors
from engine.settings import Settings
from engine.stream.allowed import must_be_allowed
from engine.stream.checks import Refused, Unreachable
from engine.stream.rights import reading
from engine.stream.topics import CONNECT_MS, let_in

SILENCE = 60.0
"""Seconds without any record after which a broker counts as away."""
_POLL_MS = 500
_AT_ONCE = 5_000
_METADATA_MS = 30_000
"""Of Kafka's five minutes: what was added to a topic is seen within this."""

Record = Any
"""kafka-python's ConsumerRecord."""


def read_topics(settings: Settings, topics: Sequence[str], since: str | None = None) -> Iterator[Record]:
    """Every committed record of all partitions, each partition in its order.

    `since` is an ISO 8601 time (records with that timestamp or a later one) or an offset, for every
    partition; None is the beginning. Failure for a topic that is not there and a broker that falls silent.
    """
    with broker_errors():
        must_be_allowed(settings, reading(topics))
    consumer = reader(settings, "earliest")
    try:
        partitions = partitions_of(consumer, topics)
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        starts = _starts(consumer, partitions, ends, since)
        for partition, offset in starts.items():
            consumer.seek(partition, offset)
        total = sum(ends[one] - starts[one] for one in partitions)
        with progress("reading", total) as advance:
            yield from _until(consumer, ends, advance)
    finally:
        consumer.close(autocommit=False)


def place(record: Record) -> str:
    """TOPIC/PARTITION/OFFSET."""
    return f"{record.topic}/{record.partition}/{record.offset}"


class _Consumer(KafkaConsumer):  # type: ignore[misc]  # kafka-python has no types
    """Where the broker leaves a partition out of its answer, as while a topic is deleted and made anew, that
    is an error of Kafka's, to be waited for, and no KeyError."""

    def beginning_offsets(self, *given: Any, **more: Any) -> Any:
        return _whole(super().beginning_offsets, *given, **more)

    def end_offsets(self, *given: Any, **more: Any) -> Any:
        return _whole(super().end_offsets, *given, **more)


def _whole(ask: Callable[..., Any], *given: Any, **more: Any) -> Any:
    try:
        return ask(*given, **more)
    except KeyError as error:
        raise UnknownTopicOrPartitionError(*error.args) from error


def reader(settings: Settings, auto_offset_reset: str, **more: Any) -> KafkaConsumer:
    """Without a group, of what is committed; `none`: an offset that is no more there is an error. `more`:
    other options of the client, which go before these.

    KafkaTimeoutError where no broker lets us in: with why, for whoever goes on while a password is changed.
    """
    try:
        return _Consumer(
            **settings.client_options(),
            client_id=f"{settings.app_id}-reader",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset=auto_offset_reset,
            isolation_level="read_committed",
            max_poll_records=_AT_ONCE,
            metadata_max_age_ms=_METADATA_MS,
            **{"bootstrap_timeout_ms": CONNECT_MS, **more},
        )
    except KafkaTimeoutError as error:
        with suppress(Unreachable):
            try:
                let_in(settings)
            except Refused as why:
                raise KafkaTimeoutError(f"{why.name}: {why.message}; {why.hint}") from error
        raise


class Committed:
    """Up to where the workers' group has committed each partition. For one thread; connects when asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: KafkaAdminClient | None = None

    def __call__(self) -> dict[TopicPartition, int]:
        """KafkaError."""
        group = self._settings.app_id
        try:
            if self._admin is None:
                self._admin = KafkaAdminClient(
                    **self._settings.client_options(),
                    client_id=f"{group}-reader",
                    bootstrap_timeout_ms=CONNECT_MS,
                    request_timeout_ms=CONNECT_MS,
                )
            found = self._admin.list_group_offsets({group: None})[group]
        except KafkaError:
            self.close()  # and anew at the next call
            raise
        return {one: at.offset for one, at in found.items()}

    def close(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None


def partitions_of(consumer: KafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    """All of the topics. Failure for one that is not there."""
    found: list[TopicPartition] = []
    for topic in topics:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            hint = "`vigil topics create` makes it; VIGIL_…_TOPIC names another"
            raise Failure(f"the topic {topic} does not exist", ExitCode.REFUSED, hint)
        found += [TopicPartition(topic, number) for number in sorted(numbers)]
    return found


def _starts(
    consumer: KafkaConsumer,
    partitions: list[TopicPartition],
    ends: dict[TopicPartition, int],
    since: str | None,
) -> dict[TopicPartition, int]:
    """Where to begin, never before what is kept and never past the end."""
    first: dict[TopicPartition, int] = consumer.beginning_offsets(partitions)
    if since is None:
        return first
    if since.isdecimal():
        return {one: min(max(int(since), first[one]), ends[one]) for one in partitions}
    at = instant("--since", since) // 1_000
    found = consumer.offsets_for_times(dict.fromkeys(partitions, at))
    return {one: ends[one] if found.get(one) is None else found[one].offset for one in partitions}


def _until(consumer: KafkaConsumer, ends: dict[TopicPartition, int], advance: Any) -> Iterator[Record]:
    left = {one for one in ends if consumer.position(one) < ends[one]}
    heard = time.monotonic()
    while left:
        batch = consumer.poll(timeout_ms=_POLL_MS)
        for partition, records in batch.items():
            yield from (record for record in records if record.offset < ends[partition])
            advance(len(records))
        # A position moves past transaction markers too, and past what was aborted: no record tells of them.
        done = {one for one in left if consumer.position(one) >= ends[one]}
        consumer.pause(*done)
        left -= done
        if batch or done:
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENCE:
            names = ", ".join(sorted(f"{one.topic}/{one.partition}" for one in left)[:3])
            raise Failure(
                f"nothing came for {SILENCE:.0f} s, and {names} is not read to its end",
                ExitCode.UNREACHABLE,
                "`vigil doctor` looks at the broker",
            )
