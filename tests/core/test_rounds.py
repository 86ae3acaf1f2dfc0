"""What one round leaves for the next beside the states: the watermark of the events' time, else nothing."""

from core_runs import SUBJECT, Engine, at, book_of, fact, minutes, policy

from engine.core.decide import WATERMARK_KEY, Options, Round
from engine.core.instants import Instant

BOOK = book_of(policy("clocks: {resolve: {budget: {P1: 60m}}}"))
BY_EVENTS = Options(event_time=True)


def said(engine: Engine) -> list[tuple[str, str, float]]:
    return [(one.subject, one.name, minutes(one.effective_at)) for one in engine.said]


def test_what_is_due_before_the_stored_watermark_is_judged_as_soon_as_it_is_known() -> None:
    engine = Engine(BOOK, BY_EVENTS)
    engine.take(fact("opened", 100, severity="P1"), "a")
    engine.take(fact("opened", 0, severity="P1"), "b")
    assert said(engine) == [("b", "breached", 60)]


def test_the_watermark_is_stored_when_it_moves_and_never_goes_back() -> None:
    engine = Engine(BOOK, BY_EVENTS)
    engine.take(fact("opened", 100, severity="P1"), "a")
    stored = engine.store[WATERMARK_KEY]
    engine.take(fact("opened", 0, severity="P1"), "b")
    assert engine.store[WATERMARK_KEY] == stored
    anew = Round(BOOK, engine.store.get, engine.alarms, BY_EVENTS, Instant(1))
    assert anew.watermark == at(100)
    assert anew.close().records == [], "a round in which nothing comes stores nothing"


def test_what_other_escalations_pass_on_moves_no_watermark() -> None:
    engine = Engine(BOOK, BY_EVENTS)
    engine.take(fact("opened", 0, severity="P1"), "a")
    engine.take(fact("relayed_update", 500, version=1), "b")
    assert said(engine) == []
    assert Round(BOOK, engine.store.get, engine.alarms, BY_EVENTS, Instant(1)).watermark == at(0)


def test_time_that_does_not_come_from_the_events_has_no_watermark() -> None:
    engine = Engine(BOOK)
    engine.take(fact("opened", 100, severity="P1"), "a")
    assert WATERMARK_KEY not in engine.store
    assert Round(BOOK, engine.store.get, engine.alarms, Options(), Instant(1)).watermark is None


def test_an_escalation_that_left_the_state_begins_anew_in_the_same_round_as_in_the_next() -> None:
    def life(*, one_round: bool) -> Engine:
        engine = Engine(BOOK, Options(correction_window=30 * 60_000_000))
        if one_round:
            engine.begin()
        for step in (
            fact("opened", 0, severity="P1"),
            fact("resolved", 10),
            fact("cancelled", 11),
            fact("opened", 100, id="again", severity="P1"),
            fact("resolved", 110, id="again, resolved"),
        ):
            engine.tick_until(step.at)
            engine.take(step)
        engine.end()
        return engine

    together, apart = life(one_round=True), life(one_round=False)
    assert together.counts["forgotten"] == 1
    assert [(one.name, minutes(one.effective_at)) for one in together.said] == [("met", 10), ("met", 110)]
    assert [one.id for one in together.said] == [one.id for one in apart.said]
    assert together.store == apart.store


def test_what_comes_in_that_round_before_its_opening_waits_for_it() -> None:
    engine = Engine(BOOK, Options(correction_window=30 * 60_000_000))
    engine.begin()
    for step in (fact("opened", 0, severity="P1"), fact("cancelled", 10), fact("resolved", 110)):
        engine.tick_until(step.at)
        engine.take(step)
    engine.end()
    assert engine.counts["forgotten"] == 1
    engine.take(fact("opened", 100, id="again", severity="P1"))
    assert said(engine) == [(SUBJECT, "cancelled", 10), (SUBJECT, "met", 110)]


def test_of_a_round_that_is_abandoned_nothing_is_left_and_what_was_due_before_it_is_due() -> None:
    engine = Engine(BOOK)
    engine.take(fact("opened", 0, severity="P1"))
    stored = dict(engine.store)
    lost = Round(BOOK, engine.store.get, engine.alarms, Options(), Instant(9))
    lost.fact(SUBJECT, fact("resolved", 10))
    lost.fact("desk:2", fact("opened", 10, severity="P1"))
    lost.abandon()
    assert engine.store == stored
    assert engine.alarms.next() == at(60), "as it stood before"
    engine.tick_until(at(200))
    assert said(engine) == [(SUBJECT, "breached", 60)]
    assert len(engine.alarms) == 0, "of what was never stored nothing is due"
