"""Ten thousand facts on one escalation: bounded records, bounded work, nothing lost in silence."""

import time

import pytest
from core_runs import SUBJECT, Engine, at
from generated_facts import BOOK

from engine.core import state
from engine.core.decide import Options
from engine.core.facts import Fact, Value
from engine.core.instants import SECOND, Instant

pytestmark = pytest.mark.slow

COUNT = 10_000
LIMIT = Options().fact_limit
RECORD_BYTES = 8 * 1024
"""A record is written again at every fact, so it must stay small whatever an escalation has lived through."""
SECONDS = 60
"""Ten times what it takes; what is quadratic without a bound takes an hour."""


def busy_life() -> list[Fact]:
    """An opening and, second by second, messages and updates; all in order."""
    customer: Value = {"id": "c", "tier": "gold"}
    made = [Fact("s", "0", "opened", at(0), at(0), "", {"severity": "P1", "customer": customer})]
    for number in range(1, COUNT):
        verb = ("message_received", "message_sent", "update_published", "updated")[number % 4]
        data: dict[str, Value] = {"public": True, "audience": "customer", "title": f"title {number}"}
        when = Instant(at(0) + number * SECOND)
        made.append(Fact("s", str(number), verb, when, when, "", data))
    return made


def test_ten_thousand_facts_are_taken_fold_and_stay_within_their_bounds() -> None:
    engine = Engine(BOOK)
    given = busy_life()
    began = time.process_time()
    for number, one in enumerate(given):
        if number % 500 == 0:
            engine.begin()
        assert engine.take(one) is None
    engine.end()
    assert time.process_time() - began < SECONDS
    assert max(map(len, engine.store.values())) < RECORD_BYTES
    _, shelf = state.decode(engine.store[SUBJECT.encode()])
    assert shelf.facts <= LIMIT
    assert shelf.facts + engine.counts["folded"] == COUNT

    kept, folded = given[-1], given[1]
    refusals = [engine.take(one) for one in (kept, folded)]
    assert [r and (r.reason, r.dead) for r in refusals] == [("duplicate", False), ("too_late", True)]
    late = Fact("s", "late", "message_sent", Instant(given[-1].at - SECOND), at(0), "", {"public": True})
    assert engine.take(late) is None


def test_facts_that_wait_for_their_opening_are_bounded_and_the_rest_is_refused() -> None:
    engine = Engine(BOOK, Options(fact_limit=100))
    waiting = busy_life()[1:151]
    engine.begin()
    refusals = [engine.take(one) for one in waiting]
    assert [r.reason for r in refusals if r] == ["too_many_waiting"] * 50
    assert all(r.dead for r in refusals if r)
    assert engine.take(busy_life()[0]) is None
    engine.end()
    assert {o.metric for o in engine.said} >= {"first_response", "customer_update"}
