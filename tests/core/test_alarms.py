"""Alarms that are replaced take no room for days, and the soonest come first all the same."""

import random
import sys

from engine.core.alarms import Alarms
from engine.core.instants import NEVER, Instant


def test_what_is_replaced_does_not_stay_until_its_time() -> None:
    alarms = Alarms()
    for push in range(200_000):
        alarms.push(Instant(1_000_000 + push), f"desk:{push % 100}")
    assert sys.getsizeof(alarms._heap) < 20_000
    due = alarms.pop_due(NEVER, 1_000)
    assert due == sorted((Instant(1_199_900 + number), f"desk:{number}") for number in range(100))


def test_among_many_replaced_and_removed_the_last_of_each_is_due_once_and_in_order() -> None:
    chance = random.Random(7)  # noqa: S311
    alarms, expected = Alarms(), dict[str, Instant]()
    for _ in range(50_000):
        subject, at = f"desk:{chance.randrange(300)}", Instant(chance.randrange(1_000))
        if chance.random() < 0.2:
            alarms.push(NEVER, subject)
            expected.pop(subject, None)
        else:
            alarms.push(at, subject)
            expected[subject] = at
    due = []
    while found := alarms.pop_due(NEVER, 7):
        due += found
    assert due == sorted((at, subject) for subject, at in expected.items())
