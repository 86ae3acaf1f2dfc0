"""A receiver that fails is left alone for a while, and then tried with one."""

from random import Random

import pytest

from engine.core.instants import SECOND, Instant, Span
from engine.notify.circuit import (
    CLOSED,
    FAILURES,
    FIRST_OPEN,
    FIRST_WAIT,
    HALF_OPEN,
    LONGEST_OPEN,
    LONGEST_WAIT,
    OPEN,
    Circuit,
    backoff,
)

NOW = Instant(0)


def failed(times: int, after: float | None = None) -> Circuit:
    """Tried whenever it might be."""
    circuit = Circuit(Random(1))  # noqa: S311
    for _ in range(times):
        circuit.failed(circuit.until, after)
    return circuit


def test_it_opens_after_some_failures_in_a_row_and_a_success_in_between_begins_anew() -> None:
    assert failed(FAILURES - 1).state(NOW) == CLOSED
    assert failed(FAILURES).state(NOW) == OPEN
    circuit = failed(FAILURES - 1)
    circuit.succeeded()
    circuit.failed(NOW, None)
    assert circuit.state(NOW) == CLOSED
    assert circuit.may_try(NOW)


def test_when_it_has_been_open_long_enough_one_is_tried_and_decides() -> None:
    circuit = failed(FAILURES)
    assert not circuit.may_try(NOW)
    later = Instant(NOW + FIRST_OPEN)
    assert circuit.may_try(later)
    assert circuit.state(later) == HALF_OPEN
    circuit.failed(later, None)
    assert circuit.state(later) == OPEN
    circuit.succeeded()
    assert circuit.state(later) == CLOSED


def test_it_opens_for_longer_each_time_up_to_a_bound() -> None:
    assert FIRST_OPEN / 2 <= failed(FAILURES).until <= FIRST_OPEN
    often = failed(FAILURES + 60)
    before = often.until
    often.failed(before, None)
    assert LONGEST_OPEN / 2 <= often.until - before <= LONGEST_OPEN


def test_what_was_under_way_when_it_opened_opens_it_for_no_longer_unless_it_is_asked_to() -> None:
    circuit = failed(FAILURES)
    until = circuit.until
    for _ in range(7):
        circuit.failed(NOW, None)
    assert circuit.until == until
    circuit.failed(NOW, after=3_600)
    assert circuit.until == 3_600 * SECOND


def test_the_wait_that_a_receiver_asks_for_is_kept() -> None:
    circuit = failed(1, after=30)
    assert circuit.state(NOW) == CLOSED
    assert circuit.until == 30 * SECOND
    assert not circuit.may_try(Instant(30 * SECOND - 1))


@pytest.mark.parametrize(
    ("attempt", "whole"), [(1, FIRST_WAIT), (2, 2 * FIRST_WAIT), (5, 16 * FIRST_WAIT), (1_000, LONGEST_WAIT)]
)
def test_a_notification_waits_twice_as_long_after_each_failure_up_to_a_bound(
    attempt: int, whole: Span
) -> None:
    waits = {backoff(attempt, Random(seed)) for seed in range(50)}  # noqa: S311
    assert len(waits) > 40, "all at the same moment"
    assert whole / 2 <= min(waits)
    assert max(waits) <= whole
