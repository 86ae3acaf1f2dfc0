"""What leaves the delivery record: a customer's personal data, while it fires and after; what is old."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import event, select

from engine.core.instants import DAY, Instant
from engine.core.segments import Segment, Span, stands_paused
from engine.notify import tables as t
from engine.notify.record import Record
from engine.notify.routing import Route
from notify.alerting import outcome
from notify.keeping import NOW, after, begin, failed, refused, states, take, tell, told

pytestmark = pytest.mark.slow

SENTENCE = "asked Maria Gomez"
ROOT = Route("desk", group_by=("customer", "fingerprint"))
FIELDS = {
    "customer_id": "acme",
    "fingerprint": "maria-cannot-pay-8f3ed58f0c5e",
    "reason": SENTENCE,
    "subject": "desk:1",
}


def held(record: Record) -> str:
    """All that is in the database, as text."""
    with record.engine.connect() as connection:
        rows = [row for table in t.metadata.tables.values() for row in connection.execute(select(table))]
    return "\n".join(str(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)) for row in rows)


def lived(record: Record) -> None:
    """A condition that fires and was told, with all that may name its customer; and another's."""
    fired = outcome("breached", **FIELDS)
    part = Segment(NOW, after(1), stands_paused(SENTENCE), "", Span(0), "", "")
    take(
        record,
        replace(fired, segments=(part,)),
        outcome("breached", subject="desk:2", id="o", customer_id="other"),
        root=ROOT,
    )
    failed(record, begin_of(record, "acme"), f"answered 503: {SENTENCE}", after(1), root=ROOT)
    tell(record, after(1), ROOT)
    record.remember("desk", "desk/desk:1", "thread of acme, maria", NOW)
    record.silence("kim", f"{SENTENCE} of acme", (("customer", ("acme", "other")),), NOW, after(600))
    take(record, outcome("escalated", **FIELDS | {"id": "e", "threshold": "50%"}), root=ROOT)


def begin_of(record: Record, customer: str):  # type: ignore[no-untyped-def]
    group = next(one for one in record.due("desk", NOW, 9).groups if f"customer={customer}," in one)
    return begin(record, root=ROOT, group=group)


def test_a_customer_is_nowhere_any_more_but_where_a_receiver_must_end_what_fires(record: Record) -> None:
    lived(record)
    assert all(mark in held(record) for mark in ("acme", "maria", "Maria"))
    done = record.forget("acme", after(2))
    assert (done.subjects, done.firing) == (["desk:1"], ["desk:1/resolve/1", "desk:1/resolve/1/50%"])
    there = held(record).replace("thread of acme, maria", "")
    assert not any(mark in there for mark in ("acme", "maria", "Maria"))
    assert record.remembered("desk", "desk/desk:1") is not None, "by this the receiver ends what fires"
    assert "desk:2" in there, "of the other customer"


