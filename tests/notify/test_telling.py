"""What is told of a group, and when: firing, over, repeated, held back."""

from datetime import date

from msgspec.structs import replace

from engine.core.instants import HOUR, MINUTE, Instant, Span, parse_instant
from engine.core.policy import Calendar
from engine.notify.alert import FIRING, RESOLVED, Alert
from engine.notify.routing import Mute, Route
from engine.notify.telling import (
    MAYBE,
    NO,
    YES,
    Group,
    Member,
    Step,
    after_telling,
    change,
    due_after_change,
    step,
)
from notify.alerting import alert, resolved
from plain_calendars import business_calendar

NOW = parse_instant("2026-03-02T12:00:00Z")  # a Monday
ROUTE = Route("desk", group_wait=Span(1 * MINUTE), group_interval=Span(5 * MINUTE))
FIRES = alert(detected_at=NOW)
OVER = replace(resolved(), changed=2)


def told(member: Member, group: Group | None = None, route: Route = ROUTE, at: Instant = NOW) -> Step:
    return step(group or Group(), [member], route, lambda *_: None, at)


def after(minutes: int) -> Instant:
    return Instant(NOW + minutes * MINUTE)


def test_what_fires_is_told_and_then_rests_until_it_is_repeated() -> None:
    assert told(Member(FIRES)).tell == [FIRES]
    known = after_telling(Member(FIRES), FIRES)
    group = Group(told_at=NOW)
    resting = told(known, group)
    assert (resting.tell, resting.due) == ([], NOW + 4 * HOUR)
    assert told(known, group, at=Instant(NOW + 4 * HOUR)).tell == [FIRES]


def test_what_was_told_and_is_over_is_told_as_over_once() -> None:
    member = change(after_telling(Member(FIRES), FIRES), OVER, after(10), ROUTE)
    assert told(member).tell == [OVER]
    assert after_telling(member, OVER).over


def test_what_was_over_before_its_group_had_waited_is_told_to_nobody() -> None:
    member = change(Member(FIRES), OVER, Instant(NOW + MINUTE - 1), ROUTE)
    assert member.over
    assert told(member) == Step([], None, False, [FIRES.key])


def test_what_stood_as_long_as_its_group_waits_is_told_as_it_fired_and_then_as_over() -> None:
    member = change(Member(FIRES), OVER, after(1), ROUTE)
    assert told(member).tell == [FIRES]
    member = after_telling(member, FIRES)
    assert told(member).tell == [OVER]
    assert after_telling(member, OVER).over


def test_what_may_have_arrived_is_told_as_it_fired_though_it_was_over_at_once() -> None:
    """An attempt failed: nobody knows whether the receiver shows it, and that it is over must reach it."""
    member = change(Member(FIRES, shown=MAYBE), OVER, NOW, ROUTE)
    assert told(member).tell == [FIRES]


def test_what_fires_again_before_it_was_told_as_over_is_told_as_it_is() -> None:
    again = replace(FIRES, changed=3)
    member = change(change(after_telling(Member(FIRES), FIRES), OVER, NOW, ROUTE), again, NOW, ROUTE)
    assert told(member).tell == [again]


def test_of_what_changed_while_it_was_sent_the_change_is_told_too() -> None:
    member = after_telling(change(Member(FIRES, shown=MAYBE), OVER, NOW, ROUTE), FIRES)
    assert (member.shown, told(member).tell) == (YES, [OVER])


def test_a_note_is_told_once_and_never_again() -> None:
    note = alert("recurrence_detected")
    known = after_telling(Member(note), note)
    assert told(known, Group(told_at=NOW), at=Instant(NOW + 100 * HOUR)) == Step([], None, False, [])


def office() -> Calendar:
    return business_calendar("office", "UTC", {"mon-fri": ["09:00-17:00"]}, {date(2026, 3, 3): []})


def test_outside_its_calendar_a_route_holds_back_what_fires_until_it_opens() -> None:
    night = parse_instant("2026-03-02T20:00:00Z")
    route = Route("desk", mutes=(Mute(office(), outside=True),))
    held = told(Member(FIRES), route=route, at=night)
    assert held == Step([], parse_instant("2026-03-04T09:00:00Z"), True, [])
    assert told(Member(FIRES), route=route).tell == [FIRES]
    during = Route("desk", mutes=(Mute(office(), outside=False),))
    assert told(Member(FIRES), route=during).due == parse_instant("2026-03-02T17:00:00Z")


def test_what_is_shown_and_over_passes_a_mute_and_what_nobody_saw_is_dropped_by_it() -> None:
    night = parse_instant("2026-03-02T20:00:00Z")
    route = Route("desk", mutes=(Mute(office(), outside=True),))
    shown = change(after_telling(Member(FIRES), FIRES), OVER, night, route)
    assert told(shown, route=route, at=night).tell == [OVER]
    unseen = change(Member(FIRES), OVER, night, route)
    assert told(unseen, route=route, at=night).dropped == [FIRES.key]
    perhaps = change(Member(FIRES, shown=MAYBE), OVER, night, route)
    assert told(perhaps, route=route, at=night).tell == [OVER]


def test_a_silence_holds_back_what_it_matches_and_nothing_else() -> None:
    other = alert(subject="desk:2")
    silenced: dict[str, Instant | None] = {FIRES.labels["subject"]: after(30)}
    both = [Member(FIRES), Member(other)]
    found = step(Group(), both, ROUTE, lambda labels, _: silenced.get(labels["subject"]), NOW)
    assert found.tell == [other]
    left = step(Group(), both[:1], ROUTE, lambda labels, _: silenced.get(labels["subject"]), NOW)
    assert left == Step([], after(30), True, [])


def test_a_silence_of_one_does_not_put_off_the_reminder_of_another() -> None:
    known = after_telling(Member(FIRES), FIRES)
    hushed = Member(alert(subject="desk:2"))
    until = lambda labels, _: after(600) if labels["subject"] == "desk:2" else None  # noqa: E731
    assert step(Group(told_at=NOW), [known, hushed], ROUTE, until, NOW).due == NOW + 4 * HOUR


def test_a_new_group_waits_a_known_one_keeps_its_interval_and_a_failing_one_its_backoff() -> None:
    assert due_after_change(Group(), ROUTE, NOW) == after(1)
    assert due_after_change(Group(due=after(0)), ROUTE, NOW) == NOW
    assert due_after_change(Group(told_at=after(-2)), ROUTE, NOW) == after(3)
    assert due_after_change(Group(told_at=after(-20), due=after(220)), ROUTE, NOW) == NOW
    assert due_after_change(Group(due=after(2), attempt=3), ROUTE, NOW) == after(2)


def test_firing_comes_before_what_is_over() -> None:
    gone = change(after_telling(Member(FIRES), FIRES), OVER, NOW, ROUTE)
    fresh = alert(subject="desk:2")
    found: list[Alert] = step(Group(), [gone, Member(fresh)], ROUTE, lambda *_: None, NOW).tell
    assert [one.state for one in found] == [FIRING, RESOLVED]
    assert Member(fresh).shown == NO
