"""The recorded log and a deployment for it, shared by the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from backfill import Backfill, History, imported

from engine.demo.broker import KafkaBroker


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The whole log, imported and replayed."""
    return imported(tmp_path_factory.mktemp("uci"))


@pytest.fixture
def backfill(kafka: KafkaBroker, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Backfill]:
    """A deployment with topics of its own; a parameter changes its settings."""
    made = Backfill(kafka.bootstrap, tmp_path, **getattr(request, "param", {}))
    yield made
    made.kill()
