"""How alerts are told: what is due, when, how much is left, why, whose it is and what to do next."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.contract.examples import example_outcome
from engine.core.instants import HOUR, MINUTE, Instant, Span, parse_instant
from engine.core.outcomes import NAMES
from engine.core.segments import Segment
from engine.notify.alert import RESOLVED, Alert
from engine.notify.conditions import Standing, alerts_of, concerns
from engine.notify.wording import LONGEST_FIELD, LONGEST_TEXT, LONGEST_TITLE, Wording, Words
from notify.alerting import alert, outcome, resolved

NOON = parse_instant("2026-11-02T12:00:00Z")


def told(one: Alert, zone: str = "UTC", links: dict[str, str] | None = None) -> Words:
    return Wording(zone, links or {}).of(one)


def field(words: Words, name: str) -> str | None:
    return dict(words.fields).get(name)


def test_a_risk_says_what_is_due_when_and_how_long_is_left() -> None:
    spent: dict[str, Any] = {"effective_at": NOON, "elapsed": Span(3 * HOUR), "target": Span(4 * HOUR)}
    risk = alert("breach_risk", due_at=Instant(NOON + HOUR), threshold="75%", probability=None, **spent)
    words = told(replace(risk, outcome=replace(risk.outcome, versions=None)), "Europe/Berlin")
    assert words.title == "P1 at risk: Resolution, zendesk:acme:4711 (Acme Corp)"
    assert words.text == (
        "Resolution has passed 75% of its budget. 1 h left."
        " Bring it to a fix or a workaround; if hands are missing, escalate now."
    )
    assert field(words, "Due") == "Mon 2 Nov 2026, 14:00 UTC+01:00 (13:00 UTC)"
    assert field(words, "Used") == "75 %"
    assert field(words, "Left") == "1 h"


def test_how_late_it_is_counts_in_the_hours_of_its_calendar() -> None:
    late = alert("overdue", elapsed=Span(9 * HOUR + 20 * MINUTE), target=Span(8 * HOUR), in_a_row=2)
    words = told(late)
    calendar = late.outcome.versions.calendar if late.outcome.versions else ""
    assert calendar
    assert field(words, "Late") == f"1 h 20 min (hours of {calendar})"
    assert "the 2nd day after its breach" in words.text


def test_a_risk_by_history_says_its_odds() -> None:
    words = told(alert("breach_risk", probability=0.73, cases=412))
    assert "of 412 such clocks 73 % were breached" in words.text


def test_a_breach_that_a_shorter_target_made_says_so() -> None:
    assert "has a shorter target now" in told(alert("breached", reason="retarget")).text


def test_a_missed_promise_that_got_another_time_is_owed_by_that_one() -> None:
    over = resolved("cancelled", "commitment_missed", metric="commitment", key="c1", reason="renegotiated")
    words = told(over)
    assert words.title.startswith("P1 resolved (moved to another time): Promise: c1")
    assert words.text.startswith("Promise: c1 is moved to another time (renegotiated).")
    dropped = resolved("cancelled", "commitment_missed", metric="commitment", key="c1", reason="duplicate")
    assert told(dropped).text.startswith("Promise: c1 is no longer owed (duplicate).")


def test_what_is_owned_by_nobody_says_so() -> None:
    assert field(told(alert(owner="")), "Owner") == "nobody"
    assert field(told(alert(owner="kim", team="support")), "Owner") == "kim"


def test_an_escalation_says_who_is_to_be_told_and_why_it_came_early() -> None:
    words = told(alert("escalated", threshold="50%", notify=("manager", "duty"), reason="not_acknowledged"))
    assert field(words, "To be told") == "manager, duty"
    assert "for nobody acknowledged the level before" in words.text


def test_pauses_are_added_up_by_reason() -> None:
    start = NOON

    def part(minutes: int, why: str) -> Segment:
        return Segment(start, Instant(start + minutes * MINUTE), why, "", Span(0), "", "")

    parts = (part(60, "paused:pending_customer"), part(20, ""), part(30, "paused:pending_customer"))
    assert field(told(alert("breached", segments=parts)), "Paused") == "1 h 30 min pending_customer"


def test_a_correction_is_told_as_one() -> None:
    made = outcome("amended", outcome="breached", corrects="abc", caused_by="zendesk/17")
    (one,) = alerts_of(Standing({}), Standing({}).with_(made), {})
    words = told(one)
    assert words.text.startswith("Correction of what was said before, because of the event zendesk/17.")
    assert field(words, "Corrects") == "abc"


def test_what_is_taken_back_is_told_as_such_and_not_as_met() -> None:
    late = Span(5 * HOUR)  # for it has a shorter target since
    breach = outcome("breached", reason="retarget", elapsed=late, target=Span(4 * HOUR))
    fired = Standing({}).with_(breach)
    gone = outcome("retracted", outcome="breached", corrects=breach.id)
    (one,) = alerts_of(fired, fired.with_(gone), {})
    words = told(one)
    assert one.state == RESOLVED
    assert words.title.startswith("P1 resolved (taken back): Resolution")
    assert words.text == "Taken back: what was said before no longer stands."


def test_a_resolution_says_how_it_ended() -> None:
    words = told(resolved("stopped_late", elapsed=Span(5 * HOUR), target=Span(4 * HOUR)))
    assert words.title.startswith("P1 resolved (stopped late): Resolution")
    assert "It ended 1 h" in words.text
    assert "late" in words.text


def test_what_was_late_by_a_shorter_target_is_not_told_to_have_ended_before_its_time() -> None:
    words = told(resolved("stopped_late", elapsed=Span(5 * HOUR), target=Span(8 * HOUR)))
    assert words.text == "Resolution is stopped late."
    assert not {"Left", "Late"} & {name for name, _ in words.fields}


def test_links_are_filled_and_escaped_and_one_that_is_too_long_is_left_out() -> None:
    links = {"Ticket": "https://desk.example/{subject}?c={customer}", "Gone": "https://desk.example/{owner}"}
    words = told(alert(subject="desk:1/../x?y", customer_id="a&b", owner="😀" * 200), links=links)
    assert words.links == (("Ticket", "https://desk.example/desk%3A1%2F..%2Fx%3Fy?c=a%26b"),)


def test_of_severities_only_a_disagreement_is_told_and_a_pattern_names_its_members() -> None:
    said = example_outcome("classified")
    assert said.classification is not None
    agreed = replace(said, classification=replace(said.classification, disagrees=False))
    by_rules = replace(said.classification, severity="P1", disagrees=True)
    apart = replace(said, severity="P2", classification=by_rules)
    assert alerts_of(Standing({}), Standing({}).with_(agreed), {}) == []
    stands = Standing({}).with_(apart)
    (alert,) = alerts_of(Standing({}), stands, {})
    assert f"The rules come to P1 ({said.reason}); somebody gave P2." in told(alert).text
    correction = replace(agreed, id="other", name="amended", corrects=said.id, outcome="classified")
    (taken_back,) = alerts_of(stands, stands.with_(correction), {})
    assert taken_back.state == RESOLVED
    (pattern,) = alerts_of(Standing({}), Standing({}).with_(example_outcome("recurrence_detected")), {})
    assert "times in the window, the latest in" in told(pattern).text


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("retracted", "amended")])
def test_every_outcome_that_anybody_hears_of_is_told_within_the_limits(name: str) -> None:
    made = example_outcome(name)
    if not concerns(made):
        return
    long = replace(made, owner="x" * 600, subject="é" * 500, people=tuple(f"person-{n}" for n in range(300)))
    for one in (made, long):
        alerts = alerts_of(Standing({}), Standing({}).with_(one), {})
        for words in map(told, alerts):
            assert 0 < len(words.title) <= LONGEST_TITLE
            assert 0 < len(words.text) <= LONGEST_TEXT
            assert "\n" not in words.title
            assert all(0 < len(value) <= LONGEST_FIELD for _, value in words.fields)
