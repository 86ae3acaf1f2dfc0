"""docs/contract.md says what the models and the code say."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from engine.contract import reference
from engine.contract.codec import Received, decode
from engine.contract.events import MODELS
from engine.contract.outcomes import TYPES
from engine.demo.broker import KafkaBroker
from engine.metrics.labels import DEAD_LETTER_REASONS, IGNORED_REASONS
from servers import create_topics, unique

TEXT = reference.PAGE.read_text(encoding="utf-8")


def test_the_tables_are_the_ones_that_the_models_give() -> None:
    assert reference.main(["--check"]) == 0


def test_the_check_fails_on_a_table_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "contract.md"
    page.write_text(TEXT.replace("| `acknowledged` |", "| `acknowleged` |"), encoding="utf-8")
    monkeypatch.setattr(reference, "PAGE", page)
    assert reference.main(["--check"]) == 1
    assert reference.main([]) == 0
    assert page.read_text(encoding="utf-8") == TEXT


def test_every_verb_and_every_outcome_is_in_it() -> None:
    for verb in MODELS:
        assert TEXT.count(f"\n| `{verb}` |") == 1
    for name, kind in TYPES.items():
        assert f"`{kind}`" in TEXT or f"`{name}`" in TEXT


@pytest.mark.parametrize("reason", [*DEAD_LETTER_REASONS, *IGNORED_REASONS])
def test_every_reason_to_refuse_is_explained(reason: str) -> None:
    assert f"`{reason}`" in TEXT.partition("## What is refused")[2]


async def test_its_python_producer_sends_what_is_read(kafka: KafkaBroker) -> None:
    topic = unique("page")
    create_topics(kafka.bootstrap, topic, partitions=1)
    [shown] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(shown.replace("vigil.tickets.v1", topic), "docs/contract.md", "exec"), names)  # noqa: S102  # ours
    await names["send"](kafka.bootstrap)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        record = await asyncio.wait_for(consumer.getone(), 30)
    read = decode(record.key, record.value, record.headers, record.timestamp)
    assert isinstance(read, Received)
    assert (read.subject, read.fact.kind) == ("desk:1", "opened")
