"""The engine's topics on a real broker: made as declared, and every difference found with its remedy."""

import asyncio

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from engine.demo.broker import KafkaBroker, free_port
from engine.settings import Settings
from engine.stream import topics
from engine.stream.checks import Refused, Unreachable, check_topics
from servers import create_topics, unique


def settings_for(bootstrap: str, **changes: object) -> Settings:
    name = unique("t")
    places = {
        f"{kind}_topic": f"{name}.{kind}" for kind in ("tickets", "incidents", "commands", "outcomes", "dlq")
    }
    defaults = {"bootstrap_servers": bootstrap, "app_id": name, "env": "dev", "partitions": 3}
    return Settings(**{**places, **defaults, "replication_factor": 1, **changes})


def test_what_was_created_passes_the_check(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    assert set(topics.create(settings)) == set(settings.all_topics)
    assert topics.check(settings) == []


def test_creating_again_changes_nothing_and_says_so(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    assert all(topics.create(settings).values())
    assert not any(topics.create(settings).values())


def test_a_broker_without_the_topics_misses_every_one(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    found = topics.check(settings)
    assert [d.topic for d in found] == [t.name for t in topics.declared(settings)]
    assert {(d.what, d.refused, d.remedy) for d in found} == {("missing", True, "vigil topics create")}


def test_all_topics_need_equal_partition_counts(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    create_topics(kafka.bootstrap, settings.commands_topic, partitions=5)
    topics.create(settings)
    (found,) = [d for d in topics.check(settings) if d.what == "partitions"]
    assert (found.topic, found.expected, found.found) == (settings.commands_topic, "3", "5")
    assert found.refused


def test_a_changelog_that_is_not_compacted_is_refused(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    create_topics(
        kafka.bootstrap, settings.changelog_topic, partitions=3, configs={"cleanup.policy": "delete"}
    )
    topics.create(settings)
    (found,) = [d for d in topics.check(settings) if d.what == "cleanup.policy"]
    assert found.refused
    assert found.topic == settings.changelog_topic
    assert f"--topic {settings.changelog_topic} --add-config cleanup.policy=compact" in found.remedy


@pytest.mark.parametrize(
    ("which", "refusal"),
    [
        ("changelog_topic", "changelog_not_compacted"), ("tickets_topic", "input_compacted"),
        ("commands_topic", "input_compacted"), ("outcomes_topic", "output_compacted"),
        ("dlq_topic", "output_compacted"),
    ],
)  # fmt: skip
def test_what_loses_records_by_age_or_by_key_is_refused_here_as_by_the_worker(
    kafka: KafkaBroker, which: str, refusal: str
) -> None:
    settings = settings_for(kafka.bootstrap)
    name = getattr(settings, which)
    create_topics(kafka.bootstrap, name, partitions=3, configs={"cleanup.policy": "compact,delete"})
    topics.create(settings)
    (found,) = [d for d in topics.check(settings) if d.what == "cleanup.policy"]
    assert (found.topic, found.refused) == (name, True)
    with pytest.raises(Refused) as error:
        asyncio.run(check_topics(settings))
    assert error.value.name == refusal


@pytest.mark.parametrize(("which", "limit"), [("dlq_topic", "1000000"), ("commands_topic", "100000")])
def test_a_limit_that_the_worker_refuses_is_called_refused(
    kafka: KafkaBroker, which: str, limit: str
) -> None:
    settings = settings_for(kafka.bootstrap)
    topics.create(settings)
    (topic,) = [one for one in topics.declared(settings) if one.name == getattr(settings, which)]
    small = ConfigResource(ConfigResourceType.TOPIC, topic.name, configs={"max.message.bytes": limit})
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.alter_configs([small])
    admin.close()
    found = [d for d in topics.check(settings) if d.topic == topic.name]
    assert [(d.what, d.refused) for d in found] == [("max.message.bytes", True)]
    with pytest.raises(Refused) as error:
        asyncio.run(check_topics(settings))
    assert error.value.name == "topic_limit_too_small"


def test_a_dead_letter_topic_too_small_for_what_comes_in_is_advised_against(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    create_topics(
        kafka.bootstrap,
        settings.dlq_topic,
        partitions=3,
        configs={"retention.ms": "2592000000", "max.message.bytes": str(settings.max_dead_letter_bytes)},
    )
    topics.create(settings)
    (found,) = topics.check(settings)
    assert (found.what, found.refused) == ("max.message.bytes", False)
    assert int(found.expected) > settings.max_dead_letter_bytes


def test_one_copy_is_refused_in_production_and_allowed_in_development(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    topics.create(settings)
    production = settings.model_copy(update={"env": "production", "replication_factor": 3})
    factors = [d for d in topics.check(production) if d.what == "replication factor"]
    assert {d.topic for d in factors} == set(settings.all_topics)
    assert all(d.refused and (d.expected, d.found) == ("3", "1") for d in factors)


def test_more_copies_than_brokers_is_refused_with_the_setting_to_change(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap, replication_factor=3)
    with pytest.raises(topics.TopicsRefused, match=r"needs as many brokers, there are 1\. Set VIGIL_REPL"):
        topics.create(settings)


def test_what_a_broker_refuses_is_told_in_its_own_words(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    with pytest.raises(
        topics.TopicsRefused, match=r"Invalid value -5 for configuration retention\.ms"
    ) as error:
        topics.create(settings, -5)
    assert str(error.value).startswith(f"{settings.tickets_topic}: ")
    assert "CreateTopicsRequest" not in str(error.value)


def test_retention_can_be_forever_for_records_with_old_timestamps(kafka: KafkaBroker) -> None:
    settings = settings_for(kafka.bootstrap)
    topics.create(settings, topics.FOREVER)
    client: KafkaAdminClient = topics.admin(settings)
    try:
        assert topics._configs(settings, client, settings.tickets_topic)["retention.ms"] == "-1"
    finally:
        client.close()
    assert topics.check(settings) == []


def test_the_check_works_with_a_password_and_refuses_a_wrong_one(kafka: KafkaBroker) -> None:
    sasl = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": kafka.user,
    }
    settings = settings_for(kafka.sasl_bootstrap, **sasl, sasl_password=kafka.password)
    topics.create(settings)
    assert topics.check(settings) == []
    with pytest.raises(Refused, match="refused user"):
        topics.check(settings_for(kafka.sasl_bootstrap, **sasl, sasl_password="wrong"))


def test_a_broker_that_is_away_is_said_to_be_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        topics.check(settings_for(f"127.0.0.1:{free_port()}"))


def test_every_topic_of_the_settings_is_declared_once() -> None:
    settings = Settings(_env_file=None)
    assert sorted(t.name for t in topics.declared(settings)) == sorted(settings.all_topics)


@pytest.mark.parametrize(("factor", "in_sync"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_a_write_needs_two_copies_where_there_are_three(factor: int, in_sync: str) -> None:
    declared = topics.declared(Settings(replication_factor=factor))
    assert {t.configs["min.insync.replicas"] for t in declared} == {in_sync}