def test_the_files_of_an_open_record_hold_the_customer_no_more(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/record.db"
    with Record.open(url, NOW) as record, Record.open(url, NOW) as other:
        take(record, outcome("breached", **FIELDS), root=ROOT)
        assert other.due("desk", NOW, 9).groups
        assert record.forget("acme", after(2)).overwritten
        assert not [file for file in tmp_path.iterdir() if b"acme" in file.read_bytes()]


def test_what_fires_is_ended_under_its_own_key_and_then_its_memory_goes_too(record: Record) -> None:
    lived(record)
    pseudonym = record.forget("acme", after(2)).pseudonym
    take(record, outcome("stopped_late", **FIELDS | {"id": "s", "seq": 9}), root=ROOT, at=after(3))
    told = tell(record, after(3), ROOT)
    assert [(one.key, one.state, one.labels["customer"]) for one in told] == [
        ("desk:1/resolve/1", "resolved", pseudonym)
    ], "the level was silenced, and is over: nobody heard of it"
    record.prune(Instant(0))
    there = held(record)
    assert not any(mark in there for mark in ("acme", "maria", "Maria"))


def test_nothing_is_told_again_for_having_been_erased(record: Record) -> None:
    take(record, outcome("breached", **FIELDS), root=ROOT)
    tell(record, NOW, ROOT)
    record.forget("acme", after(1))
    assert tell(record, after(2), ROOT) == []
    assert take(record, outcome("breached", **FIELDS), root=ROOT, at=after(2)) == 0, "a redelivery"
    assert states(tell(record, after(241), ROOT)) == ["firing"], "the reminder"


def test_how_far_a_group_was_told_is_known_under_its_new_name_until_it_has_been_told(record: Record) -> None:
    take(
        record,
        *(outcome("breached", **FIELDS | {"subject": f"desk:{n}", "id": f"{n}"}) for n in (1, 2)),
        root=ROOT,
    )
    attempt = begin(record, root=ROOT)
    record.remember("desk", attempt.notification.place, "a b", NOW)
    failed(record, attempt, "answered 503", after(1), root=ROOT)
    record.forget("acme", NOW)
    assert not any(mark in held(record) for mark in ("acme", "maria", "Maria"))
    again = begin(record, after(1), ROOT)
    assert record.remembered("desk", again.notification.place) == "a b", "nothing of it is sent again"
    told(record, again, after(1), ROOT)
    assert record.remembered("desk", again.notification.place) is None


def test_what_an_attempt_under_way_remembers_under_an_erased_name_goes_too(record: Record) -> None:
    take(record, outcome("breached", **FIELDS), root=ROOT)
    attempt = begin(record, root=ROOT)
    record.forget("acme", NOW)
    record.remember("desk", attempt.notification.place, "a b", NOW)
    record.prune(Instant(0))
    assert not any(mark in held(record) for mark in ("acme", "maria", "Maria"))


def test_what_is_read_later_of_the_customer_is_erased_and_told_under_the_pseudonym(record: Record) -> None:
    pseudonym = record.forget("acme", NOW).pseudonym
    take(record, outcome("breached", **FIELDS), root=ROOT)
    (told,) = tell(record, NOW, ROOT)
    assert (told.labels["customer"], told.outcome.reason) == (pseudonym, "")
    take(record, outcome("escalated", **FIELDS | {"id": "e", "customer_id": ""}), root=ROOT)
    assert not any(mark in held(record) for mark in ("acme", "maria", "Maria")), "of the subject, too"
    assert record.forget("acme", NOW).pseudonym == pseudonym


def test_an_attempt_under_way_while_a_customer_is_erased_is_made_again_and_not_lost(record: Record) -> None:
    take(record, outcome("breached", **FIELDS), root=ROOT)
    attempt = begin(record, root=ROOT)
    record.forget("acme", NOW)
    told(record, attempt, root=ROOT)
    (again,) = tell(record, after(1), ROOT)
    assert (again.key, again.changed) == ("desk:1/resolve/1", 1), "the same keys as before"
    assert tell(record, after(2), ROOT) == []


def test_letters_are_looked_at_once_however_many_escalations_are_erased(record: Record) -> None:
    """Nobody is told anything meanwhile."""
    root = Route("desk", group_by=("customer",))
    mine = FIELDS | {"customer_id": "e"}
    several = [outcome("breached", **mine | {"subject": f"desk:{n}", "id": f"{n}"}) for n in range(30)]
    take(record, *several, outcome("breached", subject="desk:o", id="o", customer_id="other"), root=root)
    for group in record.due("desk", NOW, 9).groups:
        refused(record, begin(record, root=root, group=group), SENTENCE, root=root)
    looks: list[str] = []
    event.listen(record.engine, "before_cursor_execute", lambda *said: looks.append(said[2]))
    done = record.forget("e", NOW)
    assert len(done.subjects) == 30
    assert sum("FROM notify_dead" in statement for statement in looks) == 2, "who it is of, and to erase it"
    by, others = sorted(record.letters(), key=lambda letter: len(letter.alerts), reverse=True)
    assert by.group == f"{{customer={done.pseudonym}}}"
    assert {alert.labels["customer"] for alert in by.alerts} == {done.pseudonym}
    assert (by.reason, others.reason, others.group) == ("(erased)", SENTENCE, "{customer=other}")
    assert "maria" not in held(record)


def test_what_is_pruned_each_hour_costs_no_more_for_all_who_were_ever_erased(record: Record) -> None:
    """Nobody is told anything meanwhile."""
    asked: list[str] = []
    event.listen(record.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))

    def counted(*subjects: str) -> int:
        take(record, *(outcome("breached", **FIELDS | {"subject": one, "id": one}) for one in subjects))
        tell(record)
        for one in subjects:
            record.remember("desk", f"desk/{one}", SENTENCE, NOW)
        record.forget("acme", NOW)
        asked.clear()
        record.prune(Instant(0))
        return len(asked)

    assert counted("desk:1") == counted(*(f"desk:{number}" for number in range(2, 30)))
    assert record.remembered("desk", "desk/desk:29") == SENTENCE, "by it, what fires is ended"


