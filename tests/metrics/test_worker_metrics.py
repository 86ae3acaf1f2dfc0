"""What a real worker answers on /metrics after real work on a real Apache Kafka."""

import asyncio
import subprocess
import time
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_programs import program

from engine.bench.backlog import preload
from engine.bench.loop import Where, on_own_topics, settings_for_bench, worker
from engine.bench.standard import standard_policies
from engine.bench.watching import watch
from engine.bench.workload import Record, events, record
from engine.core.instants import SECOND, parse_instant
from engine.demo.broker import KafkaBroker, free_port

EVENTS, ESCALATIONS = 2_000, 200


@pytest.fixture(scope="module")
def exposition(kafka: KafkaBroker) -> Iterator[str]:
    """Of a worker that took a backlog of whole lives and one record that is no event."""
    where = Where(kafka.bootstrap, standard_policies())
    port = free_port()
    settings = settings_for_bench(where, 2, "events").model_copy(update={"metrics_port": port})
    backlog = [record(event) for event in events(ESCALATIONS, EVENTS)]
    backlog.append(Record(b"who", b"not json", []))
    with on_own_topics(settings):
        counts = asyncio.run(preload(settings, settings.tickets_topic, backlog))
        with worker(settings) as child:
            watch(settings, settings.tickets_topic, counts, child, patience=60)
            time.sleep(6)  # gauges are counted every five seconds
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                yield answer.read().decode()


def total(exposition: str, name: str, **wanted: str) -> float:
    """The sum of a sample over all series that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name == name and wanted.items() <= sample.labels.items()
    )


@pytest.mark.timeout(150)
def test_every_resolution_is_in_the_histogram_and_every_event_is_counted(exposition: str) -> None:
    assert total(exposition, "sla_time_to_resolve_seconds_count") == ESCALATIONS
    assert total(exposition, "sla_events_total") == EVENTS
    assert total(exposition, "sla_events_total", verb="opened") == ESCALATIONS
    assert total(exposition, "sla_dlq_total") == 1


def test_what_ended_and_what_was_missed_add_up(exposition: str) -> None:
    resolved = total(exposition, "sla_clocks_settled_total", metric="resolve", verdict="met")
    breached = total(exposition, "sla_breaches_total", metric="resolve")
    assert resolved + breached == ESCALATIONS
    assert total(exposition, "sla_cadence_missed_total") > 0
    assert total(exposition, "sla_outcomes_total", outcome="breached") == total(
        exposition, "sla_breaches_total"
    )


def test_nothing_is_open_and_nothing_is_late_after_a_backfill(exposition: str) -> None:
    assert total(exposition, "sla_open_escalations") == 0
    assert total(exposition, "sla_open_patterns") > 0, "the lives of the workload are alike"
    assert total(exposition, "sla_consumer_lag_records") == 0
    assert total(exposition, "sla_outcome_lateness_seconds_count") == 0
    assert total(exposition, "vigil_partitions_owned") == 2
    ends = parse_instant("2028-01-01T00:00:00+01:00") / SECOND
    assert total(exposition, "sla_calendar_dates_end_timestamp_seconds") == ends, "of the only calendar"
    assert total(exposition, "vigil_build_info", clock="events", delivery="transactions", shadow="false") == 1
    assert total(exposition, "vigil_build_info", mode="live") == 0
    assert total(exposition, "sla_events_total", mode="backfill") == EVENTS


def test_promtool_finds_nothing_to_say_about_a_real_worker(exposition: str) -> None:
    checked = subprocess.run(
        [program("promtool"), "check", "metrics"], input=exposition.encode(), capture_output=True, timeout=60
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
