"""A topic that is changed under a running worker is told of, and so is that it was set back."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from structlog.testing import capture_logs

from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream import duties
from engine.stream.checks import Refused


async def test_what_a_start_would_refuse_is_told_until_it_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics, shown = Metrics(), list[float | None]()
    refused = Refused("changelog_not_compacted", "it has cleanup.policy=delete", "set it back")
    answers = iter([None, refused, KafkaConnectionError("away"), OSError("no route"), refused, None])
    over = asyncio.Event()

    async def check(_: Settings) -> int:
        shown.append(metrics.registry.get_sample_value("vigil_topics_refused", {"mode": "live"}))
        if (answer := next(answers, over)) is over:
            over.set()
        if isinstance(answer, Exception):
            raise answer
        return 4

    monkeypatch.setattr(duties, "check_topics", check)
    monkeypatch.setattr(duties, "TOPICS_INTERVAL", 0.001)
    unused: Any = None
    made = duties.Duties(Settings(), unused, unused, unused, metrics, unused, unused, unused)
    with capture_logs() as lines:
        watching = asyncio.create_task(made._watch_topics())
        try:
            await asyncio.wait_for(over.wait(), 20)
        finally:
            watching.cancel()
    assert shown[:7] == [0, 0, 1, 1, 1, 1, 0]
    names = [(line["event"], line["log_level"], line.get("name")) for line in lines]
    told, away = ("topics_refused", "error", refused.name), ("topics_not_watched", "warning", None)
    assert names == [told, away, away, told]
