"""The topics that the engine lives on: what they must be, how they are made, how what is there differs."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    AuthorizationError,
    BrokerResponseError,
    InvalidReplicationFactorError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from engine.settings import Settings
from engine.stream.checks import lost_by, not_authorized, record_limits, wait_for_broker
from engine.stream.rights import Right

DAY_MS = 24 * 3600 * 1000
FOREVER = -1
CONNECT_MS = 15_000
HEADROOM = 100_000
"""Bytes that a dead letter's headers may add to the record that it carries."""


class Topic(NamedTuple):
    """One topic as it must be. All have one partition count: what partition N says stays in partition N."""

    name: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]


class Difference(NamedTuple):
    """One thing that is not as declared. `refused`: the worker does not start on it; else it is advice."""

    topic: str
    what: str
    expected: str
    found: str
    refused: bool
    remedy: str


class TopicsRefused(Exception):
    """The broker does not make the topics; the message says what to change."""


def declared(settings: Settings, retention_ms: int | None = None) -> list[Topic]:
    """Every topic of the engine, Faust's changelog included.

    `retention_ms` replaces the retention of all but the changelog; FOREVER for records with old timestamps,
    which a broker otherwise deletes as soon as it looks.
    """
    factor = settings.replication_factor
    safe = {"min.insync.replicas": str(min(2, max(1, factor - 1)))}

    def topic(name: str, days: int, **configs: object) -> Topic:
        kept = days * DAY_MS if retention_ms is None else retention_ms
        mine = {"cleanup.policy": "delete", "retention.ms": str(kept)}
        mine |= {key.replace("_", "."): str(value) for key, value in configs.items()}
        return Topic(name, settings.partitions, factor, safe | mine)

    # What fits an input must fit the dead letters, with the headers that say why.
    largest_in = settings.max_dead_letter_bytes - HEADROOM
    return [
        topic(settings.tickets_topic, 30, max_message_bytes=largest_in),
        topic(settings.incidents_topic, 30, max_message_bytes=largest_in),
        topic(settings.commands_topic, 7),
        topic(settings.outcomes_topic, 90),
        topic(settings.dlq_topic, 30, max_message_bytes=settings.max_dead_letter_bytes + HEADROOM),
        Topic(settings.changelog_topic, settings.partitions, factor, safe | _CHANGELOG),
    ]


_CHANGELOG = {
    "cleanup.policy": "compact",
    # A write of an earlier owner that comes late is found by comparing it with the later owner's before it:
    # compaction must leave both long enough.
    "min.compaction.lag.ms": str(10 * 60 * 1000),
    # Recovery reads all that compaction has not reached, so reach it early.
    "min.cleanable.dirty.ratio": "0.1",
    "segment.ms": str(3600 * 1000),
}


def admin(settings: Settings) -> KafkaAdminClient:
    """A connected admin client; Unreachable or Refused, of `engine.stream.checks`, where there can be none.

    Blocks: outside of an event loop, or in a thread of its own.
    """
    let_in(settings)
    options = settings.client_options()
    return KafkaAdminClient(client_id=settings.app_id, bootstrap_timeout_ms=CONNECT_MS, **options)


def let_in(settings: Settings, wait_seconds: float = 0.0) -> None:
    """Return when a broker lets us in; Unreachable or Refused, of `engine.stream.checks`, where none does.

    kafka-python's clients call a wrong password a timeout; this says which it is, and at once.
    """
    asyncio.run(wait_for_broker(settings.model_copy(update={"start_timeout": wait_seconds})))


def create(settings: Settings, retention_ms: int | None = None) -> dict[str, bool]:
    """Make the topics that are missing; for each topic, whether it was made now. Nothing existing is changed.

    TopicsRefused when the broker cannot make them so; Refused where we may not.
    """
    made: dict[str, bool] = {}
    client = admin(settings)
    try:
        for topic in declared(settings, retention_ms):
            try:
                client.create_topics({topic.name: _wanted(topic)}, wait_for_metadata=True)
                made[topic.name] = True
            except TopicAlreadyExistsError:
                made[topic.name] = False
            except AuthorizationError:
                raise not_authorized(settings, Right("topic", topic.name, ("Create",))) from None
            except InvalidReplicationFactorError:
                brokers = len(client.describe_cluster()["brokers"])
                raise TopicsRefused(
                    f"{topic.name}: replication factor {topic.replication_factor} needs as many brokers, "
                    f"there are {brokers}. Set VIGIL_REPLICATION_FACTOR (1 only with VIGIL_ENV=dev)"
                ) from None
            except BrokerResponseError as error:
                if error.retriable:
                    raise
                raise TopicsRefused(f"{topic.name}: {_why_not(client, topic) or error}") from None
    finally:
        client.close()
    return made


