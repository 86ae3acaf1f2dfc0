"""An archive that stands still is said on every page, by readiness and in the metrics, with the reason."""

from pathlib import Path
from threading import Event

import pytest

from console.console_house import served
from engine.console.keeping import Keeper
from engine.metrics.archive import ArchiveMetrics
from engine.metrics.console import ConsoleMetrics
from engine.sql.following import TopicMadeAnew

WHY = "outcomes/3 ends at 12 and was read up to 99: it is another topic, or has lost records"


def made_anew() -> None:
    raise TopicMadeAnew(WHY)


def kept(run: object, stopping: Event, metrics: ConsoleMetrics) -> Keeper:
    keeper = Keeper(run, stopping, metrics)  # type: ignore[arg-type]
    keeper.start()
    return keeper


async def test_why_it_stopped_is_said_wherever_somebody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = ConsoleMetrics()
    ArchiveMetrics(metrics.registry).lag("outcomes", 87)
    keeper = kept(made_anew, Event(), metrics)
    keeper.stop()
    with served(tmp_path, keeper=keeper, metrics=metrics) as console:
        monkeypatch.setattr(type(console.house.live), "is_ready", True)
        async with console.client() as client:
            for path in ("/", "/promises", "/escalations/desk:1"):
                page = (await client.get(path)).text
                assert f"TopicMadeAnew: {WHY}" in page
                assert 'role="alert" hidden' not in page
            ready = await client.get("/ready")
            assert (ready.status_code, ready.json()) == (
                200,
                {"ready": True, "why_not": None, "failed": "", "archive_failed": f"TopicMadeAnew: {WHY}"},
            ), "the board goes on"  # fmt: skip
            scraped = (await client.get("/metrics")).text
    assert 'vigil_console_stopped{part="archive"} 1.0' in scraped
    assert 'vigil_console_stopped{part="board"} 0.0' in scraped
    assert 'vigil_archive_lag_records{topic="outcomes"} 87.0' in scraped


async def test_one_that_goes_on_is_not_mentioned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics, stopping = ConsoleMetrics(), Event()
    keeper = kept(lambda: stopping.wait(30), stopping, metrics)
    with served(tmp_path, keeper=keeper, metrics=metrics, events=False) as console:
        monkeypatch.setattr(type(console.house.live), "is_ready", True)
        async with console.client() as client:
            assert 'role="alert" hidden' in (await client.get("/")).text
            assert (await client.get("/ready")).status_code == 200
    keeper.stop()
    assert metrics.registry.get_sample_value("vigil_console_stopped", {"part": "archive"}) == 0
