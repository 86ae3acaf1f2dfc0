"""What is refused before the worker starts, by name and with what to do; and the waiting for a broker."""

import asyncio
import os
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import structlog
from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn

from engine.core.calendars import CalendarError
from engine.core.instants import Instant, format_instant
from engine.core.policy import Book
from engine.settings import Settings
from engine.stream.rights import Right

log = structlog.stdlib.get_logger("vigil.stream")

RETRY_SECONDS = 2.0
CONNECT_MS = 5_000
WRONG_TLS = (
    "check VIGIL_TLS_CA_FILE, VIGIL_TLS_CERT_FILE and VIGIL_SECURITY_PROTOCOL; `vigil doctor` says until when"
    " certificates are good"
)
_FALSE = ("", "0", "false", "no", "off")
_CREDENTIALS = (
    errors.AuthenticationFailedError,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
)


class Refused(Exception):
    """The worker does not start with this. `name` is what to search the docs for; `hint` says what to do."""

    def __init__(self, name: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.hint = hint


class Unreachable(Exception):
    """No broker answered in the time given."""


def not_authorized(settings: Settings, right: Right) -> Refused:
    """The named error for a right that we lack, with the command that grants it."""
    user = settings.sasl_username or "the owner of VIGIL_TLS_CERT_FILE"
    return Refused(
        "not_authorized",
        f"{user} may not {' or '.join(right.operations)} {right.resource}",
        f"kafka-acls --add --allow-principal User:… {right.options} (`vigil topics acls` lists all)",
    )


def check_environment(environment: Mapping[str, str] = os.environ) -> None:
    """Faust's own variables have no effect here, and who set one of these expects one."""
    if environment.get("PROCESSING_GUARANTEE", "at_least_once") != "at_least_once":
        raise Refused(
            "faust_exactly_once",
            f"PROCESSING_GUARANTEE={environment['PROCESSING_GUARANTEE']}: Faust's exactly_once loses events",
            "unset it; VIGIL_DELIVERY=transactions (the default) is exactly once",
        )
    if environment.get("PRODUCER_THREADED", "").lower() not in _FALSE:
        raise Refused(
            "producer_threaded",
            "PRODUCER_THREADED is set: Faust's commit then flushes the wrong producer",
            "unset it",
        )
    if environment.get("CONSUMER_AUTO_OFFSET_RESET", "earliest") != "earliest":
        raise Refused(
            "auto_offset_reset",
            "CONSUMER_AUTO_OFFSET_RESET is not earliest: events before the first start would be skipped",
            "unset it; Vigil starts at the earliest offset",
        )


def check_horizon(book: Book, now: Instant) -> None:
    """A calendar that has no answer for now would end the worker at its first question."""
    for name, calendar in book.calendars.items():
        try:
            calendar.next_opening(now)  # its index grows to what it is asked about
        except CalendarError as error:
            raise Refused(
                "calendar_expired",
                f"the calendar {name!r} has no answer for {format_instant(now)}: {error}",
                "check the machine's clock, and that the packages tzdata and holidays are current",
            ) from error


async def wait_for_broker(settings: Settings) -> None:
    """Return when a broker lets us in. Refused at once for credentials; Unreachable after start_timeout."""
    began = time.monotonic()
    while True:
        why = await _first_answer(settings)
        if why is None:
            return
        waited = time.monotonic() - began
        if waited + RETRY_SECONDS > settings.start_timeout:
            after = f" in {waited:.0f} s" if waited >= 1 else ""
            raise Unreachable(
                f"no broker at {settings.bootstrap_servers}{after} ({why}); check "
                f"VIGIL_BOOTSTRAP_SERVERS, and VIGIL_SECURITY_PROTOCOL (now {settings.security_protocol})"
            )
        log.warning(
            "broker_away",
            bootstrap_servers=settings.bootstrap_servers,
            why=why,
            waited_seconds=round(waited),
            gives_up_after_seconds=settings.start_timeout,
        )
        await asyncio.sleep(RETRY_SECONDS)


async def _first_answer(settings: Settings) -> str | None:
    """None when one of the brokers let us in, else why the last one did not."""
    options = client_options(settings)
    why = "no broker is given"
    for server in options.pop("bootstrap_servers"):
        host, _, port = server.rpartition(":")
        try:
            connection = await create_conn(
                host.strip("[]"), int(port), client_id="vigil-check", request_timeout_ms=CONNECT_MS, **options
            )
        except _CREDENTIALS as error:
            raise Refused(
                "wrong_credentials",
                f"{server} refused user {settings.sasl_username!r} with {settings.sasl_mechanism}: {error}",
                "check VIGIL_SASL_USERNAME, VIGIL_SASL_PASSWORD (or _FILE) and VIGIL_SASL_MECHANISM",
            ) from error
        except (OSError, errors.KafkaError) as error:
            if (refusal := refused_by_tls(error)) is not None:
                raise Refused("tls_failed", f"{server}: {refusal}", WRONG_TLS) from error
            why = f"{server}: {error or type(error).__name__}"
            continue
        connection.close()
        return await _talks(settings, server)
    return why


def refused_by_tls(error: Exception) -> ssl.SSLError | None:
    """What TLS has against the other side, ours or the broker's. That ours is refused comes, since TLS 1.3,
    after the handshake, and the client shows it as a connection that was closed."""
    if isinstance(error, ssl.SSLError):
        return error
    cause = error.__cause__
    return cause if isinstance(cause, ssl.SSLError) and "ALERT" in (cause.reason or "") else None


async def _talks(settings: Settings, server: str) -> str | None:
    """A broker that wants credentials lets anybody connect, and hangs up at the first question."""
    client = AIOKafkaClient(
        **client_options(settings), client_id="vigil-check", request_timeout_ms=CONNECT_MS
    )
    try:
        await client.bootstrap()
    except errors.KafkaError as error:
        return f"{server} let us connect and answered nothing: {error}"
    finally:
        await client.close()
    return None


def client_options(settings: Settings) -> dict[str, Any]:
    """`Settings.client_options`, with a named error for TLS files that are not there."""
    try:
        return settings.client_options()
    except OSError as error:
        raise Refused(
            "tls_files",
            f"TLS files: {error}",
            "check VIGIL_TLS_CA_FILE, VIGIL_TLS_CERT_FILE and VIGIL_TLS_KEY_FILE",
        ) from error


async def check_topics(settings: Settings) -> int:
    """The partition count that all topics of the worker share. Refused for topics that would not do."""
    admin = AIOKafkaAdminClient(**client_options(settings), client_id="vigil-check")
    try:
        await admin.start()
        found = {topic["topic"]: topic for topic in await admin.describe_topics(list(settings.all_topics))}
        configs = {name: await _configs(admin, name) for name in settings.all_topics}
    finally:
        await admin.close()
    counts = _check_found(settings, found)
    _check_configs(settings, configs)
    return counts


def _check_configs(settings: Settings, configs: Mapping[str, Mapping[str, str]]) -> None:
    for name, found in configs.items():
        policy = found.get("cleanup.policy")
        if policy is not None and (loss := lost_by(settings, name, policy)):
            raise Refused(loss.name, f"{name} has cleanup.policy={policy}: {loss.what}", loss.remedy)
    for name, setting in record_limits(settings):
        needed, limit = getattr(settings, setting), configs[name].get("max.message.bytes")
        if limit is not None and int(limit) < needed:
            # Found out later, the broker would refuse a batch, and the worker end at it again and again.
            raise Refused(
                "topic_limit_too_small",
                f"{name} takes {limit} bytes, and we may send {needed}",
                f"set max.message.bytes={needed} on {name}, or VIGIL_{setting.upper()}={limit}",
            )


class Loss(NamedTuple):
    """What a topic's cleanup.policy loses, under the name by which it is refused."""

    name: str
    what: str
    remedy: str


def lost_by(settings: Settings, topic: str, policy: str) -> Loss | None:
    """Why the worker does not start on a topic with that cleanup.policy; None where it does."""
    if topic == settings.changelog_topic and policy != "compact":
        return Loss(
            "changelog_not_compacted",
            "state would be deleted by age" if "delete" in policy else "state would be lost",
            f"set cleanup.policy=compact on {topic}",
        )
    if topic in settings.input_topics and "compact" in policy:
        return Loss(
            "input_compacted",
            "of the events of an escalation the last alone would be kept",
            f"set cleanup.policy=delete on {topic}",
        )
    if topic in (settings.outcomes_topic, settings.dlq_topic) and "compact" in policy:
        return Loss(
            "output_compacted",
            "of what is said of an escalation the last alone would be kept"
            if topic == settings.outcomes_topic
            else "of a key's dead letters the last alone would be kept, and one without a key not be taken",
            f"set cleanup.policy=delete on {topic}",
        )
    return None


def record_limits(settings: Settings) -> tuple[tuple[str, str], ...]:
    """(topic, setting): the largest record that we send there; the topic must take it."""
    return (
        (settings.commands_topic, "max_record_bytes"),
        (settings.outcomes_topic, "max_record_bytes"),
        (settings.changelog_topic, "max_record_bytes"),
        (settings.dlq_topic, "max_dead_letter_bytes"),
    )


DIFFERENT_COUNTS = (
    "set VIGIL_PARTITIONS and the topics' names to topics that agree; where partitions were added, new topics"
    " and a new VIGIL_APP_ID (docs/operations.md): never delete the changelog of an application that has read"
    " events, for with it goes every open clock"
)


def _check_found(settings: Settings, found: Mapping[str, Mapping[str, Any]]) -> int:
    for name in settings.all_topics:
        code = found.get(name, {}).get("error_code", errors.UnknownTopicOrPartitionError.errno)
        if code != 0:
            raise Refused("topic_missing", f"the topic {name} is not there", "run `vigil topics create`")
    counts = {name: len(found[name]["partitions"]) for name in settings.all_topics}
    if len(set(counts.values())) > 1:
        raise Refused(
            "partition_counts_differ",
            "all topics need the same partition count: "
            + ", ".join(f"{k} has {n}" for k, n in counts.items()),
            DIFFERENT_COUNTS,
        )
    if settings.env != "dev":
        for name in settings.all_topics:
            replicas = min(len(partition["replicas"]) for partition in found[name]["partitions"])
            if replicas < 2:
                raise Refused(
                    "replication_factor_1",
                    f"{name} has one replica: a broker's disk that fails takes it along",
                    "create it with three replicas, or set VIGIL_ENV=dev where that may be",
                )
    return counts[settings.tickets_topic]


async def _configs(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    """The topic's settings; empty where the broker does not tell."""
    try:
        answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    except errors.KafkaError:
        return {}
    configs: dict[str, str] = {}
    for answer in answers:
        for resource in answer.to_object()["resources"]:
            for entry in resource.get("config_entries", ()):
                configs[entry["config_names"]] = entry["config_value"]
    return configs
