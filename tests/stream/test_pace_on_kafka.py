"""A real worker that warns by pace, on a real Apache Kafka: what it says, and what it counts of it."""

import asyncio
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.bench.backlog import preload
from engine.bench.loop import Where, on_own_topics, settings_for_bench, worker
from engine.bench.parts import decide
from engine.bench.standard import standard_policies
from engine.bench.watching import watch
from engine.bench.workload import Record, events, record
from engine.cli.reading import read_topics
from engine.contract.codec import Received, decode, decode_outcome
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.pace import PACE, Pace
from engine.demo.broker import KafkaBroker, free_port
from engine.policies import load
from engine.replay.pace_file import Learned, write
from engine.replay.pace_learning import Lesson

EVENTS, ESCALATIONS = 4_000, 400


class Done(NamedTuple):
    pace: Pace
    hash: str
    said: list[Outcome]
    exposition: str
    log: str


@pytest.fixture(scope="module")
def done(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A worker with a table learned from the very events that it then takes."""
    made = events(ESCALATIONS, EVENTS)
    backlog = [record(event) for event in made]
    read = [
        decode(one.key, one.value, one.headers, event.at // 1000)
        for one, event in zip(backlog, made, strict=True)
    ]
    lesson = Lesson()
    lesson.take(decide(load(standard_policies()), [one for one in read if isinstance(one, Received)], 1_000))
    pace = Pace(lesson.kinds(), at_least_percent=5, least_cases=5)  # the lives made here breach rarely
    content, sealed = write(Learned(pace, lesson.first or Instant(0), lesson.until))
    file = tmp_path_factory.mktemp("pace") / "pace.json"
    file.write_bytes(content)
    return _worked(kafka, file, backlog, pace, sealed)


def _worked(kafka: KafkaBroker, file: Path, backlog: list[Record], pace: Pace, sealed: str) -> Done:
    port = free_port()
    changed = {"metrics_port": port, "pace": file}
    settings = settings_for_bench(Where(kafka.bootstrap, standard_policies()), 2, "events")
    settings = settings.model_copy(update=changed)
    with on_own_topics(settings):
        counts = asyncio.run(preload(settings, settings.tickets_topic, backlog))
        with worker(settings) as child:
            watch(settings, settings.tickets_topic, counts, child, patience=60)
            time.sleep(1)  # what is committed is counted just after
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                exposition = answer.read().decode()
            log = child.log.read_text()
        said = [
            decode_outcome(one.value or b"", one.headers)
            for one in read_topics(settings, [settings.outcomes_topic])
        ]
    return Done(pace, sealed, said, exposition, log)


@pytest.mark.timeout(150)
def test_it_warns_by_the_table_and_says_how_often_that_came_true(done: Done) -> None:
    warned = [one for one in done.said if one.name == "breach_risk"]
    by_pace = [one for one in warned if one.threshold == PACE]
    assert len(by_pace) > 20
    assert all((one.probability or 0) >= 0.05 for one in by_pace)
    for one in warned:
        expected = done.pace.chance(one.metric, one.severity, one.elapsed, one.target) or (None, 0)
        assert (one.probability, one.cases) == tuple(expected)


def test_it_counts_the_errors_of_its_forecasts(done: Done) -> None:
    judged = [done.pace.squared_error(one) for one in done.said]
    samples = [
        sample for family in text_string_to_metric_families(done.exposition) for sample in family.samples
    ]
    counted = {
        name: sum(sample.value for sample in samples if sample.name == f"sla_pace_{name}_total")
        for name in ("squared_error", "forecasts")
    }
    assert counted["forecasts"] == sum(forecasts for _, forecasts in judged) > 1_000
    assert counted["squared_error"] == pytest.approx(sum(error for error, _ in judged))


def test_its_first_log_line_names_the_table(done: Done) -> None:
    started = next(line for line in done.log.splitlines() if "worker_starts" in line)
    assert f"pace.json@{done.hash}" in started
