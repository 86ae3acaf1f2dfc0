"""The duties of an escalation manager, each with a test that names it and shows what Vigil does of it.

Each docstring is a line of the table in docs/duties.md; the last test holds the two together.
"""

import json
import re
from pathlib import Path

import pytest

from duties.days import DAY, HOUR, Days, at

PAGE = Path(__file__).parents[2] / "docs" / "duties.md"


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def test_classify(days: Days) -> None:
    """Classify by impact, business risk, affected customers and SLA exposure"""
    days.open(severity="P2")
    days.tell(5, "updated", impact={"affected_customers": 30, "workaround": True})
    days.tell(6, "updated", impact={"revenue_at_risk": {"amount": 45_000, "currency": "EUR"}})
    (said,) = (one for one in days.outcomes(10) if one["name"] == "classified")
    assert (said["reason"], said["severity"]) == ("twenty customers or more", "P2")
    assert said["classification"]["severity"] == "P1"
    assert said["classification"]["disagrees"] is True
    risk = days.ask("risk", 10, "--json")
    figures = {(one["name"], one["of"]): one["amount"] for one in risk["figures"]}
    assert figures["revenue_at_risk", "EUR"] == 45_000
    assert (figures["customers", "gold"], figures["affected_customers", ""]) == (1, 30)
    assert "twenty customers or more" in days.write("triage", 10)


def test_triage(days: Days) -> None:
    """Triage within 15 minutes of receipt"""
    days.open(severity="P1")
    days.open(subject="desk:2", severity="P1")
    days.tell(14, "triaged", "desk:2", severity="P1", by="ann")
    assert days.said("triage", 20)[-1] == (15, "breached")
    assert days.said("triage", 20, "desk:2")[-1] == (14, "met")
    assert "not known yet" in days.write("triage", 10)


def test_team(days: Days) -> None:
    """Assemble exactly the right team"""
    days.open(severity="P0")
    days.tell(10, "role_assigned", role="incident_commander", person="ann")
    for number in range(8):
        days.tell(20 + number, "role_assigned", role=f"expert_{number}", person=f"expert {number}")
    assert days.said("incident_commander", 40) == [(10, "met")]
    assert (15, "breached") in days.said("communications", 40)
    (large,) = (one for one in days.outcomes(40) if one["name"] == "room_too_large")
    assert (large["at_most"], len(large["people"]), large["minute"]) == (8, 9, 27)
    guide = days.write("war-room", 30)
    for told in (
        "| incident commander | ann |",
        "| customer | 30 min |",
        "- Decides what is tried next",
    ):
        assert told in guide, told


def test_cadence(days: Days) -> None:
    """Commit to a communication cadence and honour it; never go silent"""
    days.open(severity="P0")
    days.tell(5, "message_sent", public=False, by="ann")
    days.tell(20, "update_published", audience="customer", next_update_at=at(30), by="ann")
    days.tell(25, "update_published", audience="internal", by="ann")
    missed = [one for one in days.said("customer_update", 65) if one[1] == "cadence_missed"]
    assert missed == [(15, "cadence_missed"), (30, "cadence_missed"), (60, "cadence_missed")]
    holding = days.write("status-update", 28, "--moment", "no_news")
    assert "there is no change to report since our update" in holding
    assert "We write again by Mon 2 Nov 2026, 10:58" in holding


def test_contact(days: Days) -> None:
    """Single point of contact"""
    days.open(severity="P1")
    days.open(subject="desk:2", severity="P1")
    days.tell(12, "assigned", "desk:2", owner="ann")
    assert days.said("contact", 40)[-1] == (30, "breached")
    assert days.said("contact", 40, "desk:2")[-1] == (12, "met")


