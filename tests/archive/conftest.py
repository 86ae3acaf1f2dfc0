"""Every test that asks for `url` runs on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.archive.archive import Archive


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty database of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/archive.db"
    found: str = request.getfixturevalue("postgres").new_database()
    return found


@pytest.fixture
def archive(url: str) -> Iterator[Archive]:
    with Archive.open(url) as made:
        yield made
