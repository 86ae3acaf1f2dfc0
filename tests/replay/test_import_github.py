"""GitHub's status page becomes contract events, update by update."""

from typing import Any

import orjson
import pytest

from engine.core.instants import format_instant
from engine.replay.events import Event
from engine.replay.importers import Note
from engine.replay.importers.github_status import convert
from recorded import DATA, needs_data


def incident(*updates: tuple[str, str], **over: Any) -> dict[str, Any]:
    listed = [{"at": f"2022-03-26T{at}:00Z", "status": status, "message": "…"} for at, status in updates]
    known = {
        "id": "9632825",
        "title": "Incident with Codespaces",
        "impact": "minor",
        "components": ["Codespaces"],
    }
    return {**known, "updates": listed, **over}


def imported(*incidents: object) -> tuple[list[Event], list[Note]]:
    notes: list[Note] = []
    lines = [
        (number, one if isinstance(one, bytes) else orjson.dumps(one))
        for number, one in enumerate(incidents, 1)
    ]
    return list(convert(lines, notes.append)), notes


def test_the_first_update_opens_and_every_update_is_one_to_the_customers() -> None:
    events, notes = imported(incident(("01:43", "Investigating"), ("02:20", "Update")))
    assert notes == []
    assert [(format_instant(e.at), e.type, e.data.get("audience")) for e in events] == [
        ("2022-03-26T01:43:00Z", "incident.opened.v1", None),
        ("2022-03-26T01:43:00Z", "incident.update_published.v1", "customer"),
        ("2022-03-26T02:20:00Z", "incident.update_published.v1", "customer"),
    ]
    assert events[0].subject == "github-status:9632825"
    assert events[0].data == {
        "title": "Incident with Codespaces",
        "severity": "P2",
        "service": "GitHub",
        "component": "Codespaces",
        "tags": ["impact:minor"],
    }


def test_the_resolving_update_is_published_after_the_resolution() -> None:
    events, _ = imported(incident(("01:43", "Investigating"), ("03:35", "Resolved")))
    resolution, update = events[-2:]
    assert (resolution.type, update.type) == ("incident.resolved.v1", "incident.update_published.v1")
    assert update.data["final"] is True
    assert resolution.at == update.at
    assert resolution.data == {"by": "GitHub"}, "documents would tell the status as what resolved it"
    assert resolution.sequence < update.sequence


def test_a_maintenance_ends_with_its_completion() -> None:
    events, _ = imported(incident(("01:43", "Scheduled"), ("03:35", "Completed"), impact="maintenance"))
    assert [event.type.split(".")[1] for event in events].count("resolved") == 1
    assert events[0].data["severity"] == "P3"


def test_updates_of_one_minute_keep_their_order_and_have_distinct_ids() -> None:
    events, _ = imported(incident(("01:43", "Investigating"), ("01:43", "Update"), ("01:43", "Update")))
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    assert len({event.id for event in events}) == 4


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"{", "a JSON object"),
        (b"\xff", "a JSON object"),
        ([1], "a JSON object"),
        (incident(), "updates: a list with at least one"),
        (incident(("01:43", "Update"), impact="huge"), "impact: one of critical, major"),
        (incident(("01:43", "Update"), id=7), "id: a text"),
        (incident(("01:43", "Update"), title=""), "title: a text"),
        (incident(("01:43", "")), "updates[0].status: a text"),
        (incident(("01:43", "Update"), ("99:00", "Update")), "updates[1].at: a time such as"),
        (
            incident(updates=[{"at": "2022-03-26T01:43:00", "status": "Update"}]),
            "updates[0].at: a time such as",
        ),
        *(
            (incident(updates=[{"at": at, "status": "Update"}]), "updates[0].at: a time such as")
            for at in ("0001-01-01T00:00:00+14:00", "1950-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00")
        ),
        (incident(updates=["soon"]), "updates[0]: an object"),
    ],
)
def test_an_incident_that_cannot_be_understood_is_left_out_whole_and_named(
    line: object, expected: str
) -> None:
    events, notes = imported(line, incident(("01:43", "Investigating"), id="2"))
    assert {event.subject for event in events} == {"github-status:2"}
    assert [note.line for note in notes] == [1]
    assert notes[0].expected.startswith(expected)


@needs_data
def test_every_update_of_the_real_log_is_an_event() -> None:
    from engine.replay.files import read_lines

    lines = list(read_lines(str(DATA / "github_status_incidents_dev.jsonl.gz")))
    notes: list[Note] = []
    events = list(convert(lines, notes.append))
    updates = sum(len(orjson.loads(line)["updates"]) for _, line in lines)
    assert notes == []
    assert sum(event.type == "incident.opened.v1" for event in events) == len(lines) == 508
    assert sum(event.type == "incident.update_published.v1" for event in events) == updates == 2_745
    assert len({event.id for event in events}) == len(events)
