"""The delivery record, on SQLite and PostgreSQL: what is to be told, was told, and is told again."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from engine.core.instants import DAY, HOUR, MINUTE, Instant
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.sql.database import NotThere, connect
from engine.sql.offsets import Advance, Overtaken
from notify.alerting import outcome
from notify.keeping import NOW, ROOT, after, begin, failed, refused, states, take, tell, told

pytestmark = pytest.mark.slow


def test_a_breach_is_told_and_its_end_and_then_nothing_is_left(record: Record) -> None:
    assert take(record, outcome("breached")) == 1
    assert states(tell(record)) == ["firing"]
    assert tell(record) == []
    take(record, outcome("stopped_late"), at=after(1))
    assert states(tell(record, after(1))) == ["resolved"]
    assert record.due("desk", after(10_000), 10) == ([], None)


def test_an_outcome_that_comes_again_changes_nothing(record: Record) -> None:
    take(record, outcome("breached"))
    tell(record)
    assert take(record, outcome("breached"), outcome("breached")) == 0
    assert tell(record) == []


def test_offsets_move_with_the_alerts_or_not_at_all(record: Record) -> None:
    record.take([outcome()], [Advance("outcomes", 0, 0, 5)], ROOT, NOW, Instant(0))
    assert record.offsets() == {("outcomes", 0): 5}
    with pytest.raises(Overtaken, match="outcomes/0"):
        record.take([outcome("stopped_late")], [Advance("outcomes", 0, 0, 5)], ROOT, NOW, Instant(0))
    assert states(tell(record)) == ["firing"]


def test_an_attempt_whose_result_nobody_noted_is_made_again_with_the_same_alerts(record: Record) -> None:
    take(record, outcome("breached"))
    first = begin(record)
    assert begin(record).notification == first.notification
    take(record, outcome("stopped_late"), at=NOW)
    assert states(tell(record)) == ["firing"], "it may be shown, and must be told as over, after the firing"
    assert states(tell(record)) == ["resolved"]


def test_a_failure_waits_and_counts_and_a_success_forgets_it(record: Record) -> None:
    take(record, outcome("breached"))
    failed(record, begin(record), "answered 503", after(2))
    assert record.due("desk", after(1), 10) == ([], after(2))
    assert record.oldest("desk", after(1)) == NOW
    again = begin(record, after(2))
    assert again.notification.attempt == 1
    told(record, again, after(2))
    assert record.oldest("desk", after(2)) is None


def test_whatever_a_receiver_answers_can_be_noted(record: Record) -> None:
    take(record, outcome("breached"))
    failed(record, begin(record), "answered \0", after(1))
    refused(record, begin(record, after(1)), "answered \0", after(1))
    record.remember("desk", "thread", "\0", NOW)
    assert record.letters()[0].reason == "answered \N{REPLACEMENT CHARACTER}"


def test_while_one_receiver_fails_another_is_told(record: Record) -> None:
    root = Route("desk", routes=(Route("pager", (("level", ("critical",)),), continues=True), _all("desk")))
    take(record, outcome("breached"), root=root)
    failed(record, begin(record, root=root, receiver="pager"), "down", after(60), root=root)
    assert states(tell(record, root=root)) == ["firing"]


def _all(receiver: str) -> Route:
    return Route(receiver, (("metric", ("resolve",)),))


def test_what_was_found_before_the_first_start_is_told_to_nobody_until_it_changes(record: Record) -> None:
    take(record, outcome("breach_risk", detected_at=NOW), since=NOW + HOUR)
    assert tell(record) == []
    take(record, outcome("breached", detected_at=after(90)), at=after(90), since=NOW + HOUR)
    assert states(tell(record, after(90))) == ["firing"]


def test_history_that_is_over_is_told_to_nobody(record: Record) -> None:
    take(record, outcome("breached"), outcome("stopped_late"), since=NOW + HOUR)
    take(record, outcome("breached", subject="desk:2"), since=NOW + HOUR)
    take(record, outcome("stopped_late", subject="desk:2", detected_at=after(90)), since=NOW + HOUR)
    assert tell(record, after(100)) == []


def test_a_group_is_told_at_once_and_waits_for_more(record: Record) -> None:
    root = Route("desk", group_by=("customer",), group_wait=MINUTE, group_interval=MINUTE)
    take(record, outcome("breached"), root=root)
    take(record, outcome("breached", subject="desk:2"), root=root)
    assert tell(record, root=root) == []
    assert states(tell(record, after(1), root)) == ["firing", "firing"]


def test_an_alert_that_is_routed_elsewhere_is_still_told_as_over_to_whom_it_fired(record: Record) -> None:
    root = Route("desk", routes=(Route("pager", (("severity", ("P1",)),)),))
    take(record, outcome("breached", severity="P1"), root=root)
    assert states(tell(record, root=root, receiver="pager")) == ["firing"]
    take(record, outcome("escalated", severity="P2"), outcome("stopped_late", severity="P2"), root=root)
    assert states(tell(record, root=root, receiver="pager")) == ["resolved"]


def test_what_is_refused_is_a_dead_letter_and_told_again_by_command(record: Record) -> None:
    take(record, outcome("breached"))
    number = refused(record, begin(record))
    assert tell(record, after(1_000)) == []
    (letter,) = record.letters()
    assert (letter.id, letter.receiver, letter.reason) == (number, "desk", "no such channel")
    assert record.resend(number, after(1))
    assert not record.resend(number, after(1))
    assert states(tell(record, after(1))) == ["firing"]
    take(record, outcome("stopped_late"), at=after(2))
    assert states(tell(record, after(2))) == ["resolved"]
    assert (record.letters(), len(record.letters(everything=True))) == ([], 1)


def test_of_what_is_refused_in_part_the_rest_is_shown_and_the_letter_is_of_that_part(record: Record) -> None:
    root = Route("desk", group_by=("customer",))
    both = [outcome("breached", subject=f"desk:{n}", id=f"b{n}") for n in (1, 2)]
    take(record, *both, root=root)
    refused(record, begin(record, root=root), root=root, keys={"desk:1/resolve/1"})
    (letter,) = record.letters()
    assert [alert.key for alert in letter.alerts] == ["desk:1/resolve/1"]
    assert [alert.key for alert in tell(record, after(241), root)] == ["desk:2/resolve/1"], "the reminder"
    over = [outcome("stopped_late", subject=f"desk:{n}", id=f"s{n}") for n in (1, 2)]
    take(record, *over, root=root, at=after(242))
    assert [alert.key for alert in tell(record, after(242), root)] == ["desk:2/resolve/1"]


def test_a_dead_letter_of_what_is_over_meanwhile_is_told_as_it_fired_and_then_as_over(record: Record) -> None:
    take(record, outcome("breached"))
    number = refused(record, begin(record))
    take(record, outcome("stopped_late"), at=after(1))
    assert tell(record, after(1)) == []
    assert record.resend(number, after(2))
    assert states(tell(record, after(2))) == ["firing"]
    assert states(tell(record, after(2))) == ["resolved"]
    assert tell(record, after(10_000)) == []


def test_a_dead_letter_of_what_is_forgotten_by_now_is_told_as_it_fired_and_then_as_over(
    record: Record,
) -> None:
    take(record, outcome("breached"), outcome("recurrence_detected", subject="desk:n"))
    numbers = [refused(record, begin(record, group=one)) for one in record.due("desk", NOW, 9).groups]
    take(record, outcome("stopped_late"), at=after(1))
    assert record.prune(after(2)) == 2
    assert all(record.resend(number, after(3)) for number in numbers)
    assert sorted((one.level, one.state) for one in tell(record, after(3))) == [
        ("critical", "firing"),
        ("note", "firing"),
    ]
    assert [(one.level, one.state) for one in tell(record, after(3))] == [("critical", "resolved")]
    assert tell(record, after(10_000)) == []


def test_the_end_of_what_is_forgotten_is_told_after_each_of_its_dead_letters(record: Record) -> None:
    take(record, outcome("breach_risk"))
    numbers = [refused(record, begin(record))]
    take(record, outcome("breached"))
    numbers.append(refused(record, begin(record)))
    take(record, outcome("stopped_late"), at=after(1))
    assert record.prune(after(2)) == 1
    assert all(record.resend(number, after(3)) for number in numbers)
    assert states(tell(record, after(3))) == ["firing"]
    assert states(tell(record, after(3))) == ["resolved"]


def test_a_refused_end_is_told_again_by_command(record: Record) -> None:
    take(record, outcome("breached"))
    tell(record)
    take(record, outcome("stopped_late"))
    number = refused(record, begin(record), "gone")
    assert record.due("desk", after(10_000), 10).groups == []
    assert record.resend(number, after(1))
    assert states(tell(record, after(1))) == ["resolved"]


def test_a_silence_holds_back_until_it_ends_or_is_ended(record: Record) -> None:
    number = record.silence("kim", "drill", (("customer", ("acme",)),), NOW, after(60))
    (silence,) = record.silences(NOW)
    assert (silence.author, silence.reason, silence.ends) == ("kim", "drill", after(60))
    take(record, outcome("breached"))
    assert tell(record) == []
    assert tell(record, after(59)) == []
    assert record.expire(number, after(59))
    assert not record.expire(number, after(59))
    assert states(tell(record, after(59))) == ["firing"]


def test_a_record_knows_when_it_was_begun(record: Record, url: str) -> None:
    with Record.open(url, after(60)) as again:
        assert (record.began, again.began) == (NOW, NOW)


def test_a_record_begins_with_the_process_that_tells_and_not_with_a_look_into_it(url: str) -> None:
    with Record(connect(url)) as made:
        made.upgrade()
    with Record.open(url, None) as looked_at:
        looked_at.silence("kim", "drill", (), NOW, after(60))
    with Record.open(url, after(60)) as first, Record.open(url, after(90)) as second:
        assert (first.began, second.began) == (after(60), after(60))


def test_a_look_into_what_is_no_record_makes_none(url: str) -> None:
    for _ in range(2):
        with pytest.raises(NotThere):
            Record.open(url, None)


def test_a_receiver_remembers_under_its_own_name(record: Record) -> None:
    record.remember("desk", "thread", "1", NOW)
    record.remember("desk", "thread", "2", NOW)
    assert record.remembered("desk", "thread") == "2"
    assert record.remembered("pager", "thread") is None
    record.prune(Instant(NOW + DAY))
    assert record.remembered("desk", "thread") is None


def test_a_reminder_that_is_refused_is_not_due_again_at_once(record: Record) -> None:
    take(record, outcome("breached"))
    tell(record)
    later = after(300)
    refused(record, begin(record, later), at=later)
    assert record.due("desk", later, 10).groups == []
    assert states(tell(record, after(600))) == ["firing"]


def test_what_is_over_and_told_is_forgotten_in_time_and_what_fires_is_not(record: Record) -> None:
    take(record, outcome("breached"), outcome("breached", id="o2", subject="desk:2"))
    tell(record)
    take(record, outcome("stopped_late"))
    tell(record)
    assert record.prune(NOW) == 0
    assert record.prune(Instant(NOW + DAY)) == 1
    assert take(record, outcome("stopped_late", subject="desk:2"), at=after(2_000)) == 1


def test_one_process_at_a_time_sends(record: Record, url: str) -> None:
    with record.alone() as held:
        assert held is not None
        assert held()
        with Record.open(url, NOW) as other, other.alone() as second:
            assert second is None
    with Record.open(url, NOW) as other, other.alone() as second:
        assert second is not None


def test_a_process_that_is_killed_lets_go(record: Record, url: str) -> None:
    context = multiprocessing.get_context("spawn")
    holds = context.Event()
    process = context.Process(target=hold, args=(url, holds))
    process.start()
    assert holds.wait(30)
    with record.alone() as held:
        assert held is None
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(10)
    for _ in range(100):
        with record.alone() as held:
            if held is not None:
                return
    pytest.fail("the lock of the dead is held")


def hold(url: str, holds: "multiprocessing.synchronize.Event") -> None:
    with Record.open(url, NOW) as record, record.alone():
        holds.set()
        signal.pause()


def test_what_is_taken_and_told_reads_no_table_as_a_whole(tmp_path: Path) -> None:
    """They grow for months, and SQLite takes an index for some ways of asking alone."""
    asked: list[tuple[str, Any]] = []
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        event.listen(record.engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        take(record, outcome("breached"), outcome("breached", subject="desk:2", id="b2"))
        failed(record, begin(record, group="zendesk:acme:4711/resolve/1"), "answered 503", after(1))
        tell(record, after(1))
        record.remember("desk", "desk/desk:2", "a thread", NOW)
        record.remembered("desk", "desk/desk:2")
        record.oldest("desk", NOW)
        take(record, outcome("stopped_late"), at=after(2))
        tell(record, after(2))
        plans = set()
        with record.engine.connect() as connection:
            for statement, given in [one for one in asked if " notify_" in one[0]]:
                one = given[0] if isinstance(given, list) else given
                found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
                plans |= {row[3] for row in found if row[3].startswith("SCAN notify_")}
    assert plans == {"SCAN notify_offsets", "SCAN notify_erasures", "SCAN notify_silences"}, "of these few"
