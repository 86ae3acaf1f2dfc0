"""What a table of ended clocks says of open ones."""

import pytest
from msgspec.structs import replace

from engine.contract.examples import example_outcome
from engine.core.instants import HOUR, MINUTE, Span
from engine.core.outcomes import Outcome
from engine.core.pace import STAGES, Kind, Pace, stages_passed


def kind(*opened: int, breached: int) -> Kind:
    """Counts at the first stages; the last of them holds to the end."""
    counts = [*opened, *[opened[-1]] * (len(STAGES) - len(opened))]
    return Kind(opened[0], breached, 0, tuple(counts))


HALF_BREACHED = kind(100, 80, 60, breached=40)
PACE = Pace({("resolve", "P1"): HALF_BREACHED})


def verdict(name: str, share: float, reason: str = "") -> Outcome:
    budget = Span(100 * MINUTE)
    elapsed = Span(int(share * budget))
    return replace(
        example_outcome(name), metric="resolve", severity="P1", elapsed=elapsed, target=budget, reason=reason
    )


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (0, (0.4, 100)),
        (4.9, (0.4, 100)),
        (5, (0.5, 80)),
        (9, (0.5, 80)),
        (99, (0.6667, 60)),
        (130, (0.6667, 60)),
    ],
)
def test_a_clock_is_at_the_last_stage_that_it_has_passed(minutes: float, expected: tuple[float, int]) -> None:
    assert PACE.chance("resolve", "P1", Span(int(minutes * MINUTE)), Span(100 * MINUTE)) == expected


@pytest.mark.parametrize(("metric", "severity"), [("resolve", "P2"), ("triage", "P1"), ("resolve", "")])
def test_of_a_kind_that_is_not_in_the_table_nothing_is_claimed(metric: str, severity: str) -> None:
    assert PACE.chance(metric, severity, Span(0), Span(HOUR)) is None


def test_of_a_clock_without_a_budget_nothing_is_claimed() -> None:
    assert PACE.chance("resolve", "P1", Span(0), None) is None


def test_of_too_few_open_clocks_nothing_is_claimed() -> None:
    pace = Pace({("resolve", "P1"): kind(40, 30, 29, breached=20)})
    assert pace.chance("resolve", "P1", Span(5), Span(100)) == (0.6667, 30)
    assert pace.chance("resolve", "P1", Span(10), Span(100)) is None


@pytest.mark.parametrize(
    ("at_least", "warns_at"), [(1, 5), (40, 5), (50, 5), (51, 10), (66, 10), (67, None), (100, None)]
)
def test_it_warns_from_the_first_share_past_the_start_at_which_enough_breached(
    at_least: int, warns_at: int | None
) -> None:
    assert Pace({}, at_least_percent=at_least).warns_at(HALF_BREACHED) == warns_at


def test_it_warns_at_no_share_that_stands_on_too_few() -> None:
    pace = Pace({("resolve", "P1"): kind(100, 90, 20, breached=20), ("resolve", "P2"): HALF_BREACHED})
    assert pace.marks("resolve") == {"P2": 5}
    assert pace.marks("triage") == {}


@pytest.mark.parametrize(
    ("name", "share", "passed"),
    [
        *[("met", 0, 0), ("met", 0.001, 1), ("met", 0.05, 1), ("met", 0.051, 2), ("met", 1, 20)],
        *[("breached", 1, 20), ("stopped_late", 7, 20)],
    ],
)
def test_a_stop_at_the_very_share_comes_before_the_stage(name: str, share: float, passed: int) -> None:
    assert stages_passed(verdict(name, share)) == passed


def test_what_a_new_severity_breached_was_open_at_none_of_its_stages() -> None:
    assert stages_passed(verdict("breached", 1.5, "retarget")) is None
    assert PACE.squared_error(verdict("breached", 1.5, "retarget")) == (0, 0)


def test_forecasts_are_judged_a_stage_by_how_it_ended() -> None:
    error, forecasts = PACE.squared_error(verdict("met", 0.12))
    assert (pytest.approx(error), forecasts) == (0.4**2 + 0.5**2 + (2 / 3) ** 2, 3)
    error, forecasts = PACE.squared_error(verdict("breached", 1))
    assert (pytest.approx(error), forecasts) == (0.6**2 + 0.5**2 + 18 * (1 / 3) ** 2, 20)


@pytest.mark.parametrize("name", ["stopped_late", "cancelled", "waived", "breach_risk", "amended"])
def test_a_breach_is_judged_once_and_what_was_cancelled_never(name: str) -> None:
    assert PACE.squared_error(verdict(name, 1)) == (0, 0)
