"""Forms become events that the engine takes; what cannot be sent is named by its field."""

import pytest

from engine.console.acting import FORMS, SOURCE, BadInput, Form, asking_which, event
from engine.contract.codec import Received, decode
from engine.core.instants import MILLISECOND, parse_instant

NOW = parse_instant("2026-11-12T13:20:00Z")
TYPED = {
    "severity": "P1", "owner": "Ines T.", "audience": "customer", "next_update_at": "2026-11-12T15:00",
    "text": "fix deployed", "due_at": "2026-11-12T16:00", "to": "their head of sales", "commitment_id": "c1",
    "role": "communications", "person": "Olek P.", "resolution": "rolled back", "title": "add an alarm",
    "action_id": "a1", "stage": "summary", "url": "https://wiki.example/rca", "pattern": "pattern:disk",
    "reason": "agreed with them", "team": "", "zone": "Europe/Oslo",
}  # fmt: skip


OVER_POLICIES = {"rebased"}
"""What they choose from is not theirs (test_moving)."""


@pytest.mark.parametrize("form", [form for verb, form in FORMS.items() if verb not in OVER_POLICIES])
def test_each_form_is_an_event_that_the_engine_reads(form: Form) -> None:
    subject = "pattern:disk" if form.verb == "recurrence_flagged" else "desk:1"
    record = event(form, subject, TYPED, "Ines T.", NOW)
    read = decode(record.key, record.value, record.headers, NOW // MILLISECOND)
    assert isinstance(read, Received), read
    assert (read.subject, read.fact.kind, read.fact.at, read.fact.source) == (
        subject,
        form.verb,
        NOW,
        SOURCE,
    )
    assert read.fact.text("by") == "Ines T."


def test_times_are_the_readers() -> None:
    record = event(FORMS["update_published"], "desk:1", TYPED, "Ines T.", NOW)
    read = decode(record.key, record.value, record.headers, NOW // MILLISECOND)
    assert isinstance(read, Received)
    assert read.fact.instant("next_update_at") == parse_instant("2026-11-12T15:00:00+01:00")


@pytest.mark.parametrize(
    ("verb", "typed", "problems"),
    [
        ("commitment_made", {}, {"text": "this is needed", "due_at": "this is needed"}),
        (
            "commitment_made", {"text": "a fix", "due_at": "tomorrow"},
            {"due_at": "expected a date and a time, such as 2026-11-12T14:30"},
        ),
        (
            "commitment_made", {"text": "a fix", "due_at": "2026-11-12T14:30", "zone": "Mars/Olympus"},
            {"due_at": "there is no time zone 'Mars/Olympus'"},
        ),
        (
            "commitment_made", {"text": "a fix", "due_at": "2026-11-12T14:30", "zone": "Europe"},
            {"due_at": "there is no time zone 'Europe'"},
        ),
        (
            "commitment_made", {"text": "a fix", "due_at": "2026-11-12T14:30", "zone": "x" * 300},
            {"due_at": f"there is no time zone '{'x' * 60}'"},
        ),
        (
            "commitment_made", {"text": "a fix", "due_at": "2027-03-28T02:30", "zone": "Europe/Oslo"},
            {"due_at": "the clocks of Europe/Oslo skip this time on that day"},
        ),
        (
            "commitment_made", {"text": "a fix", "due_at": "2027-10-31T02:30", "zone": "Europe/Oslo"},
            {"due_at": "the clocks of Europe/Oslo show this time twice: choose which of the two"},
        ),
        (
            "update_published", {"audience": "everybody"},
            {"audience": "expected one of customer, internal, executive"},
        ),
        (
            "role_assigned", {"role": "scribe", "person": "x" * 600},
            {"person": "String should have at most 512 characters"},
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_named(verb: str, typed: dict[str, str], problems: dict[str, str]) -> None:
    with pytest.raises(BadInput) as error:
        event(FORMS[verb], "desk:1", typed, "Ines T.", NOW)
    assert error.value.problems == problems


@pytest.mark.parametrize(
    ("due", "which", "meant"),
    [
        ("2027-10-31T02:30", "first", "2027-10-31T00:30:00Z"),
        ("2027-10-31T02:30", "second", "2027-10-31T01:30:00Z"),
        ("2027-10-31T03:30", "first", "2027-10-31T02:30:00Z"),  # changed after it was asked
        ("2027-10-31T03:30", "second", "2027-10-31T02:30:00Z"),
        ("2027-10-31T02:30+01:00", "", "2027-10-31T01:30:00Z"),
    ],
)
def test_a_time_that_clocks_show_twice_is_the_one_that_was_chosen(due: str, which: str, meant: str) -> None:
    typed = TYPED | {"due_at": due, "due_at_which": which}
    form = asking_which(FORMS["commitment_made"], typed)
    record = event(form, "desk:1", typed, "Ines T.", NOW)
    read = decode(record.key, record.value, record.headers, NOW // MILLISECOND)
    assert isinstance(read, Received)
    assert read.fact.instant("due_at") == parse_instant(meant)


def test_what_begins_here_gets_an_id_of_its_own() -> None:
    keys = set()
    for _ in range(2):
        record = event(FORMS["commitment_made"], "desk:1", TYPED, "Ines T.", NOW)
        read = decode(record.key, record.value, record.headers, NOW // MILLISECOND)
        assert isinstance(read, Received)
        keys.add(read.fact.text("commitment_id"))
    assert len(keys) == 2
