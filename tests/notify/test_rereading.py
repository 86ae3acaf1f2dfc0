"""An outcomes topic that is not the one that was read: of another cluster, or made anew."""

from engine.contract.outcomes import decode_outcome, encode_outcome
from engine.core.instants import DAY, Instant
from engine.core.outcomes import Outcome
from engine.notify.record import Record
from engine.sql.offsets import Advance
from notify.alerting import outcome
from notify.keeping import NOW, ROOT, after, states, take, tell

ENDS = {("o", 0): 9}


def as_on_the_topic(one: Outcome) -> Outcome:
    sent = encode_outcome(one)
    return decode_outcome(sent.value or b"", sent.headers)


def reread(record: Record, *said: Outcome, since: int = 0) -> int:
    return record.reread(map(as_on_the_topic, said), ENDS, ROOT, after(60), Instant(since))


def breached() -> Outcome:
    return outcome("breached")


def test_what_is_there_again_changes_nothing_and_what_fires_is_ended_by_what_comes(record: Record) -> None:
    record.take([as_on_the_topic(breached())], [Advance("old", 0, 0, 400)], ROOT, NOW, Instant(0))
    assert states(tell(record)) == ["firing"]
    assert reread(record, breached()) == 0
    assert record.offsets() == ENDS
    assert tell(record, after(61)) == []
    take(record, outcome("stopped_late", seq=6), at=after(62))
    assert states(tell(record, after(62))) == ["resolved"]


def test_what_a_worker_that_began_anew_has_found_later_is_the_same(record: Record) -> None:
    take(record, breached())
    assert states(tell(record)) == ["firing"]
    later = outcome("breached", detected_at=after(50))
    assert reread(record, later) == 0
    assert take(record, later, at=after(60)) == 0
    assert tell(record, after(60)) == []


def test_a_topic_that_begins_later_leaves_what_stands_and_ends_what_is_over(record: Record) -> None:
    take(record, breached(), outcome("breached", id="o2", subject="desk:2"))
    assert states(tell(record)) == ["firing", "firing"]
    assert reread(record, outcome("stopped_late", seq=6)) == 1
    (over,) = tell(record, after(61))
    assert (over.state, over.outcome.subject) == ("resolved", breached().subject)


def test_what_was_corrected_is_not_told_anew_on_the_way(record: Record) -> None:
    first = breached()
    corrected = outcome("amended", id="o2", seq=7, outcome="breached", corrects=first.id, severity="P0")
    take(record, first, corrected)
    assert states(tell(record)) == ["firing"]
    assert reread(record, first, corrected) == 0
    assert reread(record, first, corrected, outcome("retracted", id="o3", seq=8, corrects="o2")) == 1
    assert states(tell(record, after(61))) == ["resolved"]


def test_what_was_not_read_is_told_and_what_is_long_over_or_forgotten_is_not(record: Record) -> None:
    old = outcome("recurrence_detected", id="o8", subject="desk:8", detected_at=Instant(NOW - 100 * DAY))
    ended = [
        outcome(name, id=name, subject="desk:6", seq=n) for n, name in ((5, "breached"), (6, "stopped_late"))
    ]
    assert reread(record, breached(), old, *ended, since=NOW - 90 * DAY) == 3
    (told,) = tell(record, after(61))
    assert (told.state, told.outcome.subject) == ("firing", breached().subject)
