"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.demo.broker import KafkaBroker
from postgres import Postgres, postgres_or_skip
from servers import kafka_or_skip
from told_apart import tell_apart

_HERE = Path(__file__).parent

_LONGEST = (
    "e2e/test_rules_compiled.py",
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
    "stream/test_three_brokers.py",
)
"""What takes a minute and more, in a few tests: xdist would begin with the files of many tests, and one of
these would be waited for alone. The Makefile keeps it from that."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the broker is a Kafka test, one in tests/e2e is end to end, one in tests/sim a
    simulation, one of a real Chromium slow: nobody can forget. The longest come first, the files of the
    others on Kafka evenly among those without, for they wait while these compute."""
    tell_apart(items)
    on_kafka = set[Path]()
    for item in items:
        if item.path.stem.endswith("_in_browser"):
            item.add_marker("slow")
        if {"kafka", "secured_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")
            on_kafka.add(item.path)
        if item.path.is_relative_to(_HERE / "e2e"):
            item.add_marker("e2e")
        if item.path.is_relative_to(_HERE / "sim"):
            item.add_marker("sim")
    place = {(_HERE / name).resolve(strict=True): float(at) for at, name in enumerate(_LONGEST)}
    others: dict[Path, bool] = {}
    for item in items:
        if item.path not in place:
            others[item.path] = others.get(item.path, True) and item.get_closest_marker("slow") is None
    for is_on_kafka in (True, False):
        files = [path for path in others if (path in on_kafka) is is_on_kafka]
        files.sort(key=others.__getitem__)  # what is slow first
        place.update({path: len(_LONGEST) + at / len(files) for at, path in enumerate(files)})
    items.sort(key=lambda item: place[item.path])


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
