"""The UCI ServiceNow log becomes contract events, row by row."""

import pytest

from engine.core.instants import format_instant
from engine.replay.events import Event
from engine.replay.importers import Note, WrongFormat
from engine.replay.importers.uci_servicenow import convert
from recorded import DATA, needs_data

pytestmark = pytest.mark.slow

HEADER = (
    "number,incident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,caller_id,opened_by,"
    "opened_at,sys_updated_by,sys_updated_at,contact_type,location,category,subcategory,u_symptom,priority,"
    "assignment_group,assigned_to,resolved_by"
)


def row(
    state: str = "New",
    at: str = "29/2/2016 01:23",
    mod: object = 0,
    *,
    number: str = "0000045",
    reopened: object = 0,
    priority: str = "3",
    group: str = "56",
    person: str = "?",
    opened: str = "29/2/2016 01:16",
    caller: str = "2403",
) -> str:
    return (
        f"{number},{state},true,0,{reopened},{mod},true,{caller},8,{opened},21,{at},Phone,143,55,170,72,"
        f"{priority},{group},{person},149"
    )


def imported(*rows: str, header: str = HEADER) -> tuple[list[Event], list[Note]]:
    notes: list[Note] = []
    lines = [(number, line.encode()) for number, line in enumerate([header, *rows], 1)]
    return list(convert(lines, notes.append)), notes


def told(*rows: str) -> list[tuple[str, dict[str, object]]]:
    """(verb, data without who did it) of every event."""
    events, notes = imported(*rows)
    assert notes == []
    return [
        (event.type.split(".")[1], {k: v for k, v in event.data.items() if k != "by"}) for event in events
    ]


def test_the_first_row_opens_the_incident_at_opened_at_with_all_that_is_known() -> None:
    [event], _ = imported(row())
    assert event.type == "incident.opened.v1"
    assert event.subject == "uci:0000045"
    assert format_instant(event.at) == "2016-02-29T01:16:00Z"
    assert event.recorded is not None
    assert format_instant(event.recorded) == "2016-02-29T01:23:00Z"
    assert event.data == {
        "title": "Category 55 / Subcategory 170: Symptom 72",
        "severity": "P2",
        "priority": "3",
        "customer": {"id": "Caller 2403"},
        "service": "Category 55",
        "component": "Subcategory 170",
        "region": "Location 143",
        "channel": "Phone",
        "team": "Group 56",
        "reporter": "Opened by 8",
    }


@pytest.mark.parametrize(
    ("priority", "severity"), [("1", "P0"), ("2", "P1"), ("3", "P2"), ("4", "P3"), ("?", None)]
)
def test_the_priority_is_the_severity(priority: str, severity: str | None) -> None:
    [event], _ = imported(row(priority=priority))
    assert event.data.get("severity") == severity


def test_the_first_state_that_is_not_new_acknowledges_once() -> None:
    verbs = [verb for verb, _ in told(row(), row("Active", mod=1), row("Active", mod=2), row("New", mod=3))]
    assert verbs.count("acknowledged") == 1
    assert verbs[:2] == ["opened", "acknowledged"]


def test_a_first_row_that_is_not_new_opens_and_acknowledges() -> None:
    assert [verb for verb, _ in told(row("Active"))] == ["opened", "acknowledged"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("Awaiting User Info", "pending_customer"),
        ("Awaiting Vendor", "pending_vendor"),
        ("Awaiting Problem", "pending_problem"),
        ("Awaiting Evidence", "pending_evidence"),
    ],
)
def test_awaiting_pauses_with_its_reason_until_the_state_is_left(state: str, reason: str) -> None:
    assert told(row("Active"), row(state, mod=1), row(state, mod=2), row("Active", mod=3))[2:] == [
        ("paused", {"reason": reason}),
        ("updated", {}),
        ("resumed", {"reason": reason}),
    ]


def test_from_one_wait_to_another_one_reason_ends_and_the_next_begins() -> None:
    assert told(row("Awaiting Vendor"), row("Awaiting User Info", mod=1))[2:] == [
        ("paused", {"reason": "pending_vendor"}),
        ("resumed", {"reason": "pending_vendor"}),
        ("paused", {"reason": "pending_customer"}),
    ]


def test_a_resolution_while_waiting_ends_the_wait_first() -> None:
    verbs = [verb for verb, _ in told(row("Awaiting Vendor"), row("Resolved", mod=1), row("Closed", mod=2))]
    assert verbs == ["opened", "acknowledged", "paused", "resumed", "resolved", "closed"]


def test_a_rise_of_the_reopen_count_reopens() -> None:
    story = [row("Resolved"), row("Active", mod=1, reopened=1), row("Resolved", mod=2, reopened=1)]
    assert [verb for verb, _ in told(*story)] == [
        "opened",
        "acknowledged",
        "resolved",
        "reopened",
        "resolved",
    ]


