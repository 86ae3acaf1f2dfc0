"""Puts CloudEvents on their topics and waits for every acknowledgement."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from engine.cli.exits import ExitCode, Failure
from engine.cli.inputs import now
from engine.contract.codec import PartlyKnown, Unreadable, read_line
from engine.contract.envelope import structured
from engine.settings import Settings
from engine.stream.checks import not_authorized
from engine.stream.rights import Right

_NO_HEADERS = ("data", "data_base64", "datacontenttype")
"""Of a structured event: binary mode has them as the value and its type."""
_IN_FLIGHT = 10_000
"""Records that wait for their acknowledgement at most."""
_LARGEST_REQUEST = 1_000_000
"""Kafka's own default limit of a batch; a larger record is refused here, with its line."""


class Message(NamedTuple):
    """One record on its way, and the place in the input that it comes from."""

    place: str
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    unknown_type: str = ""
    """Its type, where it is none of the contract's: whoever reads it counts it, and no more."""
    unknown_fields: tuple[str, ...] = ()
    """Those of its data that are left out by whoever reads it."""


class Refused(NamedTuple):
    """A line that is not sent, and why."""

    place: str
    reason: str


def event_line(
    type_: str, subject: str, data: object, source: str, *, time: str | None = None, id_: str | None = None
) -> bytes:
    """A structured CloudEvent of now, or of another time, with a new id or one of its own."""
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": id_ or str(uuid4()),
            "source": source,
            "type": type_,
            "subject": subject,
            "time": time or datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def message(place: str, line: bytes, settings: Settings, topic: str | None) -> Message | Refused:
    """The record of a structured CloudEvent: binary mode, keyed by its subject. What would be a dead letter
    is refused."""
    said = read_line(line, now())
    if isinstance(said, Unreadable) and not said.ignored:
        return Refused(place, str(said))
    event = orjson.loads(line)
    kind = str(event["type"])
    topics = {"ticket": settings.tickets_topic, "incident": settings.incidents_topic}
    target = topic or topics.get(kind.split(".")[0])
    if target is None:
        return Refused(place, f"type {kind!r}: expected ticket.… or incident.…, or a --topic")
    headers = [
        (f"ce_{name}", str(value).encode())
        for name, value in event.items()
        if value is not None and name not in _NO_HEADERS
    ]
    headers.append(("content-type", b"application/json"))
    unknown_type = kind if isinstance(said, Unreadable) else ""
    unknown_fields = said.unknown if isinstance(said, PartlyKnown) else ()
    key, value = str(event["subject"]).encode(), structured(line).data
    return Message(place, target, key, value, headers, unknown_type, unknown_fields)


class Sent(NamedTuple):
    acknowledged: int
    refused: list[Refused]


def deliver(settings: Settings, messages: Iterable[Message | Refused], *, rate: float | None = None) -> Sent:
    """`send_all`, for a command: Failure says why the brokers cannot be reached."""
    try:
        return asyncio.run(send_all(settings, messages, rate=rate))
    except KafkaConnectionError:
        raise _why(settings) from None
    except ClusterAuthorizationFailedError:  # an idempotent producer that may write to no topic at all
        raise _may_not_write(settings, settings.tickets_topic) from None


def _may_not_write(settings: Settings, topic: str) -> Failure:
    refused = not_authorized(settings, Right("topic", topic, ("Write",)))
    return Failure(f"{refused.name}: {refused.message}", ExitCode.REFUSED, refused.hint)


def _why(settings: Settings) -> Failure:
    """The client says only that it cannot connect; a look from outside tells what is wrong."""
    from engine.cli.cluster import examine_cluster, role_of
    from engine.cli.findings import Sign

    for finding in examine_cluster(settings, 5, role_of(settings)):
        if finding.sign is Sign.FAIL:
            return Failure(finding.found, finding.code, finding.advice)
    return Failure(
        f"{settings.bootstrap_servers}: lost the connection", ExitCode.UNREACHABLE, "send it again"
    )


async def send_all(
    settings: Settings,
    messages: Iterable[Message | Refused],
    *,
    rate: float | None = None,
) -> Sent:
    """Send in order, idempotently; every record that is sent is acknowledged by all replicas in sync.

    Raises aiokafka's KafkaError where the brokers cannot be reached, Failure for a topic that is not there.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # each attempt; what fails is raised
    producer = AIOKafkaProducer(
        **settings.client_options(),
        acks="all",
        enable_idempotence=True,
        linger_ms=20,
        max_batch_size=256 * 1024,
        max_request_size=_LARGEST_REQUEST,
    )
    try:
        await producer.start()
        return await _Sending(producer, settings, rate).run(messages)
    finally:
        await producer.stop()


class _Sending:
    def __init__(
        self,
        producer: AIOKafkaProducer,
        settings: Settings,
        rate: float | None,
    ) -> None:
        self._producer, self._settings = producer, settings
        self._rate = rate
        self._known: set[str] = set()
        self._waiting: list[tuple[str, str, asyncio.Future[object]]] = []
        self._sent = 0
        self._refused: list[Refused] = []

    async def run(self, messages: Iterable[Message | Refused]) -> Sent:
        began = asyncio.get_running_loop().time()
        for one in messages:
            if isinstance(one, Refused):
                self._refused.append(one)
                continue
            if self._rate is not None:
                await self._pace(began)
            await self._send(one)
            if len(self._waiting) >= _IN_FLIGHT:
                await self._settle()
        await self._settle()
        return Sent(self._sent, self._refused)

    async def _pace(self, began: float) -> None:
        assert self._rate is not None  # noqa: S101  # the caller asked
        ahead = (self._sent + len(self._waiting)) / self._rate - (asyncio.get_running_loop().time() - began)
        if ahead > 0:
            if self._waiting:
                await self._settle()
            await asyncio.sleep(ahead)

    async def _send(self, one: Message) -> None:
        if one.topic not in self._known:
            await self._must_exist(one.topic)
        try:
            future = await self._producer.send(one.topic, key=one.key, value=one.value, headers=one.headers)
        except MessageSizeTooLargeError as error:
            self._refused.append(Refused(one.place, f"too_large: {error}"))
            return
        self._waiting.append((one.place, one.topic, future))

    async def _must_exist(self, topic: str) -> None:
        try:
            await asyncio.wait_for(self._producer.partitions_for(topic), timeout=15)
        except (UnknownTopicOrPartitionError, TimeoutError):
            hint = "`vigil topics create` makes it; VIGIL_…_TOPIC names another"
            raise Failure(f"the topic {topic} does not exist", ExitCode.REFUSED, hint) from None
        except TopicAuthorizationFailedError:
            raise _may_not_write(self._settings, topic) from None
        self._known.add(topic)

    async def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        for place, topic, future in waiting:
            try:
                await future
            except MessageSizeTooLargeError as error:  # the broker's limit, or the topic's
                self._refused.append(Refused(place, f"too_large: {error}"))
                continue
            except TopicAuthorizationFailedError as error:
                raise _may_not_write(self._settings, topic) from error
            except KafkaError as error:
                raise Failure(
                    f"{place} and what follows may not be in Kafka: {error!r}; "
                    f"{self._sent:,} records were acknowledged before it",
                    ExitCode.UNREACHABLE,
                    "send the file again: the same id and source change nothing the second time",
                ) from error
            self._sent += 1
