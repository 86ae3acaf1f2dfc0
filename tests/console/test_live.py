"""A board that stands still says so, whatever stopped it."""

import time
from pathlib import Path
from typing import Any

import pytest

from console.console_house import served
from engine.console.board import Board
from engine.console.live import REST_SECONDS, TURN_SECONDS, Live
from engine.core.instants import Instant, Span
from engine.metrics.console import ConsoleMetrics
from engine.policies import load_documents


class Away(Exception):
    """Nobody expects it."""


def board() -> Board:
    return Board(load_documents([]), Span(0))


def stopped(live: Live) -> str:
    until = time.monotonic() + 10
    while not live.failed and time.monotonic() < until:
        time.sleep(0.01)
    live.stop()
    return live.failed


def no_broker() -> Any:
    raise Away("the way is closed")


def test_a_reader_that_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(board(), "state", no_broker, lambda: Instant(0), ConsoleMetrics())
    live.start()
    assert stopped(live) == "the way is closed"
    assert not live.is_ready


def test_a_turn_that_cannot_be_made() -> None:
    shown = board()
    shown.put("desk:1", b"no state")
    live = Live(shown, "state", lambda: time.sleep(2), lambda: Instant(0), ConsoleMetrics())  # type: ignore[arg-type, func-returns-value]
    live.start()
    assert "stored state" in stopped(live)


async def test_a_board_that_has_stopped_for_good_is_not_live_so_that_it_is_started_again(
    tmp_path: Path,
) -> None:
    with served(tmp_path, events=False) as console:
        async with console.client() as client:
            reading = await client.get("/live"), await client.get("/ready")
            console.house.live.failed = "the topic was made anew"
            stopped = await client.get("/live"), await client.get("/ready")
    assert [answer.status_code for answer in reading] == [200, 503], "one that reads is left to it"
    assert [answer.status_code for answer in stopped] == [503, 503]
    assert stopped[0].json() == {"live": False}


def test_while_much_is_to_be_read_the_board_leaves_time_to_the_reader() -> None:
    live = Live(board(), "state", no_broker, lambda: Instant(0), ConsoleMetrics())
    assert (live._pause(True), live._pause(False)) == (0.0, TURN_SECONDS), "it is not known yet"
    live._into.lag("state", 5_001)
    assert (live._pause(True), live._pause(False)) == (REST_SECONDS, REST_SECONDS)
    live._into.lag("state", 5_000)
    assert live._pause(True) == 0.0
