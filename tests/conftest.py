"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.demo.broker import KafkaBroker
from postgres import Postgres, postgres_or_skip
from servers import kafka_or_skip

_HERE = Path(__file__).parent

_LONGEST = (
    "e2e/test_uci_log.py",
    "e2e/test_demo_runs.py",
    "e2e/test_uci_log_in_disorder.py",
    "stream/test_delivery_on_kafka.py",
    "e2e/test_every_page_in_browser.py",
    "stream/test_worker_on_kafka.py",
    "notify/test_notify_killed.py",
    "bench/test_bench_on_kafka.py",
    "docs/test_pages_run.py",
    "e2e/test_archive_killed.py",
    "stream/test_interrupted_recovery.py",
)
"""What takes a minute and more, in a few tests: xdist would begin with the files of many tests, and one of
these would be waited for alone. The Makefile keeps it from that."""

_SLOW = (
    "deploy/test_helm.py",
    "fuzz/test_fuzzed_parsers.py",
    "documents/test_trend_of_real_logs.py",
    "core/test_lives_oracle.py",
    "intake/test_backfill_command.py",
    "notify/test_notify_doctor.py",
    "replay/test_real_logs.py",
    "replay/test_pace_page.py",
    "core/test_core_properties.py",
    "notify/test_own_wording.py",
    "console/test_backtests.py",
    "intake/test_alertmanager_source.py",
    "cli/test_command_line.py",
    "metrics/test_prometheus_scrape.py",
    "contract/test_published_schemas.py",
    "project/test_site.py",
    "notify/test_pagerduty_receiver.py",
    "policies/test_fuzzed_policies.py",
    "intake/test_history.py",
    "core/test_many_facts.py",
    "console/test_api_schema.py",
    "replay/test_import_uci.py",
    "intake/test_told_twice.py",
    "documents/test_rendering.py",
    "replay/test_as_of.py",
    "core/test_calendar_changes.py",
    "notify/test_alertmanager_receiver.py",
    "replay/test_credits_recounted.py",
    "console/test_stream.py",
    "contract/test_compatibility.py",
    "console/test_oidc.py",
    "notify/test_cases.py",
    "security/test_secrets_stay_secret.py",
    "notify/test_record.py",
    "intake/test_fuzzed_payloads.py",
    "console/test_app.py",
    "core/test_relays.py",
    "cli/test_documents_commands.py",
    "documents/test_trend_recount.py",
    "stream/test_pins.py",
    "contract/test_contract_fuzz.py",
    "documents/test_review_check.py",
    "core/test_calendars_oracle.py",
    "cli/test_policy_cli.py",
    "notify/test_forgetting.py",
    "security/test_other_brokers.py",
    "core/test_calendar_libraries.py",
    "archive/test_archive_writing.py",
)
"""Without a broker, and most of the time of all such: not in `make check`, which somebody waits for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the broker is a Kafka test, one in tests/e2e is end to end, one in tests/sim a
    simulation: nobody can forget. The longest come first."""
    slow = {(_HERE / name).resolve(strict=True) for name in _SLOW}
    place = {(_HERE / name).resolve(strict=True): at for at, name in enumerate(_LONGEST + _SLOW)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    for item in items:
        if {"kafka", "secured_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")
        if item.path.is_relative_to(_HERE / "e2e"):
            item.add_marker("e2e")
        if item.path.is_relative_to(_HERE / "sim"):
            item.add_marker("sim")
        if item.path in slow:
            item.add_marker("slow")


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaBroker]:
    """A real Apache Kafka for the whole run. Topics are not created by themselves: `servers.create_topics`.

    A test may kill it: it is started again before the next one. `sasl_bootstrap` wants `user`, `password`.
    """
    broker = kafka_or_skip()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real PostgreSQL for the whole run; `postgres.new_database()` is a database of one's own."""
    with postgres_or_skip() as server:
        yield server


@pytest.fixture(autouse=True)
def _kafka_is_up(request: pytest.FixtureRequest) -> None:
    if "kafka" in request.fixturenames:
        request.getfixturevalue("kafka").start()
