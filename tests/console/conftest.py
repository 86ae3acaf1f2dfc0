"""What the console's pages are asked with."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from console_house import Served
from playwright.sync_api import Browser

from browsing import chromium_or_skip


@pytest.fixture
async def client(house: Served) -> AsyncIterator[httpx.AsyncClient]:
    """Of the module's house."""
    async with house.client() as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real one, of the module."""
    with chromium_or_skip() as one:
        yield one
