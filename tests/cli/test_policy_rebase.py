"""`vigil policy rebase` as a user runs it: which escalations would move, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from running import vigil

from engine.cli.exits import ExitCode

FIRST, SECOND = "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z"
POLICY = f"""\
policy: standard
effective_from: {FIRST}
clocks: {{resolve: {{budget: {{P1: 8h}}}}, rca_final: {{budget: {{P1: 14d}}}}}}
---
policy: standard
effective_from: {SECOND}
clocks: {{resolve: {{budget: {{P1: 4h}}}}}}
"""
AT = "2026-11-05T12:00:00Z"


def line(subject: str, verb: str, time: str, **data: Any) -> str:
    event = {
        "specversion": "1.0", "id": f"{subject} {verb} {time}", "source": "urn:test",
        "type": f"ticket.{verb}.v1", "subject": subject, "time": time, "data": data,
    }  # fmt: skip
    return json.dumps(event)


def opened(subject: str, time: str) -> str:
    return line(subject, "opened", time, title="Down", severity="P1")


MOVED = {"policy": "standard", "version": SECOND, "reason": "before"}
LINES = [
    opened("desk:old", "2026-10-30T09:00:00Z"),
    opened("desk:new", "2026-11-03T09:00:00Z"),
    opened("desk:review", "2026-10-30T09:00:00Z"),
    line("desk:review", "resolved", "2026-10-30T10:00:00Z"),
    opened("desk:gone", "2026-10-30T09:00:00Z"),
    line("desk:gone", "cancelled", "2026-10-30T10:00:00Z", reason="spam"),
    opened("desk:moved", "2026-10-30T09:00:00Z"),
    line("desk:moved", "rebased", "2026-11-02T10:00:00Z", **MOVED),
]


@pytest.fixture
def policies(tmp_path: Path) -> str:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "standard.yaml").write_text(POLICY, "utf-8")
    return str(tmp_path / "policies")


@pytest.fixture
def events(tmp_path: Path) -> str:
    (tmp_path / "events.jsonl").write_text("\n".join(LINES), "utf-8")
    return str(tmp_path / "events.jsonl")


def test_what_owes_something_and_has_another_version_would_move_and_nothing_is_sent(
    events: str, policies: str
) -> None:
    done = vigil("policy", "rebase", events, "-p", policies, "--at", AT, "--dry-run", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    told = json.loads(done.stdout)
    assert told["escalations"] == [{"subject": name, "was": FIRST} for name in ("desk:old", "desk:review")]
    assert (told["policy"]["version"], told["at"], told["sent"]) == (SECOND, AT, 0)
    shown = vigil("policy", "rebase", events, "-p", policies, "--at", AT, "--dry-run")
    assert "desk:old" in shown.stdout
    assert "2 escalations would move to standard of 2026-11-01T00:00:00Z" in shown.stderr


def test_an_archive_says_the_same(events: str, policies: str, tmp_path: Path) -> None:
    archive = f"sqlite:///{tmp_path}/vigil.db"
    assert vigil("archive", "load", events, "-p", policies, "--archive", archive).returncode == 0
    asked = ("--archive", archive, "-p", policies, "--at", AT, "--dry-run", "--json")
    told = json.loads(vigil("policy", "rebase", *asked).stdout)
    assert [one["subject"] for one in told["escalations"]] == ["desk:old", "desk:review"]


def test_back_to_the_first_version_goes_what_has_the_second(events: str, policies: str) -> None:
    back = ("--to", "2026-01", "--from", SECOND)
    done = vigil("policy", "rebase", events, "-p", policies, "--at", AT, *back, "--dry-run", "--json")
    told = json.loads(done.stdout)
    assert told["policy"]["version"] == FIRST
    assert [one["subject"] for one in told["escalations"]] == ["desk:moved", "desk:new"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "a rebase needs a --reason"),
        (["--to", "2025", "--dry-run"], "--to 2025: none of standard begins so"),
        (["--to", "2026", "--dry-run"], "--to 2026: more than one of standard begins so"),
        (["--policy", "standart", "--dry-run"], "did you mean standard?"),
        (["--at", "2020-01-01T00:00:00Z", "--dry-run"], "no version of standard has begun"),
        (["--dry-run"], "name either EVENTS or --archive"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(given: list[str], said: str, policies: str) -> None:
    subject = [] if said.startswith("name either") else ["--subject", "desk:1"]
    done = vigil("policy", "rebase", "-p", policies, *subject, *given)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr
