"""The series that are there from the start, at 0: `increase()` misses the value with which one appears."""

from collections.abc import Iterable, Mapping
from itertools import product

from engine.metrics import labels
from engine.metrics.definitions import TIMED_METRICS
from engine.metrics.instruments import Counter, Family, Gauge, Histogram

_BARE: tuple[str, ...] = ()


def begin(
    counters: Mapping[str, Family[Counter]],
    gauges: Mapping[str, Family[Gauge]],
    histograms: Mapping[str, Family[Histogram]],
    watched: Iterable[str],
) -> None:
    """Make what rules and dashboards read. `watched`: the clocks of the policies, as labels."""
    for families in (counters, histograms):
        for family in families.values():
            if not family.definition.labels:
                family[_BARE]
    for gauge in ("vigil_ready", "vigil_partitions_owned", "vigil_recovering", "vigil_topics_refused"):
        gauges[gauge][_BARE]
    for name, values in (
        ("sla_dlq_total", labels.DEAD_LETTER_REASONS),
        ("sla_events_ignored_total", labels.IGNORED_REASONS),
        ("sla_noted_total", labels.NOTES),
        ("sla_outcomes_total", labels.OUTCOMES),
        ("sla_events_total", labels.VERBS),
        ("vigil_retries_total", labels.RETRIES),
        ("sla_commitments_missed_total", labels.SEVERITIES),
    ):
        for value in values:
            counters[name][(value,)]
    for severity in labels.SEVERITIES:
        gauges["sla_open_escalations"][(severity,)]
        gauges["sla_open_patterns"][(severity,)]
    _updates_and_corrections(counters)
    for clock in watched:
        _clock(clock, counters, histograms)


def _updates_and_corrections(counters: Mapping[str, Family[Counter]]) -> None:
    for severity in labels.SEVERITIES:
        for cadence in labels.CADENCES:
            counters["sla_cadence_missed_total"][cadence, severity]
        for owed in (*labels.CADENCES, "commitment"):
            counters["sla_clocks_settled_total"]["met", owed, severity]
            counters["sla_breach_risks_total"][owed, severity]
        for correction, outcome in product(labels.CORRECTIONS, labels.CORRECTED):
            counters["sla_corrections_total"][correction, outcome, severity]


def _clock(
    clock: str, counters: Mapping[str, Family[Counter]], histograms: Mapping[str, Family[Histogram]]
) -> None:
    for severity in labels.SEVERITIES:
        counters["sla_breaches_total"][clock, severity]
        counters["sla_breach_risks_total"][clock, severity]
        counters["sla_clocks_settled_total"]["met", clock, severity]
        if clock in TIMED_METRICS:
            histograms[f"sla_time_to_{clock}_seconds"][(severity,)]
    for verdict in labels.RELEASED:
        counters["sla_clocks_released_total"][verdict, clock]
    histograms["sla_budget_consumed_ratio"][(clock,)]
