"""What the console's pages are asked with."""

from collections.abc import AsyncIterator

import httpx
import pytest
from console_house import Served


@pytest.fixture
async def client(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    """Of the module's house."""
    async with house.client() as one:
        yield one
