"""An archive answers for its metrics while its database is opened, and its schema brought up to date."""

import urllib.request
from contextlib import nullcontext
from threading import Event
from typing import Any

import pytest

from engine.cli import archiving
from engine.demo.broker import free_port
from engine.settings import Settings


def test_an_archive_answers_before_its_database_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(metrics_host="127.0.0.1", metrics_port=free_port())
    for name in ("let_in", "must_be_allowed", "partitions_of"):
        monkeypatch.setattr(archiving, name, lambda *_: None)
    monkeypatch.setattr(archiving, "_reading", lambda _: nullcontext())
    scraped = []

    def opened(settings: Settings, stopping: Event) -> Any:
        address = f"http://127.0.0.1:{settings.metrics_port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            scraped.append(answer.read().decode())

    monkeypatch.setattr(archiving, "opened", opened)
    archiving.follow(settings, archiving.archived(settings))
    (page,) = scraped
    assert "vigil_archive_retries_total" in page
    assert "vigil_archive_lag_records{" not in page, "it is not at work"
