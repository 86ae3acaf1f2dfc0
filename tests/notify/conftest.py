"""What the tests of receivers send to."""

from collections.abc import AsyncIterator

import pytest

from notify.counterpart import Counterpart, running


@pytest.fixture
async def other() -> AsyncIterator[Counterpart]:
    """A server of the other side, on 127.0.0.1."""
    async with running() as counterpart:
        yield counterpart
