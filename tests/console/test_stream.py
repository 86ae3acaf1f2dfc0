"""The live stream: what readers of one view are told, made once for all of them."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from console.boards import Desk, told_sources
from core.core_runs import at
from engine.console.filters import Filter
from engine.console.live import Live
from engine.console.rows import Row
from engine.console.stream import Stream, View
from engine.core.instants import Instant
from engine.metrics.console import ConsoleMetrics

pytestmark = pytest.mark.slow

VIEW = View(Filter(), "kim", ZoneInfo("UTC"), 200, True)


class Watching:
    """A desk whose board readers follow; nothing is drawn but a row's state."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.desk.take("opened", 0, severity="P1")
        self.desk.see(1)
        self.minute = 1.0
        self.drawn: list[str] = []
        metrics = ConsoleMetrics()
        live = Live(self.desk.board, "state", lambda: None, self._now, metrics)  # type: ignore[arg-type, return-value]
        live.has_read = True
        self.live = live
        self.stream = Stream(live, told_sources(), lambda: "", self._now, 1.0, self._draw, metrics)

    def see(self, minute: float) -> None:
        self.minute = minute
        self.desk.see(minute)

    def _now(self) -> Instant:
        return at(self.minute)

    def _draw(self, row: Row, view: View) -> str:
        self.drawn.append(row.view.metric)
        return row.state


async def heard(messages: Any, name: str = "board") -> tuple[bytes, dict[str, Any]]:
    """The next message of that name: as sent, and what it says."""
    async with asyncio.timeout(10):
        async for message in messages:
            kind, _, data = message.partition(b"\r\n")
            if kind == b"event: " + name.encode():
                assert message.endswith(b"\r\n\r\n")
                return message, orjson.loads(data.removeprefix(b"data: "))
    raise AssertionError("the stream has ended")


async def test_readers_of_one_view_are_sent_the_same_bytes_and_what_is_new_alone() -> None:
    watching = Watching()
    one, two = watching.stream.messages(VIEW), watching.stream.messages(VIEW)
    (whole, said), (same, _) = await heard(one), await heard(two)
    assert whole is same
    assert len(said["rows"]) == len(watching.drawn) == 3
    watching.see(31)  # the customer's update is missed
    (change, told), (shared, _) = await asyncio.gather(heard(one), heard(two))
    assert change is shared
    assert list(told["rows"].values()) == ["breached"]
    assert told["breached"] == ["next customer update, P1"]
    assert told["counts"]["breached"] == 1
    assert len(watching.drawn) == 4
    await one.aclose()
    await two.aclose()


async def test_who_comes_later_or_missed_something_is_sent_the_whole() -> None:
    watching = Watching()
    slow = watching.stream.messages(VIEW)
    await heard(slow)
    quick = watching.stream.messages(VIEW)
    await heard(quick)
    for minute in (31, 46):  # the update is missed, then the acknowledgement is at risk
        watching.see(minute)
        _, told = await heard(quick)
        assert len(told["rows"]) == 1
    _, told = await heard(slow)
    assert sorted(told["rows"].values()) == ["at_risk", "breached", "running"]
    await slow.aclose()
    await quick.aclose()


async def test_a_board_that_does_not_keep_up_says_by_how_much() -> None:
    watching = Watching()
    messages = watching.stream.messages(VIEW)
    _, told = await heard(messages)
    assert told["late"] == 0
    key, record = next(iter(watching.desk.engine.store.items()))
    watching.desk.board.put(key.decode(), record)
    _, told = await heard(messages, "ping")
    while not told["late"]:
        _, told = await heard(messages, "ping")
    assert told["late"] >= 2
    await messages.aclose()


async def test_nothing_is_told_of_the_board_before_the_state_is_read_and_that_is_said() -> None:
    watching = Watching()
    watching.live.has_read = False
    messages = watching.stream.messages(VIEW)
    first = await anext(messages)
    assert first.startswith(b"event: ping")
    assert b'"ready":false' in first
    watching.live.has_read = True
    _, told = await heard(messages)
    assert (told["ready"], told["shown"]) == (True, 3)
    await messages.aclose()