def test_an_end_that_is_left_without_a_rise_reopens_too() -> None:
    assert [verb for verb, _ in told(row("Closed"), row("Active", mod=1))][-1] == "reopened"


def test_only_what_changed_is_said_and_a_value_that_went_is_null() -> None:
    before = row("Active", person="89")
    assert told(before, row("Active", mod=1, priority="2", group="24", person="?"))[2:] == [
        ("updated", {"severity": "P1", "priority": "2", "owner": None}),
        ("assigned", {"team": "Group 24"}),
    ]


def test_a_row_that_changes_nothing_visible_is_an_update_without_data() -> None:
    assert told(row(), row(mod=1))[1:] == [("updated", {})]


def test_rows_of_one_minute_go_by_their_modification_count() -> None:
    events, _ = imported(row("Resolved", mod=10), row("Active", mod=9), row("New", mod=2))
    assert [event.type.split(".")[1] for event in events] == ["opened", "acknowledged", "resolved"]
    assert [event.sequence for event in events] == ["000002.00", "000009.00", "000010.00"]


def test_one_modification_count_twice_still_gives_distinct_ids() -> None:
    events, _ = imported(row(mod=1), row("Active", mod=1), row("Active", mod=1, at="1/3/2016 08:00"))
    assert len({event.id for event in events}) == len(events) == 3


def test_an_unknown_state_keeps_the_state_before_it_and_is_noted() -> None:
    events, notes = imported(
        row("Awaiting Vendor"), row("-100", mod=1, priority="2"), row("Active", mod=2, priority="2")
    )
    assert [event.type.split(".")[1] for event in events][2:] == ["paused", "updated", "resumed"]
    assert notes == [Note(3, "a known incident_state", "-100: taken as unchanged", left_out=False)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (row(at="2016-02-29 01:23"), "sys_updated_at: a time such as 29/2/2016 01:16"),
        (row(at="31/2/2016 01:23"), "sys_updated_at: a time such as 29/2/2016 01:16"),
        (row(opened="?"), "opened_at: a time such as 29/2/2016 01:16"),
        (row(mod="x"), "sys_mod_count: a number from 0 to 999999"),
        (row(reopened="-1"), "reopen_count: a number from 0 to 999999"),
        (row(number="?"), "number: the incident's number"),
        (row(priority="9"), "priority: one of 1, 2, 3, 4 or ?"),
        (row("Frozen"), "incident_state: one of New, Active"),
        (row() + ",more", "21 columns"),
        (row("New\udcff"), "a row of comma-separated UTF-8"),
        ('"' + row(), "a row of comma-separated UTF-8"),
    ],
)
def test_a_row_that_cannot_be_understood_is_left_out_and_named(line: str, expected: str) -> None:
    notes: list[Note] = []
    raw = [
        HEADER.encode(),
        row().encode(),
        line.encode(errors="surrogateescape"),
        row("Active", mod=5).encode(),
    ]
    events = list(convert(enumerate(raw, 1), notes.append))
    assert [event.type.split(".")[1] for event in events] == ["opened", "acknowledged"]
    assert [(note.line, note.left_out) for note in notes] == [(3, True)]
    assert notes[0].expected.startswith(expected)


def test_a_file_of_another_format_is_refused_as_a_whole() -> None:
    with pytest.raises(WrongFormat, match="lacks the columns"):
        imported(row(), header="a,b,c")


def test_a_file_that_a_spreadsheet_has_saved_is_read() -> None:
    assert imported(row(), header="\ufeff" + HEADER) == imported(row())


def test_the_same_log_gives_the_same_events_whatever_the_order_of_its_rows() -> None:
    rows = [
        row(),
        row("Active", mod=1),
        row("Awaiting Vendor", "1/3/2016 08:00", 2),
        row("Closed", "2/3/2016 08:00", 3),
    ]
    assert imported(*rows)[0] == imported(*reversed(rows))[0]


@needs_data
def test_all_rows_of_the_real_log_are_events_and_no_id_comes_twice() -> None:
    from engine.replay.files import read_lines

    path = str(DATA / "uci_incident_event_log_dev.csv.gz")
    notes: list[Note] = []
    events = list(convert(read_lines(path), notes.append))
    with_rows = {(event.subject, event.sequence.split(".")[0]) for event in events}
    rows = {(b"uci:" + line.split(b",")[0], line.split(b",")[5]) for n, line in read_lines(path) if n > 1}
    assert notes == []
    assert len({event.id for event in events}) == len(events) == 113_752
    assert {(s, int(m)) for s, m in with_rows} == {(s.decode(), int(m)) for s, m in rows}
    assert sum(event.type == "incident.opened.v1" for event in events) == 14_950
    assert sum(event.type == "incident.reopened.v1" for event in events) == 233
