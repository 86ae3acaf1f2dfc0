"""An archive that says nothing for a while: whoever looks at it waits, and the board goes on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from console.console_house import Served, served, text

WAITING = 50
"""More than the threads that answer pages."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


async def test_the_board_is_there_while_everybody_waits_for_the_archive(house: Served) -> None:
    answers = Event()
    event.listen(house.archive.engine, "begin", lambda _: answers.wait(60))
    async with house.client() as client:
        waiting = [asyncio.create_task(client.get("/promises", timeout=60)) for _ in range(WAITING)]
        await asyncio.sleep(0.5)
        assert not any(one.done() for one in waiting)
        board = await asyncio.wait_for(client.get("/"), 10)
        assert board.status_code == 200
        answers.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}


async def test_where_the_archive_is_away_its_reader_is_told_what_to_do(house: Served) -> None:
    def refuse(_: object) -> None:
        raise OperationalError("select", {}, OSError("the disk is gone"))

    event.listen(house.archive.engine, "begin", refuse)
    async with house.client() as client:
        seen = await text(client, "/promises", 503)
    assert "The archive does not answer Load this page again in a moment." in seen
    assert "disk" not in seen
