"""The report's figures are those of the worker's metrics, as long as nothing was corrected."""

from datetime import date

import pytest
from prometheus_client.parser import text_string_to_metric_families
from small_archives import archive, row_of
from test_trend_recount import world

from engine.core.instants import SECOND
from engine.core.outcomes import Outcome
from engine.documents.trend import Asked, trend
from engine.documents.trend.figures import Figures
from engine.metrics import Metrics
from engine.metrics.definitions import TIMED_METRICS


class Scrape:
    """What Prometheus sees of a worker that said these outcomes."""

    def __init__(self, said: list[Outcome]) -> None:
        metrics = Metrics()
        for one in said:
            metrics.outcome_said(
                one.name,
                one.metric,
                one.severity,
                elapsed_calendar_s=one.elapsed_calendar / SECOND,
                consumed_ratio=one.consumed_ratio,
                corrects=one.outcome,
            )
        text = metrics.exposition()[0].decode()
        self.samples = [s for f in text_string_to_metric_families(text) for s in f.samples]

    def sum(self, name: str, **labels: str) -> float:
        return sum(
            one.value
            for one in self.samples
            if one.name == name and all(one.labels.get(label) == value for label, value in labels.items())
        )


def same_as_scraped(figures: Figures, scrape: Scrape) -> None:
    for metric, by_severity in figures.time_to.items():
        if metric in TIMED_METRICS:
            for severity, took in by_severity.items():
                labels = {} if severity == "all" else {"severity": severity}
                assert took.calendar.cases == scrape.sum(f"sla_time_to_{metric}_seconds_count", **labels)
                total = scrape.sum(f"sla_time_to_{metric}_seconds_sum", **labels)
                assert took.calendar.sum == pytest.approx(total)
    for metric, by_severity in figures.clocks.items():
        for severity, one in by_severity.items():
            of_severity = {} if severity == "all" else {"severity": severity}
            labels = of_severity | ({} if metric == "all" else {"metric": metric})
            missed = scrape.sum("sla_breaches_total", **labels)
            missed += scrape.sum("sla_cadence_missed_total", **labels)
            if metric in ("all", "commitment"):
                missed += scrape.sum("sla_commitments_missed_total", **of_severity)
            assert one.breached == missed
            assert (one.met, one.late) == tuple(
                scrape.sum("sla_clocks_settled_total", verdict=name, **labels)
                for name in ("met", "stopped_late")
            )
            if severity == "all":  # the metric has no severity
                assert (one.cancelled, one.waived) == tuple(
                    scrape.sum("sla_clocks_released_total", verdict=name, **labels)
                    for name in ("cancelled", "waived")
                )


@pytest.mark.parametrize("seed", range(10))
def test_counts_and_sums_are_those_that_prometheus_sees(seed: int) -> None:
    made = world(seed)
    said = [one for one, _ in made.said if one.name not in ("amended", "retracted")]
    with archive(made.escalations, map(row_of, said)) as connection:
        whole = trend(connection, Asked("month", "UTC", date(2025, 12, 1), date(2026, 8, 1))).whole
    same_as_scraped(whole, Scrape(said))


def test_the_comparison_bites() -> None:
    made = world(1)
    said = [one for one, _ in made.said if one.name not in ("amended", "retracted")]
    with archive(made.escalations, map(row_of, said)) as connection:
        whole = trend(connection, Asked("month", "UTC", date(2025, 12, 1), date(2026, 8, 1))).whole
    breach = next(place for place, one in enumerate(said) if one.name == "breached")
    with pytest.raises(AssertionError):
        same_as_scraped(whole, Scrape(said[:breach] + said[breach + 1 :]))
