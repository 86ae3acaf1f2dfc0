"""The reports of the recorded logs equal a count of the raw logs that shares nothing with the engine."""

import math
import sys
from collections import Counter
from pathlib import Path

import github_recount
import pytest
import uci_recount
from uci_recount import SEVERITY, Stop, Verdict

from engine.documents.trend import Trend
from engine.documents.trend.figures import Figures, Lengths
from recorded import DATA, needs_data

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS / "scripts"))
import trend_examples  # noqa: E402

sys.path.pop(0)

UCI, GITHUB = DATA / "uci_incident_event_log_dev.csv.gz", DATA / "github_status_incidents_dev.jsonl.gz"
VERDICTS = ("met", "breached", "late")

pytestmark = [needs_data, pytest.mark.slow]


@pytest.fixture(scope="module")
def uci() -> Trend:
    return trend_examples.report(trend_examples.UCI, DATA)


@pytest.fixture(scope="module")
def github() -> Trend:
    return trend_examples.report(trend_examples.GITHUB, DATA)


@pytest.fixture(scope="module")
def rows() -> list[uci_recount.Row]:
    return uci_recount.read(UCI)


def weeks(of: Trend) -> list[Figures]:
    assert len(of.earlier) == len(of.periods) == 4
    return [*of.earlier, *of.periods]


def test_volume_and_times_of_the_uci_log_are_those_of_plain_sql_over_its_rows(
    uci: Trend, rows: list[uci_recount.Row]
) -> None:
    opened, stops = uci_recount.opened_and_stops(rows)
    for week in weeks(uci):
        for severity in SEVERITY.values():
            assert week.opened.get(severity, 0) == opened[week.day, severity]
        for metric in ("acknowledge", "resolve"):
            assert set(week.time_to[metric]) >= {"all", "P2", "P3"}
            for severity, took in week.time_to[metric].items():
                of_it = [stop for stop in stops if _fits(stop, metric, week.day, severity)]
                _is_of(took.calendar, [stop.seconds for stop in of_it])
    days = {week.day for week in uci.periods}
    assert (
        uci.whole.opened["all"] == sum(number for (day, _), number in opened.items() if day in days) > 7_000
    )
    resolved = [stop.seconds for stop in stops if stop.metric == "resolve" and stop.day in days]
    _is_of(uci.whole.time_to["resolve"]["all"].calendar, resolved)


def _fits(one: Stop, metric: str, day: str, severity: str) -> bool:
    return (one.metric, one.day) == (metric, day) and severity in ("all", one.severity)


def _is_of(lengths: Lengths, seconds: list[int]) -> None:
    ordered = sorted(seconds)
    assert (lengths.cases, lengths.sum) == (len(ordered), sum(ordered))
    assert lengths.median == ordered[math.ceil(len(ordered) / 2) - 1]
    assert lengths.p90 == (ordered[math.ceil(len(ordered) * 9 / 10) - 1] if len(ordered) >= 10 else None)


def test_breaches_of_the_uci_log_are_those_of_minutes_counted_row_by_row(
    uci: Trend, rows: list[uci_recount.Row]
) -> None:
    counted = Counter(uci_recount.verdicts(rows))
    for week in weeks(uci):
        for metric in uci_recount.BUDGETS:
            for severity in SEVERITY.values():
                got = week.clocks[metric].get(severity)
                expected = tuple(counted[Verdict(metric, week.day, severity, name)] for name in VERDICTS)
                assert (got and (got.met, got.breached, got.late)) == (expected if any(expected) else None)
    breached = Counter(one.metric for one in counted.elements() if one.name == "breached")
    assert breached == {"acknowledge": 4_599, "resolve": 3_504, "close_sla": 6_640}  # of the whole log


def test_the_time_of_the_resolutions_of_the_uci_log_is_all_told(
    uci: Trend, rows: list[uci_recount.Row]
) -> None:
    """Every last stop of an incident in a week brings its whole time from the opening."""
    _, stops = uci_recount.opened_and_stops(rows)
    for week in weeks(uci):
        last = {one.number: one for one in stops if (one.metric, one.day) == ("resolve", week.day)}
        spent = sum(place.calendar_seconds for place in week.time_spent)
        assert spent == sum(one.seconds for one in last.values())
        assert all(place.counted_seconds <= place.calendar_seconds for place in week.time_spent)


def test_the_github_log_is_counted_alike(github: Trend) -> None:
    said = list(github_recount.count(GITHUB))
    counted = Counter((one.what, one.month, one.severity, one.name) for one in said)
    months = [*github.earlier, *github.periods]
    assert len(months) == 24
    for month in months:
        named = month.day[:7]
        for severity in SEVERITY.values():
            assert month.opened.get(severity, 0) == counted["opened", named, severity, ""]
            for metric in ("resolve", "customer_update"):
                got = month.clocks.get(metric, {}).get(severity)
                expected = tuple(counted[metric, named, severity, name] for name in VERDICTS)
                assert (got.met, got.breached, got.late) == expected if got else not any(expected)
    of_whole = {month.day[:7] for month in github.periods}
    resolved = [
        one for one in said if one.what == "resolve" and one.month in of_whole and one.name != "breached"
    ]
    _is_of(github.whole.time_to["resolve"]["all"].calendar, [int(one.seconds) for one in resolved])
    kept = github.whole.cadence["customer_update"]
    updates = Counter(one.name for one in said if one.what == "customer_update" and one.month in of_whole)
    assert (kept.kept, kept.due) == (updates["met"], updates["met"] + updates["breached"])
    assert kept.due > 900


@pytest.mark.parametrize("name", ["uci", "github"])
def test_the_examples_of_the_docs_are_what_the_script_writes(
    name: str, request: pytest.FixtureRequest
) -> None:
    written = trend_examples.files(request.getfixturevalue(name))
    folder = DOCS / "examples" / f"trend-{name}"
    stale = [file for file, content in written.items() if (folder / file).read_bytes() != content]
    assert stale == [], "python docs/scripts/trend_examples.py DATA writes them anew"
    assert len(written["trend.html"]) < 300_000
