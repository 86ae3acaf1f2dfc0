"""`vigil import` and `vigil replay` as a user runs them: files, pipes, summaries and exit codes."""

import gzip
import json
from pathlib import Path

import pytest
from running import line, policies_in, vigil

from engine.cli.exits import ExitCode

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  resolve: {budget: {P1: 1h}}
"""
INCIDENT = {
    "id": "1",
    "title": "Incident",
    "impact": "major",
    "updates": [
        {"at": "2026-03-02T09:00:00Z", "status": "Investigating", "message": "…"},
        {"at": "2026-03-02T10:30:00Z", "status": "Resolved", "message": "…"},
    ],
}


@pytest.fixture
def policies(tmp_path: Path) -> str:
    return policies_in(tmp_path, POLICY)


@pytest.fixture
def events(tmp_path: Path) -> str:
    """An imported file of events."""
    done = vigil(
        "import", "github-status", "-", "-o", str(tmp_path / "events.jsonl"), stdin=json.dumps(INCIDENT)
    )
    assert done.returncode == ExitCode.DONE, done.stderr
    assert done.stderr == "4 events of 1 subject\n0 lines left out, 0 lines taken with a note\n"
    return str(tmp_path / "events.jsonl")


def test_of_an_empty_file_it_is_told_that_there_are_no_events(policies: str) -> None:
    done = vigil("replay", "-", "-p", policies)
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "events: 0\n")


def test_a_file_that_cannot_be_written_is_told_by_its_own_name(policies: str, tmp_path: Path) -> None:
    for out in (tmp_path / "none" / "out.jsonl", Path(policies) / "test.yaml" / "out.jsonl"):
        done = vigil("replay", "-", "-p", policies, "-o", str(out))
        assert (done.returncode, done.stderr.startswith(f"vigil: {out}: No")) == (ExitCode.USAGE, True)


def test_an_import_pipes_into_a_replay_and_stdout_is_nothing_but_data(policies: str) -> None:
    imported = vigil("import", "github-status", "-", stdin=json.dumps(INCIDENT))
    done = vigil("replay", "-", "--policies", policies, stdin=imported.stdout)
    assert done.returncode == ExitCode.DONE, done.stderr
    kinds = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert kinds == ["sla.breached.v1", "sla.stopped_late.v1"]
    assert "resolve" in done.stderr


def test_outcomes_go_to_a_file_and_the_same_command_writes_the_same_bytes(
    events: str, policies: str, tmp_path: Path
) -> None:
    files = [tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"]
    for file in files:
        assert vigil("replay", events, "-p", policies, "-o", str(file)).returncode == ExitCode.DONE
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(gzip.decompress(files[0].read_bytes()).splitlines()) == 2


def test_the_summary_is_json_for_programs(events: str, policies: str, tmp_path: Path) -> None:
    done = vigil("replay", events, "-p", policies, "--json", "-o", str(tmp_path / "o.jsonl"))
    said = json.loads(done.stdout)
    assert (said["events"], said["escalations"], said["outcomes"]) == (4, 1, 2)
    assert said["verdicts"] == [{"metric": "resolve", "severity": "P1", "breached": 1, "stopped_late": 1}]


def test_lines_that_cannot_be_read_end_with_1_unless_lenient(
    events: str, policies: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("no event\n" + Path(events).read_text())
    strict = vigil("replay", str(broken), "-p", policies)
    assert strict.returncode == ExitCode.FOUND
    assert f"{broken}:1: unparsable" in strict.stderr
    lenient = vigil("replay", str(broken), "-p", policies, "--lenient")
    assert lenient.returncode == ExitCode.DONE
    assert lenient.stdout == strict.stdout
    assert len(strict.stdout.splitlines()) == 2


def test_until_without_an_offset_is_a_usage_error(events: str, policies: str) -> None:
    done = vigil("replay", events, "-p", policies, "--until", "2026-03-02T10:00:00")
    assert done.returncode == ExitCode.USAGE
    assert "has no zone" in done.stderr


def test_a_folder_without_policies_is_refused(events: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = vigil("replay", events, "-p", str(tmp_path / "empty"))
    assert done.returncode == ExitCode.REFUSED
    assert "empty" in done.stderr


def test_an_import_leaves_out_what_it_cannot_understand_and_strict_ends_with_1(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text("nonsense\n" + json.dumps(INCIDENT) + "\n")
    notes = tmp_path / "notes.jsonl"
    lenient = vigil("import", "github-status", str(log), "--problems", str(notes))
    strict = vigil("import", "github-status", str(log), "--strict")
    assert (lenient.returncode, strict.returncode) == (ExitCode.DONE, ExitCode.FOUND)
    assert lenient.stdout == strict.stdout != ""
    assert "line 1: expected a JSON object" in lenient.stderr
    assert json.loads(notes.read_text())["line"] == 1


def test_a_log_of_another_format_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("a,b\n1,2\n")
    done = vigil("import", "uci-servicenow", str(log))
    assert done.returncode == ExitCode.USAGE
    assert "lacks the columns" in done.stderr


def test_an_unknown_field_is_counted_by_the_name_that_it_has(policies: str) -> None:
    """It is looked for in what the producer sends."""
    event = line("desk:1", "opened", "02T09:00", title="Down", data_loss=True, severity="P1")
    assert "unknown field data_loss: 1\n" in vigil("replay", "-", "-p", policies, stdin=event).stderr
