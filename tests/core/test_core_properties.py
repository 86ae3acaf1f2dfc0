"""What must hold of every life of an escalation, whatever happened in it and however it was told.

These fail when: paused time is counted; an alarm that has fired does not make an earlier fact late; another
policy leaves equal statements as they are; a round keeps what its records do not hold.
"""

import random
from collections.abc import Callable, Iterable

import pytest
from core_runs import OFFICE, SUBJECT, Engine, at, book_of, fact, standing_bytes
from generated_facts import BOOK, DOCUMENTS, facts, first_recorded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from comparing import canonical
from engine.core import state
from engine.core.cadences import RUNNING as CADENCE_RUNNING
from engine.core.clocks import LIVE, PAUSED, RUNNING
from engine.core.deadlines import OPEN as DEADLINE_OPEN
from engine.core.decide import Options
from engine.core.escalation import OPEN, WAITING
from engine.core.facts import Fact, in_order
from engine.core.instants import DAY, MINUTE, NEVER, Instant
from engine.core.outcomes import Outcome
from engine.core.pace import PACE, STAGES, Kind, Pace
from engine.core.rules import rules_of
from engine.core.standing import standing

pytestmark = pytest.mark.slow

SEEDS = range(40)
UNTIL = Instant(at(5000) + 4 * DAY)

ON_FIRST = Options(open_on_first_event=True)
MOVEMENTS = Options(say_movements=True)


