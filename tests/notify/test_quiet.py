"""What is said once, and what is noted and told to nobody: no group grows by it, and nothing is lost."""

import pytest
from msgspec.structs import replace
from sqlalchemy import event, false, func, select, update

from engine.core.instants import HOUR, MINUTE, Span
from engine.core.outcomes import Outcome
from engine.notify import tables as t
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.notify.turn import Turn
from notify.alerting import outcome
from notify.keeping import NOW, after, states, take, tell

pytestmark = pytest.mark.slow

ROOT = Route("desk", group_by=("customer",), group_wait=Span(0), group_interval=Span(30 * MINUTE))


def note(number: int) -> Outcome:
    return outcome("recurrence_detected", id=f"n{number}", subject="pattern:1", seq=number)


def breach(subject: str = "desk:1") -> Outcome:
    return outcome("breached", id=f"b{subject}", subject=subject)


def retracted(one: Outcome) -> Outcome:
    return replace(one, name="retracted", outcome=one.name, corrects=one.id, id=f"r{one.id}", seq=99)


def looked_at(record: Record) -> int:
    """How many alerts of the one group a turn reads."""
    with record.engine.begin() as connection:
        (group,) = connection.scalars(select(t.members.c.grp).distinct())
        return len(Turn(connection, "desk", group, ROOT).members)


def test_a_turn_does_not_read_what_was_said_once_and_told(record: Record) -> None:
    take(record, *map(note, range(200)), breach(), root=ROOT)
    assert looked_at(record) == 201
    assert len(tell(record, NOW, ROOT)) == 201
    statements: list[str] = []
    event.listen(record.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    assert looked_at(record) == 1, "reminders of the breach are to come"
    assert len(statements) <= 4, "nothing is found out anew"
    assert states(tell(record, after(240), ROOT)) == ["firing"]


def test_a_note_that_is_taken_back_long_after_is_told_as_over(record: Record) -> None:
    take(record, note(1), note(2), root=ROOT)
    tell(record, NOW, ROOT)
    assert looked_at(record) == 0
    take(record, retracted(note(1)), root=ROOT, at=after(600))
    (over,) = tell(record, after(600), ROOT)
    assert (over.state, over.outcome.id) == ("resolved", "n1")
    assert tell(record, after(1_200), ROOT) == []


def test_a_group_of_notes_alone_keeps_its_interval(record: Record) -> None:
    take(record, note(1), root=ROOT)
    assert states(tell(record, NOW, ROOT)) == ["firing"]
    take(record, note(2), root=ROOT, at=after(1))
    assert tell(record, after(1), ROOT) == []
    assert [one.outcome.id for one in tell(record, after(30), ROOT)] == ["n2"]
    take(record, retracted(note(1)), root=ROOT, at=after(60))
    assert states(tell(record, after(60), ROOT)) == ["resolved"]
    take(record, note(3), root=ROOT, at=after(61))
    assert tell(record, after(61), ROOT) == [], "it was told of an end a minute ago"
    assert [one.outcome.id for one in tell(record, after(90), ROOT)] == ["n3"]


def test_what_was_old_at_the_first_start_is_told_once_it_changes(record: Record) -> None:
    take(record, breach(), breach("desk:2"), root=ROOT, since=NOW + HOUR)
    assert looked_at(record) == 0
    assert tell(record, after(600), ROOT) == []
    graver = replace(breach(), id="again", severity="P0", seq=99, effective_at=after(601))
    take(record, graver, root=ROOT, at=after(601))
    (told,) = tell(record, after(601), ROOT)
    assert told.outcome.id == "again"
    assert looked_at(record) == 1


def test_notes_that_a_record_of_before_has_told_are_read_once_more(record: Record) -> None:
    take(record, *map(note, range(20)), root=ROOT)
    tell(record, NOW, ROOT)
    with record.engine.begin() as connection:  # as its migration leaves them
        connection.execute(update(t.members).values(quiet=false()))
    take(record, note(20), root=ROOT, at=after(60))
    assert [one.outcome.id for one in tell(record, after(60), ROOT)] == ["n20"]
    with record.engine.connect() as connection:
        quiet = select(func.count()).select_from(t.members).where(t.members.c.quiet)
        assert connection.scalar(quiet) == 21
