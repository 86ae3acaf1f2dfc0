"""Every query of every dashboard has an answer from a real Prometheus that scraped the demo's story."""

from collections.abc import Iterator

import pytest
from dashboard_queries import Asked, queries
from scraped_demo import Scraped, scraped_demo

from engine.demo.broker import KafkaBroker


@pytest.fixture(scope="module")
def scraped(kafka: KafkaBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    with scraped_demo(kafka, tmp_path_factory.mktemp("scraped")) as made:
        yield made


@pytest.mark.timeout(300)
def test_no_query_of_any_panel_is_empty_with_the_demos_data(scraped: Scraped) -> None:
    assert len(queries()) > 70
    empty = [f"{one.board} / {one.panel}: {one.expr}" for one in queries() if not has_data(scraped, one)]
    assert empty == []


def has_data(scraped: Scraped, one: Asked) -> bool:
    """A number for a panel of one value, somewhere in the story for one over time."""
    if one.kind == "timeseries":
        rows = scraped.prometheus.ask(
            "query_range", query=one.expr, start=str(scraped.began), end=str(scraped.ended), step="1"
        )
        return any(value != "NaN" for row in rows for _, value in row["values"])
    rows = scraped.prometheus.ask("query", query=one.expr, time=str(scraped.ended))
    return any(row["value"][1] != "NaN" for row in rows)


def test_a_query_for_what_is_not_there_is_found_to_be_empty(scraped: Scraped) -> None:
    assert not has_data(scraped, Asked("", "", "stat", 'sla_breaches_total{metric="never"}'))
    assert not has_data(scraped, Asked("", "", "timeseries", "sla_no_such_total"))


def test_the_figures_are_those_of_the_story(scraped: Scraped) -> None:
    ask = scraped.prometheus.ask
    (breaches,) = ask("query", query='sum(sla_breaches_total{metric="resolve", severity="P1"})')
    assert float(breaches["value"][1]) == 1, "Appointments lost after a sync"
    (seen,) = ask(
        "query", query='round(sum(increase(sla_breaches_total{metric="resolve",severity="P1"}[10m])))'
    )
    assert float(seen["value"][1]) == 1, "and increase() sees it, from 0"
    assert ask("query", query='sla_team_verdicts_total{team="booking", verdict="breached"}')
    assert ask("query", query='ALERTS{alertname="VigilWatchdog", alertstate="firing"}')
    assert ask("query", query='ALERTS{alertname="SlaBreached", sla_severity="P1"}')
