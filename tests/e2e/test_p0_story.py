"""The story of docs/examples/p0-checkout on a real Apache Kafka, from the first call to the flagged pattern.

What came of it is what `vigil replay` says, and the documents are those of the docs.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from backfill import Backfill, heartbeats, vigil

from engine.core.instants import MINUTE, Instant, format_instant, parse_instant
from engine.demo.broker import KafkaBroker
from intake.test_intake_on_kafka import KEY, Intake

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "p0-checkout"
POLICIES = EXAMPLE / "policies"
INCIDENT, AGAIN = "incidents:INC-2194", "incidents:INC-2217"
PATTERN = "pattern:checkout-payment-gateway-checkout-fails-7e9083c9cec6"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def company(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Backfill]:
    made = Backfill(kafka.bootstrap, tmp_path, policies=str(POLICIES))
    yield made
    made.kill()


@pytest.fixture
def intake(kafka: KafkaBroker, company: Backfill, tmp_path: Path) -> Iterator[Intake]:
    topics = {name: company.variables[f"{name.upper()}_TOPIC"] for name in ("tickets", "incidents", "dlq")}
    made = Intake(kafka, tmp_path, topics)
    yield made
    made.stop()


def test_a_p0_is_run_from_the_first_call_to_the_flagged_recurrence(
    company: Backfill, intake: Intake, tmp_path: Path
) -> None:
    story = [json.loads(line) for line in (EXAMPLE / "events.jsonl").read_text("utf-8").splitlines()]
    lines = [orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in story]
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"".join([*lines, *(beats := heartbeats(lines))]))
    (flagged,) = (number for number, event in enumerate(story) if event["subject"] == PATTERN)

    company.start(workers=2)
    at_the_door(intake, story[:flagged])
    wait_for(company, PATTERN, "recurrence_detected")
    flag = story[flagged]
    vigil(
        "send", "--type", flag["type"], "--subject", PATTERN, "--data", json.dumps(flag["data"]),
        "--time", flag["time"], "--id", flag["id"], "--source", flag["source"], **company.variables,
    )  # fmt: skip
    wait_for(company, PATTERN, "met")
    at_the_door(intake, story[flagged + 1 :])
    (tmp_path / "beats.jsonl").write_bytes(b"".join(beats))
    company.send(tmp_path / "beats.jsonl")
    company.finish()

    nothing_was_refused(company)
    assert_said(company, whole)
    assert_the_duties_were_seen_to(said_of(company))
    for subject in (INCIDENT, AGAIN, PATTERN):
        explained = json.loads(vigil("explain", subject, "-p", POLICIES, "--json", **company.variables))
        assert {one["check"] for one in explained["verdicts"]} == {"equal"}, subject
    assert_documents_are_those_of_the_docs(company)
    assert_it_is_in_the_archive(company, f"sqlite:///{tmp_path / 'archive.db'}")
    the_review_comes_back(company)


def at_the_door(intake: Intake, events: list[dict[str, Any]]) -> None:
    """As a monitoring or an incident tool calls, one event at a time, in order."""
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/cloudevents+json"}
    for event in events:
        answer: httpx.Response = intake.client.post("/in/direct", json=event, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1}), answer.text


def wait_for(company: Backfill, subject: str, name: str) -> None:
    until = time.monotonic() + 60
    while not any(one.subject == subject and one.name == name for one in company.outcomes()):
        assert time.monotonic() < until, company.slots[0].tail()
        company.supervise()
        time.sleep(0.3)


def said_of(company: Backfill) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in company.outcomes():
        found.setdefault(one.subject, []).append(one)
    return found


def nothing_was_refused(company: Backfill) -> None:
    assert company.dead_letters() == []


def assert_said(company: Backfill, whole: Path) -> None:
    """The same outcomes as those of the file, by their ids; nothing was said that had to be taken back."""
    out = whole.with_suffix(".said")
    vigil("replay", whole, "--policies", POLICIES, "--output", out, "--json")
    expected = {json.loads(line)["id"] for line in out.read_text("utf-8").splitlines()}
    outcomes = company.outcomes()
    assert sorted(one.id for one in outcomes) == sorted(expected)
    assert not any(one.corrects for one in outcomes)


def assert_the_duties_were_seen_to(said: dict[str, list[Any]]) -> None:
    """What the story is there to show, each said once and at its time."""
    names = [(one.name, one.metric, one.key) for one in said[INCIDENT]]
    for once in (
        ("met", "triage", ""), ("met", "acknowledge", ""), ("met", "first_response", ""),
        ("met", "contact", ""),
        ("breached", "role", "executive_sponsor"), ("stopped_late", "role", "executive_sponsor"),
        ("met", "commitment", "C1"), ("commitment_missed", "commitment", "C2"),
        ("met", "resolve", ""), ("met", "confirm", ""), ("met", "rca_summary", ""), ("met", "rca_final", ""),
        ("met", "pir", ""), ("met", "action", "A1"),
    ):  # fmt: skip
        assert names.count(once) == 1, once
    assert "room_too_large" in {name for name, _, _ in names}
    grades = [one.classification for one in said[INCIDENT] if one.classification is not None]
    assert [(grade.severity, grade.disagrees) for grade in grades] == [("P0", False), ("P1", True)], (
        "with the workaround the rules come to less, and what the person said stays"
    )
    (recurred, flagged) = (one for one in said[PATTERN] if one.name in ("recurrence_detected", "met"))
    assert (recurred.members, recurred.notify) == ((INCIDENT, AGAIN), ("product", "operations"))
    assert flagged.metric == "flag_recurrence"
    assert format_instant(flagged.effective_at) == "2026-11-19T09:30:00Z"


def assert_documents_are_those_of_the_docs(company: Backfill) -> None:
    """Every document of the example, made from the topics."""
    sys.path.insert(0, str(ROOT / "docs" / "scripts"))
    try:
        from example_documents import WANTED, arguments
    finally:
        sys.path.pop(0)
    for wanted in WANTED:
        text = vigil(wanted.command, *arguments(wanted), **company.variables)
        assert text == (EXAMPLE / wanted.file).read_text("utf-8"), wanted.file


def assert_it_is_in_the_archive(company: Backfill, url: str) -> None:
    vigil("archive", "rebuild", **company.variables | {"ARCHIVE_URL": url})
    command = ("report", "trend", "--archive", url, "--from", "2026-11-01", "--to", "2026-12-01")
    report = json.loads(vigil(*command, "--format", "json"))
    whole = report["whole"]
    assert whole["opened"] == {"all": 2, "P0": 1, "P1": 1}
    recurrence = whole["recurrence"]
    assert (recurrence["known"], recurrence["again"], recurrence["flagged"]["kept"]) == (2, 1, 1)
    assert [PATTERN.removeprefix("pattern:")] == [one["fingerprint"] for one in report["patterns"]]
    assert whole["promises"] == {"kept": 1, "due": 2, "share": 0.5, "withdrawn": 0}
    brief = vigil("brief", INCIDENT, "-p", POLICIES, "--archive", url)
    assert "Checkout fails in every shop" in brief


def the_review_comes_back(company: Backfill) -> None:
    """What a person filled in is sent as events, late by then, and changes what it says and nothing else."""
    before = {one.id for one in company.outcomes()}
    company.slots.clear()
    company.start()
    vigil("pir", "check", EXAMPLE / "pir-filled.md", "--send", "--family", "incident",
          "--as-of", "2026-11-20T10:01:00Z", **company.variables)  # fmt: skip
    company.finish()
    nothing_was_refused(company)
    later = format_instant(Instant(parse_instant("2026-11-25T14:10:00Z") + MINUTE))
    review = vigil("pir", INCIDENT, "-p", POLICIES, "--at", later, **company.variables)
    assert "A missing setting ends the start, with its name" in review
    changed = [one for one in company.outcomes() if one.id not in before]
    assert {one.metric for one in changed} <= {"action", "rca_final", "pir"}
