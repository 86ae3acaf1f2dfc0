"""The shell's clocks."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.core.instants import HOUR, SECOND, Instant, parse_instant
from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream import duties
from engine.stream.clock import EventClock, RealClock, ScaledClock, clock_of


def test_the_real_clock_shows_microseconds_since_1970() -> None:
    assert abs(RealClock().now() - time.time() * 1_000_000) < SECOND


def test_a_scaled_clock_shows_its_start_at_the_anchor_and_runs_as_fast_as_told() -> None:
    start = parse_instant("2026-03-01T09:00:00Z")
    an_hour_ago = Instant(RealClock().now() - HOUR)
    shown = ScaledClock(start, 24.0, an_hour_ago).now()
    assert abs(shown - (start + 24 * HOUR)) < 24 * SECOND


def test_clocks_that_share_an_anchor_show_the_same_time_whenever_they_were_made() -> None:
    settings = Settings(
        clock="scaled",
        clock_start="2026-03-01T09:00:00Z",
        clock_speed=3600,
        clock_anchor="2026-01-01T00:00:00Z",
    )
    first = clock_of(settings)
    time.sleep(0.05)
    second = clock_of(settings)
    assert abs(first.now() - second.now()) < 3600 * SECOND // 20


def test_a_scaled_clock_without_a_start_starts_now() -> None:
    shown = clock_of(Settings(clock="scaled", clock_speed=60)).now()
    assert abs(shown - RealClock().now()) < 60 * SECOND


def test_only_the_event_clock_judges_by_event_time() -> None:
    clocks = {name: clock_of(Settings(clock=name)) for name in ("real", "scaled", "events")}
    assert {name for name, clock in clocks.items() if clock.event_time} == {"events"}
    assert isinstance(clocks["events"], EventClock)


async def test_a_worker_tells_how_far_its_clock_was_set_and_not_that_it_drifts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(duties, "LAG_INTERVAL", 0.01)
    looks, real, ahead = 0, time.time, 0.0

    def look(_: object) -> None:
        nonlocal looks
        looks += 1

    async def after(seconds: float) -> None:
        nonlocal ahead
        ahead, seen = seconds, looks
        async with asyncio.timeout(20):
            while looks < seen + 3:  # noqa: ASYNC110  (a look has no event)
                await asyncio.sleep(0.01)

    monkeypatch.setattr(time, "time", lambda: real() + ahead)
    unused: Any = None
    shell: Any = SimpleNamespace(accepting=False)
    readiness: Any = SimpleNamespace(saw_lag=look, saw_answers=lambda told: None, is_ready=lambda: True)
    made = duties.Duties(Settings(), shell, unused, RealClock(), Metrics(), unused, readiness, unused)
    with capture_logs() as lines:
        watching = asyncio.create_task(made._watch_lag())
        try:
            for seconds in (0.0, 0.4, 0.8, 600.8, 0.8):
                await after(seconds)
        finally:
            watching.cancel()
    assert [(line["event"], line["by_seconds"]) for line in lines] == [
        ("clock_moved", 600.0), ("clock_moved", -600.0)
    ]  # fmt: skip
