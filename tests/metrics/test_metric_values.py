"""What each call changes in the exposition, and that no input makes it grow without bound."""

import random
import time
from collections.abc import Callable
from typing import Any, get_args

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from engine.core import facts, outcomes, policy
from engine.metrics import Metrics, labels
from engine.metrics.archive import ArchiveMetrics
from engine.metrics.console import ConsoleMetrics
from engine.metrics.definitions import DEFINITIONS, TIMED_METRICS, Kind
from engine.metrics.intake import IntakeMetrics
from engine.metrics.notify import NotifyMetrics
from engine.settings import Settings

SERIES_AT_MOST = 2_000
"""Of one worker that owns all of `PARTITIONS`: the gauges a partition are in it."""
PARTITIONS = 48


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = metrics.exposition()[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **wanted: str) -> float | None:
    return samples(metrics).get((name, frozenset({"mode": "live", **wanted}.items())))


@pytest.mark.parametrize("mode", ["live", "drill", "backfill", "shadow"])
def test_every_series_of_a_worker_says_what_it_is_for(mode: str) -> None:
    metrics = Metrics(mode=mode)
    everything(metrics, random.Random(1))  # noqa: S311  (test data)
    found = samples(metrics)
    assert found
    assert [name for name, of in found if ("mode", mode) not in of] == []
    shown = {name for name, _ in found if name.startswith("sla_")}
    assert bool(shown) == (mode != "shadow"), "what a shadow finds concerns nobody"


def test_every_clock_of_a_worker_has_its_mode() -> None:
    assert set(labels.MODES) == set(get_args(Settings.model_fields["clock"].annotation))


@pytest.mark.parametrize(
    "made",
    [ArchiveMetrics, ConsoleMetrics, lambda: IntakeMetrics(("desk",)), lambda: NotifyMetrics(["desk"])],
)
def test_a_process_beside_the_workers_says_when_it_started(made: Callable[[], Any]) -> None:
    before = time.time()
    assert made().registry.get_sample_value("vigil_start_timestamp_seconds") >= before