def test_promises(days: Days) -> None:
    """Realistic expectations; commitments are binding: track and honour every one"""
    days.open(severity="P2")
    for identity in ("kept", "late", "moved", "gone"):
        days.tell(5, "commitment_made", commitment_id=identity, text=f"A {identity} promise", due_at=at(120),
                  to="Acme", by="ann")  # fmt: skip
    days.tell(50, "commitment_renegotiated", commitment_id="moved", due_at=at(300), reason="parts", by="ann")
    days.tell(60, "commitment_kept", commitment_id="kept", by="ann")
    days.tell(70, "commitment_withdrawn", commitment_id="gone", reason="not needed", by="ann")
    days.tell(200, "commitment_kept", commitment_id="moved", by="ann")
    assert (105, "breach_risk") in days.said("late", 400), "at risk a quarter of an hour before"
    assert (120, "commitment_missed") in days.said("late", 400)
    assert days.said("kept", 400)[-1] == (60, "met")
    assert days.said("moved", 400)[-1] == (200, "met")
    assert days.said("gone", 400)[-1] == (70, "cancelled")
    ledger = days.ask("commitments", 400, "--format", "json")
    states = {one["id"]: one["state"] for one in ledger}
    assert states == {"kept": "kept", "late": "missed", "moved": "kept", "gone": "withdrawn"}


def test_service_levels(days: Days) -> None:
    """Enforce SLAs: breach risk in real time, escalation triggers, credits and remediation"""
    days.open(severity="P1")
    said = days.outcomes(11 * HOUR)
    resolve = [(one["minute"], one["name"], tuple(one.get("notify", ()))) for one in said
               if one["metric"] == "resolve"]  # fmt: skip
    assert sorted(resolve) == [  # of one minute they come by their ids
        (6 * HOUR, "breach_risk", ()),
        (6 * HOUR, "escalated", ("owner",)),
        (7.2 * HOUR, "breach_risk", ()),
        (8 * HOUR, "breached", ()),
        (8 * HOUR, "credit_exposed", ()),
        (8 * HOUR, "escalated", ("team_lead", "manager")),
        (10 * HOUR, "escalated", ("director",)),
    ]
    (owed,) = days.ask("credits", 11 * HOUR, "--format", "json")
    assert (owed["customer"], owed["percent"]) == ("acme", "10")


OWN = """
policy: own
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
risk: []
clocks:
  stall: {budget: {P1: 1h}}
  handover: {budget: {P1: 15m}}
  resolve:
    budget: {P1: 4h}
    escalate: [{at: 50%, notify: [owner], ack_within: 15m}, {at: 100%, notify: [manager]}]
"""


def test_drive(tmp_path: Path) -> None:
    """Drive to resolution; escalate internally if resources are insufficient"""
    days = Days(tmp_path, OWN)
    days.open(severity="P1")
    days.tell(10, "assigned", owner="ann")
    days.tell(20, "assigned", owner="bob")
    assert (35, "breached") in days.said("handover", 3 * HOUR), "nobody took it up from ann"
    assert (60, "breached") in days.said("stall", 3 * HOUR)
    escalated = [(one["minute"], one["notify"], one.get("reason")) for one in days.outcomes(3 * HOUR)
                 if one["name"] == "escalated"]  # fmt: skip
    assert escalated == [(120, ["owner"], None), (135, ["manager"], "not_acknowledged")]


def test_ownership(days: Days) -> None:
    """Own it from end to end"""
    days.open(severity="P1")
    days.tell(60, "resolved", by="ann")
    said = days.said("confirm", 4 * DAY)
    unconfirmed = [(60 + DAY, "breached"), (60 + 2 * DAY, "overdue"), (60 + 3 * DAY, "overdue")]
    assert [one for one in said if one[1] != "breach_risk"] == unconfirmed
    days.tell(70, "cancelled")
    (refused,) = days.refused()
    assert "reason" in refused, "nothing ends without one"


def test_confirmation_and_rca_summary(days: Days) -> None:
    """Confirm the resolution with the customer; RCA summary within 48 hours"""
    days.open(severity="P1")
    days.tell(60, "resolved", by="ann")
    days.tell(90, "resolution_confirmed", by="Acme")
    assert days.said("confirm", 3 * DAY) == [(90, "met")]
    assert (60 + 2 * DAY, "breached") in days.said("rca_summary", 3 * DAY)
    days.tell(DAY, "rca_published", stage="summary", url="https://rca.example/1", by="ann")
    assert days.said("rca_summary", 3 * DAY) == [(DAY, "met")]


def test_rca_is_mandatory(days: Days) -> None:
    """RCA mandatory for all P0 and P1, no exceptions"""
    days.open(severity="P1")
    days.tell(10, "updated", severity="P3")
    days.tell(60, "resolved", by="ann")
    days.tell(120, "closed", by="ann")
    assert (60 + 2 * DAY, "breached") in days.said("rca_summary", 20 * DAY)
    assert (60 + 14 * DAY, "breached") in days.said("rca_final", 20 * DAY)


