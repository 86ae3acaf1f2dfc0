"""Fixtures that all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.demo.broker import KafkaBroker
from postgres import Postgres, postgres_or_skip
from servers import kafka_or_skip

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the broker is a Kafka test, one in tests/e2e is end to end, one in tests/sim a
    simulation: nobody can forget."""
    for item in items:
        if {"kafka", "secured_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("kafka")
        if item.path.is_relative_to(_HERE / "e2e"):
            item.add_marker("e2e")
        if item.path.is_relative_to(_HERE / "sim"):
            item.add_marker("sim")


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