@pytest.mark.parametrize(
    "made",
    [ArchiveMetrics, ConsoleMetrics, lambda: IntakeMetrics(("desk",)), lambda: NotifyMetrics(["desk"])],
)
def test_a_process_beside_the_workers_shows_its_machines_clock_as_it_is_at_each_scrape(
    made: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = made().registry
    for shown in (1_800_000_000.0, 1_800_001_800.0):
        monkeypatch.setattr(time, "time", lambda shown=shown: shown)
        assert registry.get_sample_value("vigil_machine_clock_timestamp_seconds") == shown


def test_an_archive_in_another_process_starts_with_that() -> None:
    console = ConsoleMetrics()
    ArchiveMetrics(console.registry)
    assert generate_latest(console.registry).count(b"\nvigil_start_timestamp_seconds ") == 1


def test_a_resolution_is_observed_in_the_time_to_resolve_of_its_severity() -> None:
    metrics = Metrics()
    metrics.outcome_said("met", "resolve", "P1", elapsed_calendar_s=14_400, consumed_ratio=0.5)
    name = "sla_time_to_resolve_seconds"
    assert value(metrics, f"{name}_count", severity="P1") == 1
    assert value(metrics, f"{name}_sum", severity="P1") == 14_400
    assert value(metrics, f"{name}_bucket", severity="P1", le="14400.0") == 1, "a bound is inclusive"
    assert value(metrics, f"{name}_bucket", severity="P1", le="3600.0") == 0
    assert value(metrics, "sla_budget_consumed_ratio_bucket", metric="resolve", le="0.5") == 1
    settled = value(metrics, "sla_clocks_settled_total", verdict="met", metric="resolve", severity="P1")
    assert settled == 1


def test_a_cancelled_clock_has_no_time_to_resolve() -> None:
    metrics = Metrics()
    metrics.outcome_said("cancelled", "resolve", "P1", elapsed_calendar_s=7200, consumed_ratio=0.5)
    assert not any(name.startswith("sla_time_to_resolve") for name, _ in samples(metrics))


@pytest.mark.parametrize(
    ("outcome", "metric", "counter", "labels_"),
    [
        ("breached", "triage", "sla_breaches_total", {"metric": "triage", "severity": "P0"}),
        ("breach_risk", "triage", "sla_breach_risks_total", {"metric": "triage", "severity": "P0"}),
        (
            "cadence_missed",
            "customer_update",
            "sla_cadence_missed_total",
            {"metric": "customer_update", "severity": "P0"},
        ),
        ("commitment_missed", "commitment", "sla_commitments_missed_total", {"severity": "P0"}),
        ("source_behind", "resolve", "sla_outcomes_total", {"outcome": "source_behind"}),
    ],
)
def test_each_miss_has_its_counter(outcome: str, metric: str, counter: str, labels_: dict[str, str]) -> None:
    metrics = Metrics()
    metrics.outcome_said(outcome, metric, "P0")
    metrics.outcome_said(outcome, metric, "P0")
    assert value(metrics, counter, **labels_) == 2


def test_lateness_is_observed_for_what_time_brings_about_and_not_for_what_events_do() -> None:
    metrics = Metrics()
    metrics.outcome_said("met", "resolve", "P1", lateness_s=50.0, visible_lateness_s=50.0)
    assert value(metrics, "sla_outcome_lateness_seconds_count") == 0
    metrics.outcome_said("breached", "resolve", "P1", lateness_s=0.3, visible_lateness_s=0.6)
    assert value(metrics, "sla_outcome_lateness_seconds_bucket", le="0.5") == 1
    assert value(metrics, "sla_outcome_visible_lateness_seconds_bucket", le="0.5") == 0
    assert value(metrics, "sla_outcome_visible_lateness_seconds_bucket", le="1.0") == 1
    metrics.outcome_said("breached", "resolve", "P1")
    assert value(metrics, "sla_outcome_lateness_seconds_count") == 1, "not given: not observed"


def test_a_correction_names_what_it_corrects_and_counts_as_nothing_else() -> None:
    metrics = Metrics()
    metrics.outcome_said("retracted", "resolve", "P1", corrects="breached", lateness_s=9.0)
    assert value(metrics, "sla_corrections_total", correction="retracted", outcome="breached", severity="P1")
    assert not any(name == "sla_breaches_total" for name, _ in samples(metrics))


def test_open_escalations_are_summed_and_the_next_deadline_is_the_soonest_of_all_partitions() -> None:
    metrics = Metrics()
    metrics.partition_state(0, {"P0": 2, "": 1}, {"P0": 2000.0}, {"P1": 1}, {"P0": 500.0})
    metrics.partition_state(1, {"P0": 3}, {"P0": 1000.0, "P2": 5.0}, {"P1": 2}, {"P0": 400.0})
    assert value(metrics, "sla_open_escalations", severity="P0") == 5
    assert value(metrics, "sla_open_escalations", severity="none") == 1
    assert value(metrics, "sla_open_escalations", severity="P3") == 0
    assert value(metrics, "sla_open_patterns", severity="P1") == 3
    assert value(metrics, "sla_next_deadline_timestamp_seconds", severity="P0") == 1000
    assert value(metrics, "sla_oldest_open_timestamp_seconds", severity="P0") == 400
    assert value(metrics, "sla_oldest_open_timestamp_seconds", severity="P2") is None
    assert value(metrics, "vigil_partitions_owned") == 2


def test_gauges_of_a_revoked_partition_vanish() -> None:
    metrics = Metrics()
    metrics.partition_state(7, {"P0": 2}, {"P0": 2000.0}, {"P1": 4}, {"P0": 500.0})
    metrics.watermark(7, 1.0)
    metrics.consumer_lag("vigil.tickets.v1", 7, 10)
    metrics.consumer_lag("vigil.tickets.v1", 8, 11)
    metrics.forget_partition(7)
    assert value(metrics, "sla_open_escalations", severity="P0") == 0
    assert value(metrics, "sla_open_patterns", severity="P1") == 0
    assert value(metrics, "sla_next_deadline_timestamp_seconds", severity="P0") is None
    assert value(metrics, "sla_oldest_open_timestamp_seconds", severity="P0") is None
    assert value(metrics, "sla_watermark_timestamp_seconds", partition="7") is None
    lags = {labels for name, labels in samples(metrics) if name == "sla_consumer_lag_records"}
    assert lags == {frozenset({("mode", "live"), ("topic", "vigil.tickets.v1"), ("partition", "8")})}


def test_a_custom_clock_is_a_label_and_an_unknown_one_is_other() -> None:
    metrics = Metrics(clocks=["page_ack"])
    metrics.outcome_said("breached", "page_ack", "P0")
    metrics.outcome_said("breached", "never-declared", "P0")
    assert value(metrics, "sla_breaches_total", metric="page_ack", severity="P0") == 1
    assert value(metrics, "sla_breaches_total", metric="other", severity="P0") == 1


def test_counters_without_labels_and_those_that_alerts_watch_start_at_zero() -> None:
    metrics = Metrics()
    for definition in DEFINITIONS:
        if definition.kind is Kind.COUNTER and not definition.labels:
            assert value(metrics, definition.name) == 0, definition.name
    assert value(metrics, "sla_dlq_total", reason="unparsable") == 0


def test_the_clocks_of_the_policies_start_at_zero_so_that_increase_sees_the_first_breach() -> None:
    metrics = Metrics(clocks=["resolve", "page_ack"])
    for severity in labels.SEVERITIES:
        for clock in ("resolve", "page_ack"):
            assert value(metrics, "sla_breaches_total", metric=clock, severity=severity) == 0
            assert (
                value(metrics, "sla_clocks_settled_total", verdict="met", metric=clock, severity=severity)
                == 0
            )
        assert value(metrics, "sla_time_to_resolve_seconds_count", severity=severity) == 0


def scrape(metrics: Metrics) -> dict[str, float]:
    """What Prometheus is told, without the labels."""
    text = metrics.exposition(scraped=True)[0].decode()
    return {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.value
    }


def test_a_scraper_finds_counters_and_histograms_at_0_at_first_and_gauges_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    metrics = Metrics()
    metrics.outcome_said("met", "resolve", "P0", elapsed_calendar_s=60.0)
    metrics.ready(True)
    assert value(metrics, "sla_outcomes_total", outcome="met") == 1, "who looks by hand sees what is"
    for _ in range(2):  # a second Prometheus beside the first
        first = scrape(metrics)
        assert first["vigil_ready"] == 1
        assert [name for name in first if name.endswith(("_total", "_count", "_sum", "_bucket"))] == []
    monkeypatch.setattr("engine.metrics.metrics.AT_ZERO_SECONDS", 0.0)
    later = scrape(metrics)
    assert later["sla_time_to_resolve_seconds_sum"] == 60
    assert later["sla_clocks_settled_total"] == 1
    monkeypatch.undo()
    assert value(metrics, "sla_outcomes_total", outcome="met") == 1


def test_a_backfill_and_a_drill_are_shown_as_they_are_at_once() -> None:
    for mode in ("drill", "backfill"):
        metrics = Metrics(mode=mode)
        metrics.outcome_said("breached", "resolve", "P0")
        assert scrape(metrics)["sla_breaches_total"] == 1


def test_teams_beyond_the_bound_are_other_and_a_team_has_both_verdicts_from_its_first() -> None:
    metrics = Metrics()
    for number in range(labels.TEAMS_AT_MOST + 5):
        metrics.outcome_said("breached", "resolve", "P1", team=f"team {number}")
    metrics.outcome_said("met", "resolve", "P1")
    metrics.outcome_said("breach_risk", "resolve", "P1", team="team 0")
    name = "sla_team_verdicts_total"
    assert value(metrics, name, team="team 0", verdict="breached") == 1
    assert value(metrics, name, team="team 0", verdict="met") == 0
    assert value(metrics, name, team="other", verdict="breached") == 5
    assert value(metrics, name, team="none", verdict="met") == 1
    assert len([1 for found, _ in samples(metrics) if found == name]) == 2 * (labels.TEAMS_AT_MOST + 2)


def test_one_batch_call_counts_as_many_as_it_says() -> None:
    metrics = Metrics()
    metrics.events_taken({"opened": 3, "updated": 4, "made_up": 5})
    metrics.event_lag(0.4, 120.0, events=12)
    metrics.dead_lettered("no_key", 2)
    metrics.ignored("duplicate", 3)
    metrics.noted({"late": 7})
    metrics.overlap(6)
    metrics.gone(8)
    metrics.changelog_acknowledged(0.02)
    assert value(metrics, "sla_events_total", verb="opened") == 3
    assert value(metrics, "sla_events_total", verb="other") == 5
    assert value(metrics, "sla_event_lag_seconds_count") == 12
    assert value(metrics, "sla_source_delay_seconds_sum") == 1440
    assert value(metrics, "sla_dlq_total", reason="no_key") == 2
    assert value(metrics, "sla_events_ignored_total", reason="duplicate") == 3
    assert value(metrics, "sla_noted_total", what="late") == 7
    assert value(metrics, "vigil_overlaps_total") == 6
    assert value(metrics, "vigil_records_gone_total") == 8
    assert value(metrics, "vigil_changelog_acknowledgement_seconds_bucket", le="0.025") == 1


def test_of_the_calendars_without_a_label_the_one_that_ends_first_is_seen() -> None:
    metrics = Metrics()
    ends = {f"c{number}": 3e9 for number in range(labels.CALENDARS_AT_MOST)}
    metrics.calendars(ends | {"soon": 1e9, "late": 2e9}, {"c0": 5e9})
    assert value(metrics, "sla_calendar_horizon_timestamp_seconds", calendar="c0") == 3e9
    assert value(metrics, "sla_calendar_horizon_timestamp_seconds", calendar="other") == 1e9
    assert value(metrics, "sla_calendar_dates_end_timestamp_seconds", calendar="c0") == 5e9


def test_a_misspelt_build_label_is_refused() -> None:
    with pytest.raises(ValueError, match="tzdate"):
        Metrics().build_info(version="1", tzdate="2026.6")


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_the_exposition_is_what_the_scraper_asks_for(accept: str) -> None:
    metrics = Metrics()
    everything(metrics, random.Random(1))  # noqa: S311  (test data)
    body, content_type = metrics.exposition(accept)
    if accept:
        assert content_type.startswith("application/openmetrics-text")
        names = {family.name for family in parse_openmetrics(body.decode())}
    else:
        assert content_type.startswith("text/plain")
        names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert names == {definition.name.removesuffix("_total") for definition in DEFINITIONS}


def everything(metrics: Metrics, chance: random.Random) -> None:
    """Call every method, with words that nobody chose."""

    def word() -> str:
        return chance.choice(["", "P0", "resolve", 'quote"\n\\', "ä", f"w{chance.random()}"])

    clocks, severities = (*labels.CLOCKS, word()), ("P0", "P1", "P2", "P3", word())
    for _ in range(200):
        metrics.outcome_said(
            chance.choice((*outcomes.NAMES, word())), chance.choice(clocks), chance.choice(severities),
            elapsed_calendar_s=chance.uniform(-10, 1e9), consumed_ratio=chance.uniform(0, 9),
            lateness_s=chance.uniform(-1, 1e6), visible_lateness_s=0.1,
            corrects=chance.choice((*outcomes.NAMES, word())), team=word(),
        )  # fmt: skip
    metrics.pace_judged(chance.choice(clocks), 0.25, 1)
    metrics.events_taken({word(): 1, chance.choice(labels.VERBS): 1})
    metrics.event_lag(chance.uniform(-1, 1e7), chance.uniform(-1, 1e7))
    metrics.dead_lettered(word())
    metrics.ignored(word())
    metrics.noted({word(): 2})
    metrics.retried(word())
    metrics.partition_state(0, {word(): 1, "P0": 2}, {word(): 1.0}, {word(): 1}, {word(): 1.0})
    metrics.watermark(0, 1e9)
    metrics.consumer_lag(word(), 0, 5)
    metrics.chunk(1000, 0.1)
    metrics.transaction(0.1)
    metrics.tick_sent(-0.1)
    metrics.relays_sent(2)
    metrics.hole()
    metrics.stale_chunk()
    metrics.overlap(1)
    metrics.rebalanced(1.0)
    metrics.recovered(1.0, 5)
    metrics.ready(True)
    metrics.recovering(False)
    metrics.started(1e9)
    metrics.heartbeat()
    metrics.clock(1e9)
    metrics.changelog_acknowledged(chance.uniform(0, 100))
    metrics.calendars({word(): 2e9, "support": 2e9}, {word(): 2e9})
    metrics.build_info(version=word())


def test_the_number_of_series_is_bounded_whatever_comes_in() -> None:
    chance = random.Random(20261123)  # noqa: S311  (test data)
    metrics = Metrics(clocks=[f"custom{n}" for n in range(1_000)])
    for partition in range(PARTITIONS):
        metrics.watermark(partition, 1e9)
        for topic in ("tickets", "incidents", "commands"):
            metrics.consumer_lag(topic, partition, 1)
    for team in range(1_000):
        metrics.outcome_said("met", "resolve", "P1", team=f"team {team}")
    for outcome in outcomes.NAMES:
        for metric in (*labels.CLOCKS, *(f"custom{n}" for n in range(50))):
            for severity in ("P0", "P1", "P2", "P3", "", "P9"):
                for corrected in (*outcomes.NAMES, "nonsense"):
                    metrics.outcome_said(outcome, metric, severity, consumed_ratio=1, corrects=corrected)
    for _ in range(600):
        everything(metrics, chance)
    first = lasting(metrics)
    assert len(samples(metrics)) <= SERIES_AT_MOST
    for _ in range(50):
        everything(metrics, chance)
    assert lasting(metrics) == first, "it has stopped growing"


def lasting(metrics: Metrics) -> set[str]:
    """The series that stay once they are there; gauges show the values of a moment."""
    gauges = {d.name for d in DEFINITIONS if d.kind is Kind.GAUGE}
    return {f"{name}{sorted(labels)}" for name, labels in samples(metrics) if name not in gauges}


def test_the_vocabularies_are_those_of_the_core() -> None:
    assert set(labels.VERBS) == facts.VERBS
    assert list(labels.OUTCOMES) == outcomes.NAMES
    assert labels.SEVERITIES == policy.SEVERITIES
    assert {f"{audience}_update" for audience in policy.AUDIENCES} <= set(labels.CLOCKS)
    assert set(TIMED_METRICS) <= set(labels.CLOCKS)


def test_no_metric_has_a_label_for_a_subject_or_a_customer() -> None:
    for definition in DEFINITIONS:
        assert not set(definition.labels) & {"subject", "customer", "customer_id", "owner", "id", "key"}
