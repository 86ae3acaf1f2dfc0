"""What is learned from verdicts, counted by hand."""

from collections.abc import Iterable
from itertools import count

import pytest
from msgspec.structs import replace

from engine.contract.examples import example_outcome
from engine.core.instants import HOUR, MINUTE, Instant, Span, parse_instant
from engine.core.outcomes import Outcome
from engine.core.pace import STAGES, Kind, Pace
from engine.replay.pace_learning import Lesson, score, scores

START = parse_instant("2026-03-02T00:00:00Z")
BUDGET = Span(100 * MINUTE)
_numbers = count(1)


def said(
    name: str,
    subject: str,
    minutes: float,
    *,
    begins: int = 0,
    metric: str = "resolve",
    severity: str = "P1",
    reason: str = "",
    **fields: object,
) -> Outcome:
    """A verdict on a clock of 100 minutes that began at the minute `begins`, after so many minutes."""
    started = Instant(START + begins * MINUTE)
    at = Instant(started + int(minutes * MINUTE))
    number = next(_numbers)
    made = replace(
        example_outcome(name), id=f"{number:032x}", seq=number, subject=subject, metric=metric, key="",
        severity=severity, cycle=1, started_at=started, due_at=Instant(started + BUDGET), effective_at=at,
        elapsed=Span(at - started), target=BUDGET, reason=reason, corrects="", outcome="",
    )  # fmt: skip
    return replace(made, **fields)


def learned(outcomes: Iterable[Outcome], **span: Instant) -> Lesson:
    lesson = Lesson(**span)
    lesson.take([*outcomes, said("met", "later", 1, begins=10_000, metric="other")])
    return lesson


def only(lesson: Lesson, metric: str = "resolve", severity: str = "P1") -> Kind:
    return lesson.kinds()[metric, severity]


def at(kind: Kind, percent: int) -> int:
    return kind.open[STAGES.index(percent)]


def test_what_is_not_known_yet_is_no_case() -> None:
    kind = only(learned([said("met", "a", 30), said("source_behind", "b", 100)]))
    assert (kind.cases, kind.breached, kind.left_out) == (1, 0, 0)


def test_a_met_clock_was_open_before_its_stop_and_a_breached_one_all_the_way() -> None:
    outcomes = [said("met", "a", 30), said("met", "b", 70), said("met", "c", 0), said("breached", "d", 100)]
    kind = only(learned(outcomes))
    assert (kind.cases, kind.breached, kind.left_out) == (4, 1, 0)
    assert [at(kind, percent) for percent in (0, 25, 30, 65, 70, 95)] == [3, 3, 2, 2, 1, 1]


def test_a_cycle_counts_once_and_another_cycle_by_itself() -> None:
    first = [said("breached", "a", 100), said("stopped_late", "a", 130)]
    second = [said("met", "a", 10, begins=500, cycle=2)]
    kind = only(learned([*first, *second]))
    assert (kind.cases, kind.breached, at(kind, 5), at(kind, 10)) == (2, 1, 2, 1)


def test_a_reopened_clock_counts_by_its_last_stop_or_its_breach() -> None:
    met_again = [said("met", "a", 20), said("met", "a", 60)]
    breached = [said("met", "b", 20), said("breached", "b", 100), said("stopped_late", "b", 120)]
    kind = only(learned([*met_again, *breached]))
    assert (kind.cases, kind.breached, at(kind, 55), at(kind, 60)) == (2, 1, 2, 1)


def test_what_was_cancelled_or_waived_is_left_out_unless_it_breached_before() -> None:
    outcomes = [said("cancelled", "a", 50), said("waived", "b", 50), said("met", "c", 50)]
    outcomes += [said("breached", "d", 100), said("cancelled", "d", 110)]
    kind = only(learned(outcomes))
    assert (kind.cases, kind.breached, kind.left_out, at(kind, 5)) == (2, 1, 2, 2)


def test_what_was_retracted_does_not_count_and_what_was_amended_counts_as_amended() -> None:
    breach = said("breached", "a", 100)
    gone = said("retracted", "a", 100, corrects=breach.id, outcome="breached")
    stop = said("met", "b", 20)
    amended = said("amended", "b", 60, corrects=stop.id, outcome="met")
    kind = only(learned([breach, gone, said("met", "a", 90), stop, amended]))
    assert (kind.cases, kind.breached, at(kind, 55), at(kind, 85), at(kind, 90)) == (2, 0, 2, 1, 0)


def test_a_breach_that_a_new_severity_brought_is_no_case() -> None:
    assert ("resolve", "P0") not in learned(
        [said("breached", "a", 130, severity="P0", reason="retarget")]
    ).kinds()