def _why_not(client: KafkaAdminClient, topic: Topic) -> str | None:
    """The broker's own words: its error has them between the request and the answer."""
    answer = client.create_topics({topic.name: _wanted(topic)}, validate_only=True, raise_errors=False)
    return answer["topics"][0]["error_message"]  # type: ignore[no-any-return]


def partitions_of(settings: Settings, topic: str) -> int | None:
    """How many partitions a topic has; None where it does not exist."""
    client = admin(settings)
    try:
        there = _describe(settings, client, topic)
    finally:
        client.close()
    return None if there is None else len(there["partitions"])


def check(settings: Settings) -> list[Difference]:
    """What is not as declared, and what to do about it; an empty list when all is well."""
    client = admin(settings)
    try:
        found: list[Difference] = []
        for topic in declared(settings):
            there = _describe(settings, client, topic.name)
            if there is None:
                remedy = "vigil topics create"
                found.append(Difference(topic.name, "missing", "a topic", "none", True, remedy))
                continue
            found += _compare(settings, topic, there, _configs(settings, client, topic.name))
        return found
    finally:
        client.close()


def _wanted(topic: Topic) -> dict[str, object]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication_factor,
        "configs": dict(topic.configs),
    }


def _describe(settings: Settings, client: KafkaAdminClient, name: str) -> dict[str, Any] | None:
    try:
        (topic,) = client.describe_topics([name])
    except UnknownTopicOrPartitionError:
        return None
    if topic["error_code"] == TopicAuthorizationFailedError.errno:
        raise not_authorized(settings, Right("topic", name, ("Describe",)))
    return None if topic["error_code"] else dict(topic)


def _configs(settings: Settings, client: KafkaAdminClient, name: str) -> dict[str, str]:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    try:
        (by_name,) = client.describe_configs([resource], config_filter="all").values()
    except AuthorizationError:
        raise not_authorized(settings, Right("topic", name, ("DescribeConfigs",))) from None
    return {key: str(entry["value"]) for key, entry in by_name[name].items()}


def _compare(
    settings: Settings, topic: Topic, there: dict[str, Any], configs: dict[str, str]
) -> list[Difference]:
    found: list[Difference] = []

    def differs(what: str, expected: object, is_: object, remedy: str, *, refused: bool) -> None:
        found.append(Difference(topic.name, what, str(expected), str(is_), refused, remedy))

    count = len(there["partitions"])
    if count != topic.partitions:
        remedy = (
            f"VIGIL_PARTITIONS={count} if that is the count of all; else a new topic, never more partitions"
        )
        differs("partitions", topic.partitions, count, remedy, refused=True)
    replicas = min((len(partition["replica_nodes"]) for partition in there["partitions"]), default=0)
    if replicas < topic.replication_factor:
        # One copy is refused outside development; fewer than wished is for the operator to judge.
        lost = replicas == 1 and settings.env != "dev"
        differs(
            "replication factor",
            topic.replication_factor,
            replicas,
            "kafka-reassign-partitions",
            refused=lost,
        )
    limits = {one: str(getattr(settings, by)) for one, by in record_limits(settings)}
    wanted_of = dict(topic.configs)
    if topic.name in limits:
        wanted_of.setdefault("max.message.bytes", limits[topic.name])  # a broker's own is mostly larger
    for name, wanted in wanted_of.items():
        is_ = configs.get(name, "")
        if not _does(name, wanted, is_):
            remedy = f"kafka-configs --alter --topic {topic.name} --add-config {name}={wanted}"
            differs(name, wanted, is_, remedy, refused=_is_refused(settings, topic.name, name, is_))
    return found


def _is_refused(settings: Settings, topic: str, name: str, is_: str) -> bool:
    """Whether the worker does not start on a topic with such a setting."""
    if name == "cleanup.policy":
        return lost_by(settings, topic, is_) is not None
    if name == "max.message.bytes" and is_.isdigit():
        return any(one == topic and int(is_) < getattr(settings, by) for one, by in record_limits(settings))
    return False


def _does(name: str, wanted: str, is_: str) -> bool:
    """Longer retention and larger limits than declared do; everything else is as it must be."""
    if name == "cleanup.policy":
        return is_ == wanted
    if name in {"segment.ms", "min.cleanable.dirty.ratio"}:
        return bool(is_)  # a matter of cost
    if name == "retention.ms" and is_ == str(FOREVER):
        return True
    return is_.lstrip("-").isdigit() and int(is_) >= int(wanted)
