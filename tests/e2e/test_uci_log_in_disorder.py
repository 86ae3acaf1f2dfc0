"""Real incidents shuffled and sent twice leave byte-identical verdicts, replayed and through a real Kafka."""

import random
from pathlib import Path

import orjson
import pytest
from backfill import Backfill, History, assert_equal, history_of, replayed, verdicts_of

from engine.core.instants import DAY, Instant, parse_instant
from engine.replay.verdicts import verdicts
from recorded import needs_data

pytestmark = [needs_data, pytest.mark.timeout(300)]

TWICE = 0.05
"""This share of the events comes twice."""
INCIDENTS = 1_500
SPAN = 28 * DAY
"""Shorter than the correction window: nothing leaves the state, however late its events come."""


@pytest.fixture
def draw() -> random.Random:
    return random.Random(2016)  # noqa: S311  # no secret


def written(file: Path, lines: list[bytes]) -> Path:
    file.write_bytes(b"".join(lines))
    return file


def test_the_whole_log_shuffled_and_with_duplicates_replays_to_the_same_bytes(
    history: History, tmp_path: Path, draw: random.Random
) -> None:
    lines = history.file.read_bytes().splitlines(keepends=True)
    lines += draw.sample(lines, int(len(lines) * TWICE))
    draw.shuffle(lines)
    said, summary = replayed(written(tmp_path / "shuffled.jsonl", lines))
    assert summary["counts"]["duplicate"] == len(lines) - history.events
    assert said.read_bytes() == history.said.read_bytes()


def test_the_whole_log_arriving_up_to_two_days_late_and_twice_leaves_the_same_verdicts_as_reported(
    history: History, tmp_path: Path, draw: random.Random
) -> None:
    arriving: list[tuple[float, bytes]] = []
    for line in history.file.read_bytes().splitlines():
        event = orjson.loads(line)
        event.pop("recordedtime", None)  # then the order of lines is the order of arrival
        late = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        for _ in range(2 if draw.random() < TWICE else 1):
            arriving.append((parse_instant(event["time"]) + draw.uniform(0, 2 * DAY), late))
    arriving.sort()
    file = written(tmp_path / "late.jsonl", [line for _, line in arriving])
    said, summary = replayed(file, "--as-reported")
    assert summary["counts"]["late"] > 30_000
    assert_equal(verdicts_of(said), history.verdicts)


def test_incidents_sent_wholly_shuffled_and_twice_leave_the_same_verdicts_through_kafka(
    backfill: Backfill, history: History, tmp_path: Path, draw: random.Random
) -> None:
    lines = short_lives(history.file.read_bytes().splitlines(keepends=True))
    part = history_of(tmp_path / "part.jsonl", lines)
    shuffled = [*lines, *draw.sample(lines, int(len(lines) * TWICE))]
    draw.shuffle(shuffled)
    heartbeats = part.file.read_bytes().splitlines(keepends=True)[len(lines) :]
    backfill.start()
    backfill.send(written(tmp_path / "shuffled.jsonl", [*shuffled, *heartbeats]))
    backfill.finish()
    outcomes = backfill.outcomes()
    assert sum(one.name in ("amended", "retracted") for one in outcomes) > 1_000
    assert len(part.verdicts) > 3 * INCIDENTS
    assert_equal(verdicts(outcomes), part.verdicts)
    assert backfill.dead_letters() == []


def short_lives(lines: list[bytes]) -> list[bytes]:
    """The events of the first incidents that begin and end within the span, in the order of time."""
    events = [(event["subject"], parse_instant(event["time"])) for event in map(orjson.loads, lines)]
    until = Instant(min(at for _, at in events) + SPAN)
    too_long = {subject for subject, at in events if at > until}
    chosen = list(dict.fromkeys(subject for subject, _ in events if subject not in too_long))[:INCIDENTS]
    assert len(chosen) == INCIDENTS
    kept = set(chosen)
    return [line for line, (subject, _) in zip(lines, events, strict=True) if subject in kept]
