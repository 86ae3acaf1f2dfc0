"""A cadence that nobody ever serves says a bounded number of things."""

from core_runs import Engine, at, book_of, fact, policy

from engine.core.cadences import MOST_MISSES
from engine.core.instants import HOUR, Instant
from engine.core.outcomes import Outcome

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
