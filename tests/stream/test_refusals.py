"""What the worker refuses at start: each by its name, with what to do."""

import asyncio
import time
from typing import Any

import pytest
from pydantic import ValidationError

from engine.cli.exits import ExitCode
from engine.core.instants import parse_instant
from engine.core.policy import Book
from engine.demo.broker import KafkaBroker, free_port
from engine.settings import Settings
from engine.stream import checks, ending
from engine.stream.checks import Refused, Unreachable
from plain_calendars import business_calendar
from servers import create_topics, unique


def settings_for(bootstrap: str, **changes: Any) -> Settings:
    name = unique("refusal")
    topics = {
        f"{topic}_topic": f"{name}-{topic}"
        for topic in ("tickets", "incidents", "commands", "outcomes", "dlq")
    }
    return Settings(**{"bootstrap_servers": bootstrap, "app_id": name, "env": "dev", **topics, **changes})


def refusal(error: pytest.ExceptionInfo[Refused]) -> tuple[str, str]:
    return error.value.name, f"{error.value.message} / {error.value.hint}"


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("PROCESSING_GUARANTEE", "exactly_once", "faust_exactly_once"),
        ("PRODUCER_THREADED", "1", "producer_threaded"),
        ("CONSUMER_AUTO_OFFSET_RESET", "latest", "auto_offset_reset"),
    ],
)
def test_a_dangerous_variable_of_faust_is_refused_by_name(variable: str, value: str, name: str) -> None:
    with pytest.raises(Refused) as error:
        checks.check_environment({variable: value})
    assert refusal(error)[0] == name
    assert variable in refusal(error)[1]


def test_a_harmless_environment_is_accepted() -> None:
    checks.check_environment({"PROCESSING_GUARANTEE": "at_least_once", "PRODUCER_THREADED": "false"})


def test_a_calendar_without_an_answer_for_now_is_refused() -> None:
    support = business_calendar("support", "Europe/Berlin", {"mon-fri": ["09:00-17:00"]})
    book = Book(policies=(), calendars={"support": support})
    checks.check_horizon(book, parse_instant("2026-11-23T12:00:00Z"))
    with pytest.raises(Refused) as error:
        checks.check_horizon(book, parse_instant("2401-01-01T00:00:00Z"))
    assert refusal(error)[0] == "calendar_expired"
    assert "'support'" in refusal(error)[1]


@pytest.mark.slow
async def test_a_broker_that_stays_away_is_unreachable_after_the_bound() -> None:
    settings = settings_for(f"127.0.0.1:{free_port()}", start_timeout=2.5)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="VIGIL_BOOTSTRAP_SERVERS"):
        await checks.wait_for_broker(settings)
    assert time.monotonic() - began < 4


async def test_a_wrong_password_is_refused_at_once_and_the_right_one_is_not(kafka: KafkaBroker) -> None:
    for mechanism in ("PLAIN", "SCRAM-SHA-512"):
        sasl = {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": mechanism,
            "sasl_username": kafka.user,
            "start_timeout": 20,
        }
        wrong = settings_for(kafka.sasl_bootstrap, **sasl, sasl_password="wrong")
        began = time.monotonic()
        with pytest.raises(Refused) as error:
            await checks.wait_for_broker(wrong)
        assert time.monotonic() - began < 5
        assert refusal(error)[0] == "wrong_credentials"
        assert "VIGIL_SASL_PASSWORD" in refusal(error)[1]
        right = settings_for(kafka.sasl_bootstrap, **sasl, sasl_password=kafka.password)
        await checks.wait_for_broker(right)


async def test_a_client_without_credentials_is_told_to_look_at_the_protocol(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.sasl_bootstrap, start_timeout=0)
    with pytest.raises(Unreachable, match="VIGIL_SECURITY_PROTOCOL"):
        await asyncio.wait_for(checks.wait_for_broker(settings), 20)


async def test_a_missing_topic_is_refused_by_name(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    with pytest.raises(Refused) as error:
        await checks.check_topics(settings)
    assert refusal(error)[0] == "topic_missing"
    assert settings.tickets_topic in refusal(error)[1]
    assert "vigil topics create" in refusal(error)[1]


async def test_partition_counts_that_differ_are_refused_with_all_counts(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    create_topics(kafka.bootstrap, *settings.all_topics[:-1], partitions=4)
    create_topics(
        kafka.bootstrap, settings.changelog_topic, partitions=3, configs={"cleanup.policy": "compact"}
    )
    with pytest.raises(Refused) as error:
        await checks.check_topics(settings)
    assert refusal(error)[0] == "partition_counts_differ"
    assert f"{settings.changelog_topic} has 3" in refusal(error)[1]


async def test_a_changelog_without_compaction_is_refused(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    create_topics(kafka.bootstrap, *settings.all_topics, partitions=2)
    with pytest.raises(Refused) as error:
        await checks.check_topics(settings)
    assert refusal(error)[0] == "changelog_not_compacted"


async def test_a_topic_that_takes_less_than_we_may_send_is_refused(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap, max_dead_letter_bytes=1_000_000)
    create_topics(kafka.bootstrap, *settings.all_topics[:-2], partitions=2)
    create_topics(kafka.bootstrap, settings.dlq_topic, partitions=2, configs={"max.message.bytes": "500000"})
    create_topics(
        kafka.bootstrap, settings.changelog_topic, partitions=2, configs={"cleanup.policy": "compact"}
    )
    with pytest.raises(Refused) as error:
        await checks.check_topics(settings)
    assert refusal(error)[0] == "topic_limit_too_small"
    assert f"{settings.dlq_topic} takes 500000 bytes" in refusal(error)[1]


async def test_one_replica_is_refused_in_production_and_accepted_in_dev(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    create_topics(kafka.bootstrap, *settings.all_topics[:-1], partitions=2)
    create_topics(
        kafka.bootstrap, settings.changelog_topic, partitions=2, configs={"cleanup.policy": "compact"}
    )
    assert await checks.check_topics(settings) == 2
    with pytest.raises(Refused) as error:
        await checks.check_topics(settings.model_copy(update={"env": "production"}))
    assert refusal(error)[0] == "replication_factor_1"


def test_a_bootstrap_server_without_port_is_refused_with_what_was_expected() -> None:
    with pytest.raises(ValidationError, match="expected host:port"):
        Settings(bootstrap_servers="kafka-1")


def test_sasl_without_a_password_is_refused() -> None:
    with pytest.raises(ValidationError, match="VIGIL_SASL_PASSWORD"):
        Settings(security_protocol="SASL_SSL", sasl_username="vigil")


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    assert (ending.IN_DOUBT, ending.REFUSED) == (ExitCode.IN_DOUBT, ExitCode.REFUSED)
