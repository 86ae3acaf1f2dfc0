"""A cadence that nobody ever serves says a bounded number of things."""

import pytest
from core_runs import Engine, at, book_of, fact, policy

from engine.core.cadences import MOST_MISSES
from engine.core.calendars import AlwaysOpen
from engine.core.instants import HOUR, Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import AROUND_THE_CLOCK

_BOOK = book_of(policy("cadence: {customer: {every: {P1: 60m}}}"))


def _missed(outcomes: list[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.name == "cadence_missed"]


def test_after_a_thousand_misses_in_a_row_a_cadence_is_silent_until_the_next_update() -> None:
    engine = Engine(_BOOK)
    engine.take(fact("opened", 0, severity="P1"))
    engine.tick_until(Instant(at(0) + 2 * MOST_MISSES * HOUR))
    assert len(_missed(engine.said)) == MOST_MISSES
    assert _missed(engine.said)[-1].in_a_row == MOST_MISSES

    late = 3 * MOST_MISSES * 60
    engine.take(fact("update_published", late, audience="customer"))
    engine.tick_until(at(late + 61))
    assert len(_missed(engine.said)) == MOST_MISSES + 1
    assert _missed(engine.said)[-1].in_a_row == 1


class _Asked(AlwaysOpen):
    times = 0

    def due(self, start: Instant, budget: Span) -> Instant:
        self.times += 1
        return super().due(start, budget)


@pytest.mark.interpreted
def test_a_downgrade_after_years_of_silence_does_not_count_its_intervals_one_by_one() -> None:
    book = book_of(policy("cadence: {customer: {every: {P0: 15m, P1: 30m}}}"))
    calendar = book.calendars[AROUND_THE_CLOCK] = _Asked()
    engine = Engine(book)
    engine.take(fact("opened", -3 * 365 * 24 * 60, severity="P0"))
    engine.tick_until(at(0))
    calendar.times = 0
    engine.take(fact("updated", 0, severity="P1"))
    assert calendar.times < 20
    engine.tick_until(at(31))
    assert engine.said[-1].due_at == at(30)
