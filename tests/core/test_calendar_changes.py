"""Random lives whose calendar changes under them, at any fact, with facts that come late behind it."""

import random
from collections import Counter

import pytest
from core_runs import OFFICE, Engine, at, book_of
from generated_facts import BOOK, LATER_VERSIONS, POLICIES, facts, first_recorded

from engine.core.facts import Fact, in_order
from engine.core.instants import DAY, MINUTE, Instant
from engine.core.outcomes import VERDICTS, Outcome
from engine.core.standing import standing

pytestmark = pytest.mark.slow

SEEDS = 300
OTHER_HOURS = OFFICE.replace(
    '["09:00-17:00"]', '["09:00-12:00", "12:30-17:30"]\nholidays: {dates: {2026-11-03: closed}}'
)
CHANGED = book_of(*POLICIES, *LATER_VERSIONS, office=OTHER_HOURS)
UNTIL = Instant(at(5000) + 8 * DAY)


def told(given: list[Fact], change_at: int) -> tuple[Engine, int]:
    """All facts as they arrive, from the `change_at`-th on by the changed book; what was said by then."""
    engine, said = Engine(BOOK), 0
    now = Instant(0)
    for number, one in enumerate(given):
        if number == change_at:
            engine.tick_until(now)
            engine.restart(CHANGED)
            said = len(engine.said)
        now = max(now, one.at)
        engine.tick_until(now)
        engine.take(one)
    engine.tick_until(UNTIL)
    return engine, said


def lives() -> list[tuple[int, list[Fact], int]]:
    made = []
    for seed in range(SEEDS):
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        life = facts(rng.choice, rng.randrange(4, 25))
        life.sort(key=lambda fact: fact.at + rng.choice((0, 0, 0, 200 * MINUTE)))
        made.append((seed, life, rng.randrange(1, len(life))))
    return made


@pytest.fixture(scope="module")
def runs() -> list[tuple[int, Engine, int]]:
    return [(seed, *told(life, change)) for seed, life, change in lives()]


def test_the_time_of_a_verdict_adds_up_across_a_change(runs: list[tuple[int, Engine, int]]) -> None:
    for seed, engine, _ in runs:
        for outcome in engine.said:
            if outcome.name in VERDICTS and outcome.segments:
                counted = sum(segment.elapsed for segment in outcome.segments)
                assert counted == outcome.elapsed, (seed, outcome)


def test_no_clock_is_breached_twice_in_a_cycle(runs: list[tuple[int, Engine, int]]) -> None:
    for seed, engine, _ in runs:
        breaches = Counter(
            (o.metric, o.key, o.cycle) for o in standing(engine.said) if o.name == "breached" and o.cycle
        )
        assert all(count == 1 for count in breaches.values()), (seed, breaches)


def test_a_change_of_calendars_alone_takes_nothing_back() -> None:
    moved = 0
    for seed, life, change in lives():
        life = in_order(first_recorded(life))
        engine, said = told(life, change)
        plain = Engine(BOOK)
        for one in life:
            plain.tick_until(one.at)
            plain.take(one)
        plain.tick_until(UNTIL)
        assert engine.counts["late"] == plain.counts["late"], seed
        assert not _corrections(engine.said[said:]) or engine.counts["late"], seed
        moved += [o.id for o in engine.said] != [o.id for o in plain.said]
    assert moved > SEEDS // 10, "the change must be felt, or the test tells nothing"


def _corrections(outcomes: list[Outcome]) -> list[Outcome]:
    return [o for o in outcomes if o.name in ("amended", "retracted")]
