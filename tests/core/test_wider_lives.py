"""Lives of all verbs: any order, calendars that change, and what a late event then leaves alone."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import pytest
from core_runs import OFFICE, SUBJECT, Engine, at, standing_bytes
from generated_facts import first_recorded
from msgspec.structs import replace
from wider_facts import wider_book, wider_life

from comparing import canonical
from engine.core import state
from engine.core.facts import OPENS_NOTHING, REBASED, Fact, in_order
from engine.core.instants import DAY, Instant
from engine.core.policy import Book
from engine.core.recurrence import plan_of
from engine.core.rules import rules_of
from engine.core.standing import standing

pytestmark = pytest.mark.slow

SEEDS = 100
UNTIL = Instant(at(5000) + 4 * DAY)
BOOK = wider_book()
CHANGED = [
    wider_book(OFFICE + "holidays: {dates: {2026-11-03: closed}}\n"),
    wider_book(OFFICE + 'holidays: {dates: {2026-11-02: ["09:00-11:00"]}}\n'),
    wider_book(OFFICE.replace("09:00-17:00", "08:00-16:00")),
    wider_book(OFFICE.replace("09:00-17:00", "09:00-20:00")),
]
Obligation = tuple[str, str]


def told(facts: Iterable[Fact], book: Book = BOOK) -> Engine:
    engine = Engine(book)
    for one in facts:
        engine.take(one)
    engine.tick_until(UNTIL)
    return engine


def test_any_order_of_arrival_leaves_the_same_standing_bytes() -> None:
    for seed in range(SEEDS):
        rng, facts = random.Random(seed), wider_life(seed)  # noqa: S311  # a seed makes it repeatable
        expected = standing_bytes(told(in_order(first_recorded(facts))).said)
        shuffled = [*facts, *rng.sample(facts, len(facts) // 2)]
        rng.shuffle(shuffled)
        engine, now = Engine(BOOK), Instant(0)
        for one in shuffled:
            now = max(now, one.at)
            engine.tick_until(now)
            engine.take(one)
        engine.tick_until(UNTIL)
        assert standing_bytes(engine.said) == expected, seed


def test_history_that_is_loaded_long_after_it_happened_leaves_the_same_standing_bytes() -> None:
    """In whatever order, with ticks of a worker that runs between any two events of it."""
    loaded = Instant(UNTIL + 60 * DAY)
    for seed in range(SEEDS // 2):
        rng, facts = random.Random(seed), in_order(first_recorded(wider_life(seed)))  # noqa: S311
        facts = [replace(one, recorded=loaded) for one in facts]
        batch, engine = Engine(BOOK), Engine(BOOK)
        for one in facts:
            batch.take(one)
        if seed % 2:
            rng.shuffle(facts)
        for one in facts:
            engine.take(one)
            engine.tick_until(loaded)
            engine.tick_until(loaded)
        for either in (batch, engine):
            either.tick_until(Instant(loaded + DAY // 2))
        assert standing_bytes(engine.said) == standing_bytes(batch.said), seed


def test_a_late_event_after_a_change_of_calendars_moves_only_what_it_itself_changes() -> None:
    """What the facts come to by the calendars of now, without the event and with it, tells what that is."""
    seen: Counter[str] = Counter()
    for seed in range(4 * SEEDS):
        rng, facts = random.Random(seed), in_order(first_recorded(wider_life(seed)))  # noqa: S311
        others = [one for one in facts[1:] if one.kind != REBASED]
        if len(facts) < 4 or not others or facts[0].kind in OPENS_NOTHING:
            continue
        late, book, change_at = rng.choice(others), rng.choice(CHANGED), rng.randrange(1, len(facts) - 1)
        known = [one for one in facts if one is not late]
        engine = told_with_change(known, change_at, book)
        before, count = of_obligations(engine), engine.counts["late"]
        engine.take(late)
        engine.tick_until(UNTIL)
        if engine.counts["late"] == count:
            continue
        after, without, with_it = of_obligations(engine), told(known, book), told(facts, book)
        states = states_of(without), states_of(with_it)
        then, now = of_obligations(without), of_obligations(with_it)
        for name in before.keys() | after.keys() | now.keys():
            is_left_alone = then[name] == now[name] and states[0].get(name) == states[1].get(name)
            assert after[name] == (before if is_left_alone else now)[name], (seed, name)
            seen["stays otherwise"] += is_left_alone and now[name] != after[name]
            seen["moved"] += not is_left_alone and before[name] != after[name]
    assert seen["stays otherwise"] > 50
    assert seen["moved"] > 50


def told_with_change(facts: Sequence[Fact], change_at: int, book: Book) -> Engine:
    engine = Engine(BOOK)
    for number, one in enumerate(facts):
        if number == change_at:
            engine.restart(book)
        engine.tick_until(one.at)
        engine.take(one)
    engine.tick_until(UNTIL)
    return engine


def of_obligations(engine: Engine) -> defaultdict[Obligation, set[bytes]]:
    """What stands of each, without the editions of calendars: a verdict that stays keeps its own."""
    found: defaultdict[Obligation, set[bytes]] = defaultdict(set)
    for outcome in standing(engine.said):
        found[outcome.metric, outcome.key].add(canonical(replace(outcome, versions=None, hash="")))
    return found


def states_of(engine: Engine) -> dict[Obligation, object]:
    escalation, _ = state.decode(engine.store[SUBJECT.encode()])
    plan = plan_of(rules_of(engine.book), escalation)
    assert plan is not None
    clocks = zip(plan.clocks, escalation.clocks, strict=False)
    return {
        **{(clock_plan.metric, clock_plan.key): clock for clock_plan, clock in clocks},
        **{(p.metric, ""): cadence for p, cadence in zip(plan.cadences, escalation.cadences, strict=True)},
        **{("commitment", one.id): one for one in escalation.commitments},
        **{("action", one.id): one for one in escalation.actions},
    }
