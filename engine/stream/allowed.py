"""Asks the broker, before anything is begun, whether we may do what a process needs."""

from collections.abc import Iterator, Sequence
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError, TopicAuthorizationFailedError

from engine.settings import Settings
from engine.stream.checks import not_authorized
from engine.stream.rights import Right
from engine.stream.topics import admin


def must_be_allowed(settings: Settings, rights: Sequence[Right]) -> None:
    """Refused (`not_authorized`) with the first right that we lack and the command that grants it.

    A broker that does not tell is taken at its word later. Unreachable where none answers. Blocks: outside of
    an event loop, or in a thread of its own.
    """
    client = admin(settings)
    try:
        for right in lacking(client, rights):
            raise not_authorized(settings, right)
    finally:
        client.close()


def lacking(client: KafkaAdminClient, rights: Sequence[Right]) -> Iterator[Right]:
    """Those that the broker says we do not have, each with only the operations that we lack."""
    topics = [right for right in rights if right.kind == "topic"]
    described = {one["name"]: one for one in client.describe_topics([right.name for right in topics])}
    for right in topics:
        if described[right.name]["error_code"] == TopicAuthorizationFailedError.errno:
            yield right
        else:
            yield from _beyond(right, described[right.name])
    for right in rights:
        try:
            if right.kind == "group":
                yield from _beyond(right, client.describe_groups([right.name])[right.name])
            elif right.kind == "transactional-id":
                # Nobody tells what may be done to an id; who may not even look at one may not write.
                client.describe_transactions([right.name + "0"])
        except AuthorizationError:
            yield right
        except (KafkaError, ValueError):
            continue  # no such group or id yet, a broker without them, or operations that Kafka does not have


def _beyond(right: Right, described: dict[str, Any]) -> Iterator[Right]:
    told = described.get("authorized_operations")
    if not isinstance(told, list) or "DESCRIBE" not in told:  # we have just described it: this is no answer
        return
    missing = tuple(one for one in right.operations if _constant(one) not in told)
    if missing:
        yield right._replace(operations=missing)


def _constant(operation: str) -> str:
    return "DESCRIBE_CONFIGS" if operation == "DescribeConfigs" else operation.upper()
