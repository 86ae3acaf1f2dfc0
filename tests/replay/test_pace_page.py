"""docs/pace.md says of the recorded log what learning from it and scoring on it gives today."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from test_real_logs import outcomes

from engine.core.instants import parse_instant
from engine.core.outcomes import VERDICTS
from engine.core.pace import STAGES, Kind, KindName, Pace
from engine.replay.importers import uci_servicenow
from engine.replay.pace_learning import Lesson, Score, scores
from recorded import needs_data

pytestmark = [needs_data, pytest.mark.slow]

PAGE = (Path(__file__).parents[2] / "docs" / "pace.md").read_text()
UNTIL = parse_instant("2016-04-05T00:00:00Z")
NO_BETTER = {("close_sla", "P2")}
"""Where the log changed so much that the past is a worse guide than its own average; the page says so."""


class Tried:
    """The log, learned from up to a day and scored from that day on."""

    def __init__(self) -> None:
        log = outcomes("uci_incident_event_log_dev.csv.gz", uci_servicenow.convert, "policies-uci")
        said = [replace(one, segments=(), versions=None) for one in log if one.name in VERDICTS]
        early, late = Lesson(until=UNTIL), Lesson(since=UNTIL)
        early.take(said)
        late.take(said)
        self.learned, self.later = early.kinds(), late.kinds()
        self.pace = Pace(self.learned)
        self.scores: dict[KindName, Score] = scores(self.pace, self.later)


@pytest.fixture(scope="module")
def tried() -> Tried:
    return Tried()


def share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}"


def score_row(name: KindName, learned: Kind, one: Score) -> str:
    cells = (
        *name, f"{learned.cases:,}", share(learned.breached, learned.cases), f"{one.cases:,}",
        share(one.breached, one.cases), f"{one.forecasts:,}", f"{one.pace:.4f}", f"{one.threshold:.4f}",
        f"{one.base_rate:.4f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def warning_row(name: KindName, one: Score) -> str:
    cells = (
        *name, f"{one.warns_at} %", f"{one.warned:,}", share(one.breached, one.warned),
        f"{one.warned_plainly:,}", share(one.breached, one.warned_plainly),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def came_rows(tried: Tried) -> Iterator[str]:
    for percent in (0, 5, 10, 25, 50, 75, 90, 95):
        stage = STAGES.index(percent)
        cells = [f"{percent} %"]
        for metric in ("acknowledge", "resolve", "close_sla"):
            learned, later = tried.learned[metric, "P2"], tried.later[metric, "P2"]
            cells += [share(learned.breached, learned.open[stage]), share(later.breached, later.open[stage])]
        yield f"| {' | '.join(cells)} |"


def test_the_page_has_the_scores_the_warnings_and_what_came(tried: Tried) -> None:
    expected = [score_row(name, tried.learned[name], one) for name, one in tried.scores.items()]
    expected += [warning_row(name, one) for name, one in tried.scores.items()]
    expected += came_rows(tried)
    lines = PAGE.splitlines()
    assert [row for row in expected if row not in lines] == []
    assert len(tried.scores) == 10


def test_over_all_forecasts_the_pace_is_better_than_the_threshold_and_the_base_rate(tried: Tried) -> None:
    for kinds in (tried.scores, {name: one for name, one in tried.scores.items() if name[0] != "close_sla"}):
        forecasts = sum(one.forecasts for one in kinds.values())
        pace, plain, base = (
            sum(getattr(one, of) * one.forecasts for one in kinds.values()) / forecasts
            for of in ("pace", "threshold", "base_rate")
        )
        assert pace < base < plain
        assert all(f"{number:.4f}" in PAGE for number in (pace, plain, base))


def test_of_each_kind_it_is_better_than_the_base_rate_but_where_the_page_says_that_it_is_not(
    tried: Tried,
) -> None:
    assert {name for name, one in tried.scores.items() if one.pace > one.base_rate} == NO_BETTER
    assert {n for n, one in tried.scores.items() if one.pace > one.threshold} == {
        *NO_BETTER,
        ("close_sla", "P3"),
    }
