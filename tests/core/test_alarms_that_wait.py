"""What is due and not known yet waits with whoever judges its tick, not with whoever sent it."""

from core_runs import SUBJECT, Engine, at, book_of, fact, minutes, policy

from engine.core.alarms import Alarms
from engine.core.instants import NEVER


def test_a_tick_of_somebody_gone_leaves_nothing_behind_that_nobody_asks_for() -> None:
    """Its sender ended before its own tick was read, and the escalation came to whom it has told nothing."""
    book = book_of(policy("clocks: {acknowledge: {budget: {P1: 15m}}}"))
    engine = Engine(book)
    engine.restart(book)
    engine.take(fact("opened", 0, severity="P1"))
    engine.begin()
    assert engine._round is not None
    engine._round.tick(SUBJECT, at(30), complete=at(5), waits=True)
    engine.end()
    assert [outcome.name for outcome in engine.said] == ["source_behind"]
    assert engine.alarms.next() == NEVER, "not asked for before its reader has caught up"
    engine.alarms.release()
    engine.tick_until(at(31))
    assert [(o.name, minutes(o.effective_at)) for o in engine.said[1:]] == [("breached", 15)]


def test_what_waits_is_not_asked_for_again_by_the_same_alarm_and_by_another_it_is() -> None:
    alarms = Alarms()
    alarms.wait(at(5), "waits")
    alarms.push(at(5), "waits")
    assert alarms.next() == NEVER
    alarms.push(at(5), "other")
    alarms.push(at(9), "waits")
    assert alarms.pop_due(at(10), 10) == [(at(5), "other"), (at(9), "waits")]
    alarms.release()
    assert alarms.pop_due(at(10), 10) == [(at(5), "waits")]


def test_released_what_waits_asks_for_the_sooner_of_its_alarms() -> None:
    alarms = Alarms()
    for waits, other in ((5, 9), (9, 5)):
        alarms.wait(at(waits), "a")
        alarms.push(at(other), "a")
        alarms.release()
        assert alarms.pop_due(at(10), 10) == [(at(5), "a")]
        assert alarms.next() == NEVER
