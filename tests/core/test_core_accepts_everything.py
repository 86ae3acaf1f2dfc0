"""No fact that the contract accepts may raise in a round: one that did would end every worker."""

import random
from collections.abc import Callable

import pytest
from core_runs import OFFICE, SUBJECT, Engine, at, book_of, policy
from generated_facts import BOOK

from engine.core.decide import Options
from engine.core.facts import VERBS, Fact, Value
from engine.core.instants import DAY, HOUR, Instant, parse_instant
from engine.core.view import clocks_of

LAST = parse_instant("2199-12-31T23:59:59Z")
"""The contract takes times up to here."""
WEIRD = ["", " ", "P9", "\u202e", "é" * 500, "🔥", "0", "null", "P0", "\x7f", "any", "opened"]

Make = Callable[[random.Random], Value]


def _time(rng: random.Random) -> Value:
    return int(rng.choice([0, at(0), at(-60), at(60), at(10**5), LAST, LAST - 1]))


def _text(rng: random.Random) -> Value:
    return rng.choice(WEIRD)


def _severity(rng: random.Random) -> Value:
    return rng.choice(["P0", "P1", "P2", "P3", None])


def _group(rng: random.Random) -> Value:
    tier = rng.choice(["gold", None, ""])
    return rng.choice([None, {}, {"id": _text(rng), "tier": tier}, {"name": None, "id": "c", "tier": "gold"}])


def _impact(rng: random.Random) -> Value:
    money: Value = rng.choice(
        [None, {"amount": 0.5, "currency": "EUR"}, {"amount": 10**15, "currency": "USD"}]
    )
    return rng.choice([None, {}, {"scope": "all", "affected_customers": 10**12, "revenue_at_risk": money}])


FIELDS: dict[str, Make] = {
    **dict.fromkeys(
        ["title", "text", "reason", "owner", "team", "service", "by", "to", "role", "metric"], _text
    ),
    **dict.fromkeys(["next_update_at", "due_at", "occurred_at", "detected_at", "reported_at"], _time),
    "severity": _severity,
    "customer": _group,
    "impact": _impact,
    "tags": lambda rng: rng.choice([None, [], ["vip"] * 200]),
    "public": lambda rng: rng.random() < 0.7,
    "audience": lambda rng: rng.choice(["customer", "internal", "executive"]),
    "commitment_id": lambda rng: rng.choice(["a", "b", "é" * 512]),
    "affected_customers": lambda rng: rng.choice([0, 10**12, None]),
}


def any_fact(rng: random.Random, number: int) -> Fact:
    """Any verb with any of the fields, each of them there, null or absent."""
    data = {name: make(rng) for name, make in FIELDS.items() if rng.random() < 0.6}
    data |= {name: None for name in FIELDS if rng.random() < 0.15}
    when = rng.choice([at(rng.randrange(-3000, 9000)), at(rng.choice([0, 15, 60])), Instant(at(0) + number)])
    source, identity = rng.choice(WEIRD), str(rng.randrange(max(1, number - 2), number + 1))
    return Fact(source, identity, rng.choice(sorted(VERBS)), when, when, rng.choice(["", "0001", "é"]), data)


@pytest.mark.parametrize("seed", range(15))
def test_any_fact_of_any_verb_is_taken_or_refused(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311
    options = Options(
        open_on_first_event=seed % 3 == 0,
        say_movements=seed % 2 == 0,
        fact_limit=rng.choice([7, 30, 5_000]),
        event_time=seed % 5 == 0,
        correction_window=DAY,
    )
    engine = Engine(BOOK, options)
    for number in range(1, 120):
        engine.take(any_fact(rng, number))
        if number % 10 == 0:
            engine.tick_until(at(rng.randrange(9000)))
        record = engine.store.get(SUBJECT.encode())
        if record is not None:
            clocks_of(record, BOOK, at(rng.randrange(9000)))
    engine.tick_until(at(20_000))
    assert sum(refusal.dead for refusal in engine.refusals) < 120


def test_the_last_times_that_the_contract_takes_are_judged() -> None:
    long = policy("clocks: {resolve: {budget: {P1: 3650d}}, triage: {budget: {P1: 400bd @office}}}")
    engine = Engine(book_of(long))
    when = Instant(LAST - HOUR)
    engine.take(Fact("s", "1", "opened", when, when, "", {"severity": "P1"}))
    for number, verb in enumerate(["update_published", "commitment_made", "message_received", "paused"], 2):
        data: dict[str, Value] = {"audience": "customer", "next_update_at": int(LAST), "commitment_id": "a"}
        engine.take(
            Fact("s", str(number), verb, LAST, LAST, "", {**data, "due_at": int(LAST), "public": True})
        )
    engine.tick_until(Instant(LAST + 5000 * DAY))
    assert {o.name for o in engine.said} == {"breached", "commitment_missed"}


def test_a_promise_due_before_it_was_made_and_one_of_no_length_are_missed_once() -> None:
    engine = Engine(BOOK)
    opened = Fact("s", "1", "opened", at(0), at(0), "", {"title": "x"})
    engine.take(opened)
    for name, due in (("past", at(-9000)), ("now", at(5))):
        made = Fact(
            "s", name, "commitment_made", at(5), at(5), "", {"commitment_id": name, "due_at": int(due)}
        )
        engine.take(made)
    engine.tick_until(at(30))
    missed = [o for o in engine.said if o.name == "commitment_missed"]
    assert [(o.key, o.effective_at) for o in missed] == [("past", at(-9000)), ("now", at(5))]


def test_a_calendar_of_an_hour_a_week_and_the_longest_budget_can_be_asked() -> None:
    rare = OFFICE.replace("office", "rare").replace('mon-fri: ["09:00-17:00"]', 'mon: ["09:00-10:00"]')
    book = book_of(rare, policy("clocks: {resolve: {budget: {P1: 400h @rare}}}"))
    engine = Engine(book)
    engine.take(Fact("s", "1", "opened", LAST, LAST, "", {"severity": "P1"}))
    assert engine.alarms.next() > LAST
