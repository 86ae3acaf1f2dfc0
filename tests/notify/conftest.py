"""What the tests of receivers send to, and records on both databases."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engine.notify.record import Record
from notify.counterpart import Counterpart, running
from notify.keeping import NOW


@pytest.fixture
async def other() -> AsyncIterator[Counterpart]:
    """A server of the other side, on 127.0.0.1."""
    async with running() as counterpart:
        yield counterpart


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/record.db"
    return str(request.getfixturevalue("postgres").new_database())


@pytest.fixture
def record(url: str) -> Iterator[Record]:
    with Record.open(url, NOW) as made:
        yield made
