"""Looks, before anything is begun, whether what the group has read still has its state."""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import structlog
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
    UnknownTopicOrPartitionError,
)

from engine.settings import Settings
from engine.stream.checks import Refused
from engine.stream.delivery import noted
from engine.stream.topics import admin

log = structlog.stdlib.get_logger("vigil.stream")

PARTITIONS_ADDED = "partitions_added"
NEW_TOPICS = (
    "partitions cannot be taken away: make new topics, and a new VIGIL_APP_ID that begins anew from the"
    " events that are kept (docs/operations.md)"
)
_Answer = TypeVar("_Answer")


class LostState(NamedTuple):
    """A partition of which less state is left than what was read had led to."""

    partition: int
    end: int
    """Where its changelog ends."""
    held: int
    """An offset of it that was there when the group last committed."""
    begins: int = 0
    """Where its changelog begins: after what was held where all of that was deleted, by age, say."""


def state_must_be_there(settings: Settings) -> None:
    """Refused (`state_lost`, `partitions_added`) where the group would go on behind events whose state is
    gone, or is not where their successors come.

    A broker that does not tell is taken at its word. Blocks: in a thread of its own.
    """
    client = admin(settings)
    try:
        taken = committed(client, settings)
        lost = lost_state(client, settings, taken)
        more = "" if lost else more_partitions(client, settings, taken)
    except KafkaError as error:
        log.warning("state_not_looked_for", error=repr(error))
        return
    finally:
        client.close()
    if lost:
        raise Refused("state_lost", told(settings, lost), remedy(settings))
    if more:
        raise Refused(PARTITIONS_ADDED, more, NEW_TOPICS)


def committed(client: KafkaAdminClient, settings: Settings) -> Mapping[TopicPartition, Any]:
    """What the group has committed, with offset and metadata each; nothing where it never has."""
    try:
        found = by_its_coordinator(lambda: client.list_group_offsets({settings.app_id: None}))
    except CoordinatorNotAvailableError:  # no group has ever run on this broker
        return {}
    return found[settings.app_id]  # type: ignore[no-any-return]


def lost_state(
    client: KafkaAdminClient, settings: Settings, taken: Mapping[TopicPartition, Any]
) -> list[LostState]:
    """The partitions whose changelog ends before what our own commits say that it held, or begins after it.

    Whose offsets were set by Kafka's tools, or whose records have left nothing to store, has none to lose.
    """
    held: dict[int, int] = {}
    for tp, at in taken.items():
        if tp.topic in settings.input_topics:
            held[tp.partition] = max(held.get(tp.partition, -1), noted(at.metadata).last)
    ends = {TopicPartition(settings.changelog_topic, n): n for n, last in held.items() if last >= 0}
    if not ends:
        return []
    try:
        found = client.list_partition_offsets(dict.fromkeys(ends, OffsetSpec.LATEST))
        first = client.list_partition_offsets(dict.fromkeys(ends, OffsetSpec.EARLIEST))
    except UnknownTopicOrPartitionError:
        return sorted(LostState(n, 0, held[n]) for n in ends.values())
    there = (LostState(n, found[tp].offset, held[n], first[tp].offset) for tp, n in ends.items())
    return sorted(one for one in there if not one.begins <= one.held < one.end)


def more_partitions(client: KafkaAdminClient, settings: Settings, taken: Mapping[TopicPartition, Any]) -> str:
    """For people: by how many partitions the state was stored, where there are more by now; else ""."""
    counts = {noted(at.metadata).partitions for tp, at in taken.items() if tp.topic in settings.input_topics}
    held = min(counts - {0}, default=0)
    if not held:
        return ""
    (there,) = client.describe_topics([settings.changelog_topic])
    now = len(there["partitions"])
    return added(held, now) if now > held else ""


def added(held: int, now: int) -> str:
    """For people: what is wrong where partitions were added to all topics."""
    return (
        f"the topics had {held} partitions when the group last committed, and have {now}: events would come"
        " to others than those that hold the state of what they are about"
    )


def told(settings: Settings, lost: list[LostState]) -> str:
    """For people: what is missing where."""
    first = lost[0]
    more = f", and {len(lost) - 1} more partitions likewise" if len(lost) > 1 else ""
    where = f"begins at {first.begins}" if first.begins > first.held else f"ends at {first.end}"
    return (
        f"{settings.changelog_topic}/{first.partition} {where}, and held offset {first.held} when"
        f" the group last committed{more}: the clocks of what was read would be gone without a word"
    )


def remedy(settings: Settings) -> str:
    """What to do about it."""
    return (
        "was the topic deleted, by age perhaps, made anew or restored? Bring it back, or begin anew from the"
        " events that are kept: stop all workers, then kafka-consumer-groups --delete --group"
        f" {settings.app_id}, or a new VIGIL_APP_ID (docs/operations.md)"
    )


def by_its_coordinator(ask: Callable[[], _Answer]) -> _Answer:
    """A group's coordinator moves when brokers come and go: for a few seconds it is asked for anew."""
    for _ in range(10):
        try:
            return ask()
        except (NotCoordinatorError, CoordinatorLoadInProgressError):
            time.sleep(0.5)
    return ask()
