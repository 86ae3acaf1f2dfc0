"""`vigil patterns` and `vigil explain pattern:…`: the whole commands, on files."""

import json
import shlex
from pathlib import Path

import pytest
from running import vigil

from engine.contract.codec import Received, read_line

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks: {resolve: {budget: {P1: 12h}}}
recurrence: {fingerprint: [service, component, title], window: 4h, flag_within: 2h, notify: [product]}
"""
SUBJECT = "pattern:mail-smtp-queue-of-mails-is-stuck-b647dd243afc"
TITLES = {"desk:1": "Queue of 93 mails is stuck", "desk:2": "Queue of 7 mails is stuck [!]"}


def event(subject: str, verb: str, hour: int, **data: object) -> dict[str, object]:
    return {
        "specversion": "1.0", "id": f"{subject}-{verb}", "source": "urn:test", "type": f"ticket.{verb}.v1",
        "subject": subject, "time": f"2026-03-02T{hour:02}:00:00Z", "data": data,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "test.yaml").write_text(POLICY)
    told = [
        event(subject, "opened", hour, title=title, service="mail", component="smtp")
        for hour, (subject, title) in enumerate({**TITLES, "desk:4": "Mails stuck in the queue"}.items(), 9)
    ]
    (tmp_path / "events.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in told))
    return tmp_path


def test_patterns_and_near_misses_come_with_the_commands_that_settle_them(folder: Path) -> None:
    done = vigil("patterns", str(folder / "events.jsonl"), "-p", str(folder / "policies"))
    assert done.returncode == 0, done.stderr
    assert "3 escalations, 2 patterns, 1 of them recurred; 0 in none" in done.stdout
    assert "stuck [!]" in done.stdout
    commands = [shlex.split(line) for line in done.stdout.splitlines() if line.startswith("  vigil send")]
    flag, confirm = (dict(zip(one[2::2], one[3::2], strict=True)) for one in commands)
    assert (flag["--type"], flag["--subject"]) == ("ticket.recurrence_flagged.v1", SUBJECT)
    assert (confirm["--type"], confirm["--subject"]) == ("ticket.updated.v1", "desk:4")
    for given in (flag, confirm):  # what they send is what the contract takes
        said = event(given["--subject"], "x", 12, **json.loads(given["--data"]))
        assert isinstance(read_line(json.dumps({**said, "type": given["--type"]}).encode()), Received)


def test_as_json_everything_is_there(folder: Path) -> None:
    done = vigil("patterns", str(folder / "events.jsonl"), "-p", str(folder / "policies"), "--json")
    found = json.loads(done.stdout)
    assert [(one["flag"], one["recurred"], len(one["members"])) for one in found["patterns"]] == [
        ("owed", 1, 2), ("once", 0, 1),
    ]  # fmt: skip
    (near,) = found["near_misses"]
    assert (near["similarity"], near["into"]) == (0.6, SUBJECT.removeprefix("pattern:"))
    assert len(near["confirm"]) == 1


def test_of_an_archive_they_are_those_of_the_events(folder: Path) -> None:
    events, policies, archive = folder / "events.jsonl", str(folder / "policies"), f"sqlite:///{folder}/a.db"
    assert vigil("archive", "load", str(events), "-p", policies, "--archive", archive).returncode == 0
    at = ("--at", "2026-03-02T14:00:00Z", "--json", "-p", policies)
    archived, told = vigil("patterns", "--archive", archive, *at), vigil("patterns", str(events), *at)
    assert archived.returncode == 0, archived.stderr
    assert archived.stdout == told.stdout
    assert json.loads(told.stdout)["patterns"][0]["flag"] == "overdue"


def test_a_line_that_is_no_event_ends_it_with_1(folder: Path) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event("pattern:x", "opened", 12, title="x")) + "\n")
    done = vigil("patterns", str(folder / "events.jsonl"), "-p", str(folder / "policies"))
    assert done.returncode == 1
    assert "is a pattern, not an escalation: opened cannot be said of it" in done.stderr


def test_explain_tells_the_way_of_a_pattern(folder: Path) -> None:
    events, policies, said = folder / "events.jsonl", folder / "policies", folder / "said.jsonl"
    until = "2026-03-02T14:00:00Z"
    vigil("replay", str(events), "-p", str(policies), "--until", until, "-o", str(said))
    done = vigil(
        "explain", SUBJECT, "-p", str(policies), "-e", str(events), "--outcomes", str(said), "--until", until,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    explained = json.loads(done.stdout)
    assert [(one["check"], one["verdict"]["type"]) for one in explained["verdicts"]] == [
        ("equal", "sla.breached.v1")
    ]
    (running,) = explained["running"]
    assert (running["metric"], running["state"]) == ("flag_recurrence", "breached")
