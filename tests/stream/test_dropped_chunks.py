"""What Faust fetched and dropped, with nothing behind it to show the hole, is read again.

On a real broker: `test_delivery_on_kafka.py`, workers that come and go, which stops sending at the last kill.
"""

import asyncio
from typing import Any

import pytest
from faust.types import TP

from engine.stream import duties
from engine.stream.duties import Duties

QUIET, BUSY = TP("tickets", 0), TP("tickets", 1)


class Looks:
    """A shell that finds this at each look."""

    accepting = True

    def __init__(self, *looks: dict[TP, tuple[int, int]]) -> None:
        self.looks = list(looks)
        self.read: list[TP] = []
        self.over = asyncio.Event()

    def untaken(self) -> dict[TP, tuple[int, int]]:
        if not self.looks:
            self.over.set()
            return {}
        return self.looks.pop(0)

    async def read_again(self, tp: TP) -> None:
        self.read.append(tp)


@pytest.mark.parametrize(
    ("looks", "read"),
    [
        ([{QUIET: (3, 9)}, {QUIET: (3, 9)}], [QUIET]),
        ([{QUIET: (3, 9), BUSY: (0, 5)}, {QUIET: (3, 9), BUSY: (5, 8)}], [QUIET]),
        ([{QUIET: (3, 9)}, {}, {QUIET: (3, 9)}], []),
        ([{QUIET: (3, 9)}, {QUIET: (3, 12)}], []),
    ],
)
async def test_only_what_lies_as_it_lay_is_read_again(
    monkeypatch: pytest.MonkeyPatch, looks: list[dict[TP, tuple[int, int]]], read: list[TP]
) -> None:
    monkeypatch.setattr(duties, "DROPPED_INTERVAL", 0.0)
    shell, unused = Looks(*looks), None
    some: Any = (unused, shell, *[unused] * 6)
    looking = asyncio.create_task(Duties(*some)._read_dropped())
    await asyncio.wait_for(shell.over.wait(), 5)
    looking.cancel()
    assert shell.read == read
