"""A board that stands still says so, whatever stopped it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from console.boards import Changelog, Desk
from console.console_house import served
from core.core_runs import at
from engine.console import live as module
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


def reached(told: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not told() and time.monotonic() < until:
        time.sleep(0.01)
    return told()


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
        console.house.live.has_read = False
        async with console.client() as client:
            reading = await client.get("/live"), await client.get("/ready")
            console.house.live.failed = "the topic was made anew"
            stopped = await client.get("/live"), await client.get("/ready")
            by_head = [await client.head(path) for path in ("/live", "/ready")]
    assert [answer.status_code for answer in reading] == [200, 503], "one that reads is left to it"
    assert [answer.status_code for answer in stopped] == [503, 503]
    assert stopped[0].json() == {"live": False}
    assert [answer.status_code for answer in by_head] == [503, 503], "as a load balancer asks"


def test_while_much_is_to_be_read_the_board_leaves_time_to_the_reader() -> None:
    live = Live(board(), "state", no_broker, lambda: Instant(0), ConsoleMetrics())
    assert (live._pause(True), live._pause(False)) == (0.0, TURN_SECONDS), "it is not known yet"
    live._into.lag("state", 5_001)
    assert (live._pause(True), live._pause(False)) == (REST_SECONDS, REST_SECONDS)
    live._into.lag("state", 5_000)
    assert live._pause(True) == 0.0


@contextmanager
def reading(shown: Board, changelog: Changelog) -> Iterator[Live]:
    live = Live(shown, "state", changelog.connect, lambda: at(1), ConsoleMetrics())
    live.start()
    yield live
    live.stop()


def written(desk: Desk, clocks: int) -> Changelog:
    """The state of escalations with as many clocks, three each; the board has seen nothing of it."""
    changelog = Changelog()
    for number in range(clocks // 3):
        desk.take("opened", 0, f"desk:{number}", severity="P1")
    changelog.records = [(key.decode(), value) for key, value in desk.engine.store.items()]
    return changelog


def test_nobody_is_told_of_a_board_that_has_not_read_the_state() -> None:
    desk = Desk()
    changelog = written(desk, 30)
    changelog.marks = 1
    first = changelog.poll

    def slow(*asked: int, **how: int) -> Any:
        """The first answer has nothing, as often when a consumer has just connected."""
        changelog.poll = first  # type: ignore[method-assign]
        return {}

    changelog.poll = slow  # type: ignore[method-assign]
    with reading(desk.board, changelog) as live:
        assert not live.has_read
        assert reached(lambda: live.has_read)
        assert len(desk.board) == 30, "and with the first word of it, all of it"
        assert live.is_ready


def test_an_empty_state_is_read_at_once() -> None:
    with reading(board(), Changelog()) as live:
        assert reached(lambda: live.is_ready)


def test_a_broker_that_never_answered_is_silent_since_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALE_AFTER", 0.2)
    changelog = Changelog()
    changelog.is_away = True
    with reading(board(), changelog) as live:
        assert live.silent_for() == 0
        assert reached(lambda: live.silent_for() > 0)
        assert not live.has_read
        assert not live.is_ready
