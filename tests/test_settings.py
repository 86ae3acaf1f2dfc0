"""Settings from the environment: what is read, what is refused, where secrets come from."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from engine.settings import Settings


def test_the_usual_kafka_variable_names_the_broker_and_ours_overrules_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("VIGIL_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka-1:9092, kafka-2:9092")
    assert Settings().bootstrap_servers == "kafka-1:9092,kafka-2:9092"
    monkeypatch.setenv("VIGIL_BOOTSTRAP_SERVERS", "other:9092")
    assert Settings().bootstrap_servers == "other:9092"


@pytest.mark.parametrize(
    "name", [name for name, field in Settings.model_fields.items() if field.annotation == Path | None]
)
def test_a_path_that_is_set_to_nothing_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As a path it would be the folder that we are in: `VIGIL_SHADOW=` made a shadow of every worker."""
    monkeypatch.setenv(f"VIGIL_{name.upper()}", "")
    settings = Settings()
    assert getattr(settings, name) is None
    assert settings.app_id == "vigil"


def test_a_password_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    settings = Settings(security_protocol="SASL_SSL", sasl_username="vigil", sasl_password_file=file)
    assert settings.client_options()["sasl_plain_password"] == "s3cret"
    assert "s3cret" not in repr(settings)


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"VIGIL_SASL_PASSWORD_FILE: .*No such file"):
        Settings(security_protocol="SASL_SSL", sasl_username="vigil", sasl_password_file=tmp_path / "no")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("delivery", "exactly_once"),
        ("clock_speed", 0),
        ("clock_start", "2026-01-01T00:00:00"),
        ("app_id", "two words"),
        ("metrics_port", 70_000),
        ("security_protocol", "TLS"),
    ],
)
def test_a_wrong_value_is_refused_by_its_field(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as error:
        Settings(**{field: value})
    assert error.value.errors()[0]["loc"] == (field,)


@pytest.mark.parametrize("name", ["", "two words", "größe", "x" * 243])
def test_a_topic_that_kafka_does_not_take_is_refused_with_its_setting(name: str) -> None:
    with pytest.raises(ValidationError, match="incidents_topic"):
        Settings(incidents_topic=name)


def test_two_topics_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="must differ"):
        Settings(tickets_topic="t", incidents_topic="t")


def test_the_changelog_is_named_after_the_application() -> None:
    assert Settings(app_id="acme").changelog_topic == "acme-escalations-changelog"


def test_plain_text_needs_no_tls_context() -> None:
    assert Settings().client_options()["ssl_context"] is None
    assert Settings(security_protocol="SSL").client_options()["ssl_context"] is not None


def test_a_shadow_reads_the_same_events_and_has_all_else_of_its_own() -> None:
    first, shadow = Settings(app_id="desk"), Settings(app_id="desk", shadow=Path("proposed"))
    assert shadow.policies == Path("proposed")
    assert (shadow.tickets_topic, shadow.incidents_topic) == (first.tickets_topic, first.incidents_topic)
    assert not set(shadow.all_topics[2:]) & set(first.all_topics)
    assert shadow.app_id == "desk-shadow"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"app_id": "desk-shadow"}, "VIGIL_APP_ID=desk-shadow"),
        ({"outcomes_topic": "desk.outcomes.shadow"}, "VIGIL_OUTCOMES_TOPIC=desk.outcomes.shadow"),
    ],
)
def test_a_shadow_beside_names_that_look_like_its_own_is_refused(given: dict[str, str], named: str) -> None:
    """It might join the deployment's group and write into its changelog."""
    assert Settings(**given).shadow is None  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=re.escape(named)):
        Settings(**given, shadow=Path("proposed"))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["behind_after", "heard_within"])
def test_a_bound_without_end_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: float("inf")})  # type: ignore[arg-type]


@pytest.mark.parametrize("server", ["kafka-1:99999", "kafka-1:0"])
def test_a_port_that_is_none_is_refused(server: str) -> None:
    with pytest.raises(ValidationError, match="expected host:port"):
        Settings(bootstrap_servers=server)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
@pytest.mark.parametrize("name", ["archive_url", "notify_url"])
def test_a_database_in_memory_alone_keeps_nothing_and_is_refused(name: str, url: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(f"VIGIL_{name.upper()}={url}: expected a file")):
        Settings(**{name: url})