@pytest.mark.parametrize("root", [ROOT, Route("desk")], ids=["a group that is renamed", "one that is not"])
def test_what_is_refused_while_a_customer_is_erased_is_no_letter_with_the_name(
    record: Record, root: Route
) -> None:
    take(record, outcome("breached", **FIELDS), root=root)
    attempt = begin(record, root=root)
    pseudonym = record.forget("acme", NOW).pseudonym
    refused(record, attempt, f"400: {SENTENCE}", root=root)
    assert not any(mark in held(record) for mark in ("acme", "maria", "Maria"))
    refused(record, begin(record, after(1), root), root=root, at=after(1))
    (letter,) = record.letters()
    assert [alert.labels["customer"] for alert in letter.alerts] == [pseudonym]


def test_who_shares_a_group_with_an_erased_customer_is_told_as_ever(record: Record) -> None:
    root = Route("desk", group_by=("fingerprint",))
    other = FIELDS | {"subject": "desk:2", "id": "o", "customer_id": "other"}
    take(record, outcome("breached", **FIELDS), outcome("breached", **other), root=root)
    failed(record, begin(record, root=root), "answered 503", after(1), root=root)
    record.forget("acme", NOW)
    assert sorted(one.outcome.subject for one in tell(record, after(1), root)) == ["desk:1", "desk:2"]
    assert len(tell(record, after(241), root)) == 2, "and reminded"


def test_a_dead_letter_is_erased_and_can_be_told_again(record: Record) -> None:
    take(record, outcome("breached", **FIELDS), root=ROOT)
    number = refused(record, begin(record, root=ROOT), f"400: {SENTENCE}", root=ROOT)
    record.forget("acme", NOW)
    assert not any(mark in held(record) for mark in ("acme", "maria", "Maria"))
    assert record.resend(number, after(1))
    assert states(tell(record, after(1), ROOT)) == ["firing"]


def test_a_silence_holds_back_the_pseudonym_from_then_on(record: Record) -> None:
    record.silence("kim", "move", (("customer", ("acme",)),), NOW, after(60))
    record.forget("acme", NOW)
    take(record, outcome("breached", **FIELDS), root=ROOT)
    assert tell(record, after(1), ROOT) == []
    assert states(tell(record, after(60), ROOT)) == ["firing"]


def test_what_a_receiver_remembers_of_what_fires_is_not_pruned_however_old(record: Record) -> None:
    """By it PagerDuty, Slack and Alertmanager end what they show."""
    take(record, outcome("breached"))
    (alert,) = tell(record)
    places = [f"desk/{alert.key}", f"desk/{alert.outcome.subject}", "desk/nothing that is held"]
    for place in places:
        record.remember("desk", place, "as it was", NOW)
    later = Instant(NOW + 100 * DAY)
    record.prune(later)
    assert [record.remembered("desk", place) for place in places] == ["as it was", "as it was", None]
    take(record, outcome("stopped_late"), at=later)
    assert states(tell(record, later)) == ["resolved"]
    record.prune(Instant(later + DAY))
    assert [record.remembered("desk", place) for place in places] == [None] * 3


def test_pruning_leaves_what_somebody_is_still_to_be_told_of_and_no_empty_group(record: Record) -> None:
    take(record, outcome("recurrence_detected", subject="desk:n"), outcome("breached"))
    tell(record, NOW)
    take(record, outcome("stopped_late"), at=after(1))
    later = Instant(NOW + 2 * DAY)
    assert record.prunable(Instant(NOW + DAY)) == 1, "its end is not told yet"
    assert record.prune(Instant(NOW + DAY)) == 1
    assert states(tell(record, later)) == ["resolved"]
    assert record.prune(Instant(NOW + DAY)) == 1
    with record.engine.connect() as connection:
        for table in (t.groups, t.members, t.alerts, t.cycles):
            assert connection.execute(select(table)).all() == []
