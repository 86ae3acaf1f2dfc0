"""What connections of probes leave behind goes, though the collector is spared."""

import asyncio
from types import SimpleNamespace
from typing import Any
from weakref import ref

import pytest

from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream import collector
from engine.stream.collector import spared_collector
from engine.stream.duties import Duties


class Cycle:
    """Nobody holds it but itself."""

    def __init__(self) -> None:
        self.own = self


async def test_a_worker_looks_for_cycles_while_its_collector_is_spared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collector, "COLLECT_INTERVAL", 0.01)
    table = SimpleNamespace(partitions_held={})
    shell: Any = SimpleNamespace(table=table, accepting=False, stage=None, untaken=dict)
    clock: Any = SimpleNamespace(event_time=True, now=lambda: 0)
    readiness: Any = SimpleNamespace(
        saw_lag=lambda _: None, saw_answers=lambda _: None, is_ready=lambda: True
    )
    book: Any = SimpleNamespace(calendars={})
    nobody: Any = None
    duties = Duties(Settings(), shell, nobody, clock, Metrics(), nobody, readiness, book)
    with spared_collector():
        gone = asyncio.Event()
        left = ref(Cycle(), lambda _: gone.set())
        assert left() is not None
        duties.start()
        try:
            await asyncio.wait_for(gone.wait(), 20)
        finally:
            await duties.stop()