def test_review(days: Days, tmp_path: Path) -> None:
    """Blameless post-mortem, action items tracked to completion"""
    days.open(severity="P1")
    days.tell(60, "resolved", by="ann", resolution="Rolled back")
    days.tell(
        DAY, "action_opened", action_id="A1", title="Alarm on the pool", owner="ann", due_at=at(3 * DAY)
    )
    assert (3 * DAY, "breached") in days.said("A1", 5 * DAY)
    review = days.write("pir", 5 * DAY)
    for part in ("Timeline", "Five whys", "Contributing factors", "What went well", "Action items"):
        assert part.casefold() in review.casefold(), part
    blaming = tmp_path / "blaming.md"
    asked = "> **To fill in.** What happened and what it meant for customers"
    assert asked in review
    blaming.write_text(review.replace(asked, f"Bob carelessly forgot it.\n\n{asked}"), "utf-8")
    told = days.run("pir", "check", blaming, "--as-of", at(5 * DAY), code=1)
    assert "careless" in told


def test_recurrence(days: Days) -> None:
    """Flag recurring patterns to product and operations within 30 days of the second occurrence"""
    for number in (1, 2):
        days.open(number * DAY, f"desk:{number}", severity="P2", service="shop", component="gateway")
    (found,) = json.loads(days.run("patterns", days.events, "-p", days.policies, "--json"))["patterns"]
    pattern = found["subject"]
    assert [one["subject"] for one in found["members"]] == ["desk:1", "desk:2"]
    said = [one for one in days.outcomes(40 * DAY, pattern) if one["name"] != "breach_risk"]
    detected, breached = said[:2]
    assert (detected["name"], detected["notify"]) == ("recurrence_detected", ["product", "operations"])
    assert detected["members"] == ["desk:1", "desk:2"]
    assert (breached["name"], breached["minute"]) == ("breached", 32 * DAY)
    days.tell(
        5 * DAY, "recurrence_flagged", pattern, pattern=pattern.removeprefix("pattern:"), to=["product"]
    )
    assert days.said("flag_recurrence", 40 * DAY, pattern)[-1] == (5 * DAY, "met")


def test_updates(days: Days) -> None:
    """Status updates by severity; executive briefing; de-escalation"""
    days.open(severity="P0")
    days.tell(10, "update_published", audience="customer", by="ann")
    grave = days.write("status-update", 12, "--audience", "customer")
    brief = days.write("brief", 12)
    days.tell(20, "updated", severity="P2")
    milder = days.write("status-update", 25, "--audience", "customer")
    assert "We write again by Mon 2 Nov 2026, 10:42" in grave
    assert "We write again by Mon 2 Nov 2026, 14:" in milder
    assert "**P0** (critical)" in brief
    assert "**P2**" in days.write("brief", 25)
    assert not any(name == "cadence_missed" for _, name in days.said("customer_update", 2 * HOUR))


def test_trends(days: Days) -> None:
    """Escalation trend report"""
    for number, severity in enumerate(("P0", "P1", "P1")):
        days.open(number * HOUR, f"desk:{number}", severity=severity, service="shop", component="gateway")
        days.tell(number * HOUR + 90, "resolved", f"desk:{number}", by="ann")
    command = ("report", "trend", days.events, "-p", days.policies, "--by", "week")
    report = json.loads(days.run(*command, "--format", "json"))
    whole = report["whole"]
    assert whole["opened"] == {"all": 3, "P0": 1, "P1": 2}
    assert whole["time_to"]["resolve"]["all"]["calendar"]["median"] == 90 * 60
    assert (whole["recurrence"]["known"], whole["recurrence"]["again"]) == (3, 2)
    assert whole["clocks"]["triage"]["all"]["breached"] == 3


def test_every_duty_of_the_page_has_a_test_that_names_it() -> None:
    tested = [test.__doc__ for name, test in globals().items() if name.startswith("test_") and test.__doc__]
    told = re.findall(r"(?m)^\| (?!duty|---)([^|]+?) \|", PAGE.read_text("utf-8"))
    assert tested == told