@pytest.mark.parametrize("metric", ["commitment", "action", "customer_update", "executive_update"])
def test_what_is_owed_by_a_date_is_not_learned(metric: str) -> None:
    assert (metric, "P1") not in learned([said("met", "a", 30, metric=metric)]).kinds()


def test_metrics_and_severities_are_kinds_of_their_own() -> None:
    outcomes = [said("met", "a", 1), said("met", "a", 1, metric="triage"), said("met", "b", 1, severity="P2")]
    assert [name for name in learned(outcomes).kinds() if name[0] != "other"] == [
        ("resolve", "P1"), ("resolve", "P2"), ("triage", "P1"),
    ]  # fmt: skip


def test_near_the_end_those_that_were_met_do_not_count_without_those_that_will_breach() -> None:
    """Ten begin each ten minutes, half of them breach: at any end half of those that count breached."""
    outcomes = []
    for number, begins in enumerate(range(0, 1_000, 10)):
        name, minutes = ("met", 20) if number % 2 else ("breached", 100)
        outcomes.append(said(name, f"s{number}", minutes, begins=begins))
    for end in (200, 400, 800):
        lesson = learned(outcomes, until=Instant(START + end * MINUTE))
        kind = only(lesson)
        assert kind.cases == (end - 100) // 10 + 1
        assert kind.breached == pytest.approx(kind.cases / 2, abs=0.5)
        assert lesson.too_young > 0


def test_what_came_after_the_end_is_not_known() -> None:
    reopened = [said("met", "a", 20), said("breached", "a", 200, due_at=Instant(START + 200 * MINUTE))]
    kind = only(learned(reopened, until=Instant(START + 150 * MINUTE)))
    assert (kind.cases, kind.breached) == (1, 0)


def test_stopped_in_a_pause_a_clock_would_have_been_due_when_its_rest_had_run() -> None:
    outcomes = [said("met", "a", 50, due_at=None, elapsed=Span(20 * MINUTE))]
    assert ("resolve", "P1") not in learned(outcomes, until=Instant(START + 129 * MINUTE)).kinds()
    assert only(learned(outcomes, until=Instant(START + 130 * MINUTE))).cases == 1


def test_only_clocks_that_began_in_the_span_count() -> None:
    outcomes = [said("met", "a", 10, begins=0), said("met", "b", 10, begins=60)]
    lesson = learned(outcomes, since=Instant(START + HOUR))
    assert only(lesson).cases == 1
    assert lesson.first == START + HOUR


def test_a_score_is_the_mean_squared_error_at_every_stage_at_which_the_clocks_were_open() -> None:
    # Learned: of 10 four breached, past 50 % 5 were open. Later: of 8 three breached, past 50 % 4 were open.
    early = Kind(10, 4, 0, (10,) * 10 + (5,) * 10)
    late = Kind(8, 3, 0, (8,) * 10 + (4,) * 10)
    found = score(Pace({}, least_cases=1), early, late)
    assert found is not None
    forecasts = 10 * 8 + 10 * 4
    pace = 10 * (3 * 0.6**2 + 5 * 0.4**2) + 10 * (3 * 0.2**2 + 1 * 0.8**2)
    plain = 10 * 3 + 5 * 3 + 5 * 1  # silent about three to 75 %, then wrong about one
    base = 10 * (3 * 0.6**2 + 5 * 0.4**2) + 10 * (3 * 0.6**2 + 1 * 0.4**2)
    assert (found.cases, found.breached, found.forecasts) == (8, 3, forecasts)
    assert found.pace == pytest.approx(pace / forecasts)
    assert found.threshold == pytest.approx(plain / forecasts)
    assert found.base_rate == pytest.approx(base / forecasts)
    assert (found.warns_at, found.warned, found.warned_plainly) == (50, 4, 4)


def test_a_kind_of_which_too_little_is_known_has_no_score() -> None:
    few = Kind(10, 4, 0, (10,) * 20)
    names = {("resolve", "P1"): few, ("resolve", "P2"): few}
    assert scores(Pace({("resolve", "P1"): few}), names) == {}
    assert list(scores(Pace({("resolve", "P1"): few}, least_cases=5), names)) == [("resolve", "P1")]


def test_the_errors_of_single_verdicts_add_up_to_the_score() -> None:
    early = Kind(10, 4, 0, (10,) * 10 + (5,) * 10)
    pace = Pace({("resolve", "P1"): early}, least_cases=1)
    later = [said("met", "a", 30), said("met", "b", 71), said("breached", "c", 100), said("met", "d", 0)]
    found = scores(pace, learned(later).kinds())["resolve", "P1"]
    errors, forecasts = zip(*(pace.squared_error(one) for one in later), strict=True)
    assert (sum(forecasts), sum(errors)) == (found.forecasts, pytest.approx(found.pace * found.forecasts))