def table() -> Pace:
    """Warns of each clock early or late, or not at all, by its metric and severity."""
    metrics = [clock.metric for policy in BOOK.policies for clock in policy.clocks]
    kinds = {
        (metric, severity): Kind(100, 10 * place % 70, 0, tuple(100 - stage // 2 for stage in STAGES))
        for place, (metric, severity) in enumerate((m, s) for m in metrics for s in ("P0", "P1", "P2", "P3"))
    }
    return Pace(kinds)


BY_PACE = Options(pace=table())


def life(seed: int) -> list[Fact]:
    rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
    return facts(rng.choice, rng.randrange(1, 25))


@st.composite
def lives(draw: Callable[..., object]) -> list[Fact]:
    return facts(lambda of: draw(st.sampled_from(of)), int(str(draw(st.integers(1, 12)))))


def told(
    given_facts: Iterable[Fact],
    options: Options | None = None,
    *,
    ticks: bool = True,
    ahead: Callable[[], int] = lambda: 0,
) -> Engine:
    """The engine after it was told all of it, a round a fact; time moves to the highest seen and `ahead`."""
    engine = Engine(BOOK, options)
    for one in given_facts:
        if ticks:
            engine.tick_until(Instant(max(one.at, engine_now(engine)) + ahead() * MINUTE))
        engine.take(one)
    engine.tick_until(UNTIL)
    return engine


def engine_now(engine: Engine) -> Instant:
    stored = engine.store.get(SUBJECT.encode())
    return Instant(0) if stored is None else state.decode(stored)[0].judged


def told_in_order(given_facts: list[Fact], options: Options | None = None) -> Engine:
    return told(in_order(first_recorded(given_facts)), options, ticks=False)


def check_any_order(given_facts: list[Fact], rng: random.Random, options: Options | None = None) -> None:
    expected = standing_bytes(told_in_order(given_facts, options).said)
    for ticks, ahead in ((True, 0), (True, 300), (False, 0)):
        shuffled = [*given_facts, *rng.sample(given_facts, len(given_facts) // 2)]
        rng.shuffle(shuffled)
        engine = told(shuffled, options, ticks=ticks, ahead=lambda most=ahead: rng.randrange(most + 1))
        assert standing_bytes(engine.said) == expected


@pytest.mark.parametrize(
    "options", [Options(), ON_FIRST, MOVEMENTS, BY_PACE], ids=["", "on_first_event", "movements", "pace"]
)
def test_any_order_of_arrival_with_duplicates_leaves_the_same_standing_bytes(options: Options) -> None:
    for seed in SEEDS:
        try:
            check_any_order(life(seed), random.Random(seed), options)  # noqa: S311
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives(), st.randoms(use_true_random=False))
def test_any_order_of_arrival_leaves_the_same_standing_bytes_as_drawn(
    given_facts: list[Fact], rng: random.Random
) -> None:
    check_any_order(given_facts, rng)


def test_what_a_life_says_again_that_began_anew_counts_once_and_is_corrected_by_it() -> None:
    """A worker has lost its state and reads all events again, what was late for the first one in its place.
    What only the first one said is as it left it."""
    doubled = 0
    for seed in range(100):
        rng = random.Random(seed)  # noqa: S311
        happened = life(seed)
        rng.shuffle(happened)
        first, second = Engine(BOOK), Engine(BOOK)
        for one in happened[: 2 * len(happened) // 3]:
            first.tick_until(Instant(max(one.at, engine_now(first)) + 300 * MINUTE))
            first.take(one)
        second._detected = first._detected
        for one in happened:
            second.take(one)
        second.tick_until(UNTIL)
        of_second = {one.id_as(one.outcome or one.name) for one in second.said}
        said = [*first.said, *second.said]
        rng.shuffle(said)
        again = [one.id for one in standing(said) if one.id in of_second]
        assert again == [one.id for one in standing(second.said)], seed
        ids = {one.id for one in first.said}
        doubled += any(one.id not in ids and one.id_as(one.name) in of_second for one in second.said)
    assert doubled > 30


def test_a_pace_only_adds_warnings_of_its_own_and_its_figures() -> None:
    added = 0
    for seed in SEEDS:
        without = told_in_order(life(seed)).said
        by_pace = told_in_order(life(seed), BY_PACE).said
        rest = [replace(one, probability=None, cases=0) for one in by_pace if one.threshold != PACE]
        assert standing_bytes(rest) == standing_bytes(without), seed
        added += len(by_pace) - len(rest)
        warned = [one for one in by_pace if one.threshold == PACE]
        assert all(not one.notify and (one.probability or 0) >= 0.5 and one.cases >= 30 for one in warned)
    assert added > 30


def test_a_pace_that_knows_nothing_changes_no_byte() -> None:
    for seed in SEEDS:
        without, empty = told_in_order(life(seed)), told_in_order(life(seed), Options(pace=Pace({})))
        assert (empty.said, empty.store) == (without.said, without.store), seed


def test_splitting_a_run_into_rounds_anywhere_changes_nothing() -> None:
    for seed in SEEDS:
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        given_facts = life(seed)
        rng.shuffle(given_facts)
        steps: list[Fact | Instant] = list(given_facts)
        for _ in range(len(steps) // 2):
            steps.insert(rng.randrange(len(steps)), Instant(rng.choice(given_facts).at + rng.randrange(2)))
        steps.append(UNTIL)
        if seed % 3 == 0:  # long enough for it to leave the state, and to come back
            steps += [Instant(UNTIL + 60 * DAY), *given_facts[:5], Instant(UNTIL + 120 * DAY)]
        options = Options(fact_limit=rng.choice([5, 5_000]), say_movements=seed % 2 == 0)
        whole = run(steps, options, lambda: False)
        for split in (lambda: True, lambda rng=rng: rng.random() < 0.3):
            parts = run(steps, options, split)
            assert parts.said == whole.said, seed
            assert parts.store == whole.store, seed
            assert parts.counts == whole.counts, seed
            assert parts.refusals == whole.refusals, seed


def test_splitting_changes_nothing_where_time_comes_from_the_events() -> None:
    for seed in SEEDS:
        rng = random.Random(seed)  # noqa: S311
        steps: list[Fact | Instant] = [*life(seed)]
        rng.shuffle(steps)
        options = Options(event_time=True)
        whole = run(steps, options, lambda: False)
        for split in (lambda: True, lambda rng=rng: rng.random() < 0.3):
            parts = run(steps, options, split)
            assert (parts.said, parts.store) == (whole.said, whole.store), seed


def run(steps: list[Fact | Instant], options: Options, split: Callable[[], bool]) -> Engine:
    engine = Engine(BOOK, options)
    engine.begin()
    for step in steps:
        if split():
            engine.begin()
        if isinstance(step, Fact):
            engine.take(step)
        else:
            engine.tick_until(step)
    engine.end()
    engine.said = [undated(outcome) for outcome in engine.said]
    return engine


def undated(outcome: Outcome) -> Outcome:
    return replace(outcome, detected_at=Instant(0))


def test_reading_the_same_records_twice_says_the_same_with_the_same_ids_each_once() -> None:
    for seed in SEEDS:
        once, again = told(life(seed)).said, told(life(seed)).said
        assert once == again, seed
        ids = [outcome.id for outcome in once]
        assert len(ids) == len(set(ids)), seed
        assert [outcome.seq for outcome in once] == list(range(1, len(once) + 1)), seed


def test_calendars_that_change_in_years_to_come_change_nothing_of_now() -> None:
    """A worker starts with them in the midst of it, now and then at an instant at which something is due."""
    books = [
        book_of(*DOCUMENTS, office=f"{OFFICE}holidays: {{dates: {{20{y}-01-01: closed}}}}\n")
        for y in (50, 51)
    ]
    for seed in range(4 * len(SEEDS)):
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        given_facts = first_recorded(life(seed))
        expected = without_versions(told_in_order(given_facts).said)
        ordered = in_order(given_facts)
        for arriving in (ordered, rng.sample(ordered, len(ordered))):
            engine = Engine(BOOK)
            for one in arriving:
                if rng.random() < 0.2:
                    engine.restart(rng.choice(books))
                engine.tick_until(Instant(max(one.at, engine_now(engine))))
                engine.take(one)
            engine.restart(rng.choice(books))
            engine.tick_until(UNTIL)
            assert without_versions(engine.said) == expected, seed


def without_versions(said: Iterable[Outcome]) -> list[bytes]:
    """The standing bytes, less by which calendars it was judged."""
    plain = (replace(one, versions=None, hash="") for one in standing(said))
    return sorted(canonical(one) for one in plain)


def test_what_is_not_the_same_has_another_id() -> None:
    """Cancelled twice at one instant, for two reasons; and whatever random lives bring."""
    twice = [
        fact("opened", 0, severity="P1", customer={"tier": "gold"}),
        fact("updated", 10, severity="P3", id="down", sequence="1"),
        fact("updated", 10, severity="P1", id="up", sequence="2"),
        fact("merged", 10, into="desk:2", sequence="3"),
    ]
    cancelled = [one for one in told_in_order(twice).said if one.metric == "contact"]
    assert [one.reason for one in cancelled] == ["no_target", "merged"]
    for given_facts in (twice, *(life(seed) for seed in SEEDS)):
        said: dict[str, Outcome] = {}
        for outcome in told_in_order(given_facts).said:
            plain = replace(undated(outcome), seq=0)
            assert said.setdefault(outcome.id, plain) == plain


def test_elapsed_never_falls_and_stands_still_while_a_clock_is_paused() -> None:
    for seed in SEEDS:
        engine = Engine(BOOK)
        before: dict[tuple[str, str, int], tuple[int, bool]] = {}
        first, *rest = in_order(first_recorded(life(seed)))
        engine.take(first)
        for one in rest:
            engine.take(one)
            escalation, _ = state.decode(engine.store[SUBJECT.encode()])
            plan = rules_of(BOOK).plan(escalation.policy, escalation.policy_hash)
            assert plan is not None
            for clock_plan, clock in zip(plan.clocks, escalation.clocks, strict=False):
                if clock.phase in LIVE:
                    known = (clock_plan.metric, clock_plan.key, clock.cycle)
                    elapsed = clock.elapsed_at(plan.calendars[clock.calendar], one.at)
                    was, paused = before.get(known, (0, False))
                    assert elapsed >= was, (seed, known)
                    assert not paused or elapsed == was, (seed, known)
                    before[known] = (elapsed, clock.phase == PAUSED)


def test_the_events_own_time_says_the_same_as_ticks_for_facts_in_order() -> None:
    for seed in SEEDS:
        given_facts = sorted(first_recorded(life(seed)), key=lambda f: (f.at, f.kind != "opened", f.order))
        ticked = told(given_facts)
        engine = Engine(BOOK, Options(event_time=True))
        for one in given_facts:
            engine.take(one)
        later = fact("message_sent", (UNTIL - at(0)) / 60_000_000)
        engine.take(later, "desk:2")
        assert standing_bytes(engine.said) == standing_bytes(ticked.said), seed


def test_stored_state_survives_decoding_and_its_head_agrees() -> None:
    for seed in SEEDS:
        engine = Engine(BOOK)
        for one in life(seed):
            engine.take(one)
            record = engine.store.get(SUBJECT.encode())
            if record is None:
                continue
            escalation, shelf = state.decode(record)
            head = state.head(record)
            assert state.encode(escalation, shelf, head.alarm, head.almanac) == record, seed
            assert head.is_open == (escalation.status == OPEN)
            assert head.severity == escalation.severity
            assert head.alarm == engine.alarms.next(), seed
            assert head.deadline == state.deadline(escalation)
            assert (not state.pinned_policies(record)) == (escalation.status == WAITING)


def test_after_a_tick_nothing_is_overdue_that_was_not_said() -> None:
    for seed in SEEDS:
        engine = Engine(BOOK)
        rng = random.Random(seed)  # noqa: S311  # a seed makes it repeatable
        now = Instant(0)
        for one in life(seed):
            engine.take(one)
            now = max(now, one.at, rng.choice([now, Instant(one.at + DAY)]))
            engine.tick_until(now)
            assert not engine.overdue(now)
            record = engine.store.get(SUBJECT.encode())
            if record is None or state.decode(record)[0].status == WAITING:
                continue
            escalation, _ = state.decode(record)
            running = [c.due for c in escalation.clocks if c.phase == RUNNING and not c.breached]
            running += [c.due for c in escalation.cadences if c.phase == CADENCE_RUNNING]
            deadlines = [*escalation.commitments, *escalation.actions]
            running += [one.due for one in deadlines if one.phase == DEADLINE_OPEN and not one.missed]
            assert all(due >= now or due == NEVER for due in running), seed
