"""What stands is counted soon after partitions changed hands, and not so seldom that it seems stuck."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream import duties
from engine.stream.duties import STANDING_AT_MOST, STANDING_INTERVAL, Duties, until_next_count
from engine.stream.gauges import Standing


def shown(metrics: Metrics) -> tuple[float | None, float | None]:
    """Open P0, and the watermark of partition 0."""
    find = metrics.registry.get_sample_value
    return (
        find("sla_open_escalations", {"mode": "live", "severity": "P0"}),
        find("sla_watermark_timestamp_seconds", {"mode": "live", "partition": "0"}),
    )


async def becomes(metrics: Metrics, wanted: tuple[float | None, float | None]) -> None:
    async with asyncio.timeout(20):
        while shown(metrics) != wanted:  # noqa: ASYNC110  (a scrape has no event)
            await asyncio.sleep(0.05)


async def test_gauges_follow_the_partitions_though_the_next_count_is_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def standing(records: dict[int, int]) -> Standing:
        return Standing({"P0": len(records)}, {}, {}, {})  # type: ignore[arg-type]

    monkeypatch.setattr(duties, "standing", standing)
    monkeypatch.setattr(duties, "STANDING_INTERVAL", 3_600.0)
    monkeypatch.setattr(duties, "STANDING_AT_MOST", 3_600.0)
    held: dict[int, Any] = {0: {1: 1, 2: 2}}
    shell: Any = SimpleNamespace(table=SimpleNamespace(partitions_held=held), accepting=False)
    nobody: Any = None
    metrics, book = Metrics(), SimpleNamespace(calendars={})
    made = Duties(Settings(), shell, nobody, nobody, metrics, nobody, nobody, book)  # type: ignore[arg-type]
    counting = asyncio.create_task(made._count())
    try:
        metrics.watermark(0, 5.0)
        await becomes(metrics, (0.0, 5.0))
        shell.accepting = True
        await becomes(metrics, (2.0, 5.0))
        del held[0]
        held[1] = {1: 1}
        await becomes(metrics, (1.0, None))
    finally:
        counting.cancel()


def test_a_count_that_took_long_on_a_busy_loop_is_made_again_within_a_minute() -> None:
    assert until_next_count(0.01) == STANDING_INTERVAL
    assert until_next_count(0.4) == pytest.approx(20.0)
    assert until_next_count(30.0) == STANDING_AT_MOST < 120, "the alert on due times waits for two minutes"
