"""`vigil pace learn`, `vigil pace score`, and what warns by the file: files, tables and exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from running import vigil

from engine.cli.exits import ExitCode
from engine.core.instants import MINUTE, format_instant, parse_instant

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
risk: [75%]
clocks:
  resolve: {budget: {P1: 100m}}
"""
BEGIN = parse_instant("2026-03-02T00:00:00Z")
MIDDLE = "2026-03-06T00:00:00Z"


def event(subject: str, verb: str, minute: int, **data: object) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "type": f"incident.{verb}.v1",
            "source": "test",
            "id": f"{subject}-{verb}",
            "subject": subject,
            "time": format_instant(type(BEGIN)(BEGIN + minute * MINUTE)),
            "data": data,
        }
    )


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("policies")
    (folder / "test.yaml").write_text(POLICY)
    return str(folder)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two hundred, an hour apart: by turns resolved after 20 minutes, after 60, after 110 and after 120."""
    path = tmp_path_factory.mktemp("events") / "events.jsonl"
    lines = []
    for number in range(200):
        begin, took = 60 * number, (20, 60, 110, 120)[number % 4]
        lines += [event(f"i:{number}", "opened", begin, title="Down", severity="P1")]
        lines += [event(f"i:{number}", "resolved", begin + took)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def outcomes(events: str, policies: str) -> str:
    path = str(Path(events).with_name("outcomes.jsonl"))
    assert vigil("replay", events, "-p", policies, "-o", path).returncode == ExitCode.DONE
    return path


@pytest.fixture(scope="module")
def pace(outcomes: str) -> str:
    path = str(Path(outcomes).with_name("pace.json"))
    done = vigil("pace", "learn", outcomes, "-o", path, "--until", MIDDLE)
    assert done.returncode == ExitCode.DONE, done.stderr
    return path


def test_what_is_learned_is_shown_and_written(pace: str) -> None:
    content = json.loads(Path(pace).read_text())
    (kind,) = content["kinds"]
    assert (kind["metric"], kind["severity"], kind["cases"], kind["breached"]) == ("resolve", "P1", 95, 47)
    assert [kind["open_past"][share] for share in ("0%", "15%", "20%", "55%", "60%")] == [95, 95, 71, 71, 47]
    assert (content["from"], content["until"]) == (format_instant(BEGIN), MIDDLE)


def test_the_table_shows_where_it_warns_and_stdout_is_the_file(outcomes: str, pace: str) -> None:
    done = vigil("pace", "learn", outcomes, "--until", MIDDLE)
    assert done.stdout == Path(pace).read_text()
    head, row = (line.split() for line in done.stderr.splitlines()[1:3])
    assert (head[0], head[-2:]) == ("metric", ["of", "them"])
    assert row == ["resolve", "P1", "95", "47", "0", "20", "%", "71", "66%"]
    assert "due later and not counted" not in done.stderr  # what came after --until is not known at all
    assert json.loads(done.stdout)["hash"] in done.stderr


def test_it_is_held_against_later_clocks(outcomes: str, pace: str) -> None:
    done = vigil("pace", "score", pace, outcomes, "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    said = json.loads(done.stdout)
    (kind,) = said["kinds"]
    assert said["from"] == MIDDLE
    assert (kind["cases"], kind["breached"], kind["warns_at"]) == (104, 52, 20)
    assert (kind["warned"], kind["warned_plainly"]) == (78, 52)
    assert kind["pace"] < kind["base_rate"] < kind["threshold"]
    assert kind["shares"][4] == {
        "percent": 20, "probability": pytest.approx(47 / 71), "cases": 71, "open": 78, "breached": 52,
    }  # fmt: skip
    drawn = vigil("pace", "score", pace, outcomes).stdout
    assert f"{kind['pace']:.4f}" in drawn
    assert "67%" in drawn
    assert "100%" in drawn


def test_where_the_disk_is_full_the_file_of_before_stays(outcomes: str, pace: str) -> None:
    """Workers read it when they start, and refuse half of one."""
    before = Path(pace).read_bytes()
    command = [sys.executable, "-m", "engine.cli.main", "pace", "learn", outcomes, "-o", pace]
    full = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command]
    done = subprocess.run(full, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == ExitCode.USAGE, done.stderr
    assert done.stderr == f"vigil: {pace}: File too large\n"
    assert Path(pace).read_bytes() == before
    assert not Path(f"{pace}.part").exists()


def test_nothing_later_is_said_so(outcomes: str, pace: str) -> None:
    done = vigil("pace", "score", pace, outcomes, "--from", "2027-01-01T00:00:00Z")
    assert done.returncode == ExitCode.DONE
    assert "that the file claims something of" in done.stdout


def test_a_replay_warns_by_it_and_the_rest_stays_byte_for_byte(
    events: str, policies: str, outcomes: str, pace: str
) -> None:
    with_pace, again = (vigil("replay", events, "-p", policies, "--pace", pace) for _ in range(2))
    assert with_pace.stdout == again.stdout
    said = [json.loads(line) for line in with_pace.stdout.splitlines()]
    risks = [one["data"] for one in said if one["type"] == "sla.breach_risk.v1"]
    assert {(one["threshold"], one["probability"], one["cases"]) for one in risks} == {
        ("pace", 0.662, 71),
        ("75%", 1.0, 47),
    }
    assert not any("notify" in one for one in risks)
    rest = [one for one in said if one["data"].get("threshold") != "pace"]
    for one in rest:
        for field in ("seq", "probability", "cases"):
            one["data"].pop(field, None)
    without = [json.loads(line) for line in Path(outcomes).read_text().splitlines()]
    for one in without:
        del one["data"]["seq"]
    assert rest == without


def test_at_least_and_least_cases_go_into_the_file(outcomes: str, tmp_path: Path) -> None:
    path = tmp_path / "pace.json"
    done = vigil("pace", "learn", outcomes, "-o", str(path), "--at-least", "90", "--least-cases", "1000")
    content = json.loads(path.read_text())
    assert (content["at_least_percent"], content["least_cases"]) == (90, 1000)
    assert done.stderr.splitlines()[2].split()[-3:] == ["-", "-", "-"]


def test_outcomes_without_a_clock_that_was_due_teach_nothing(outcomes: str) -> None:
    done = vigil("pace", "learn", outcomes, "--until", "2026-03-02T00:30:00Z")
    assert done.returncode == ExitCode.FOUND
    assert "none of the outcomes tells of a clock that was due by 2026-03-02T00:30:00Z" in done.stderr


def test_a_line_that_is_no_outcome_ends_with_1_unless_lenient(outcomes: str, pace: str) -> None:
    text = "no outcome\n" + Path(outcomes).read_text()
    for command in (("learn",), ("score", pace)):
        strict = vigil("pace", *command, "-", stdin=text)
        lenient = vigil("pace", *command, "-", "--lenient", stdin=text)
        assert (strict.returncode, lenient.returncode) == (ExitCode.FOUND, ExitCode.DONE)
        assert strict.stdout == lenient.stdout != ""
        assert "-:1: " in strict.stderr


def test_neither_files_nor_kafka_is_a_usage_error(pace: str) -> None:
    for command in (("learn",), ("score", pace)):
        done = vigil("pace", *command)
        assert done.returncode == ExitCode.USAGE
        assert "name either OUTCOMES or --kafka" in done.stderr


@pytest.fixture
def damaged(pace: str, tmp_path: Path) -> str:
    path = tmp_path / "damaged.json"
    path.write_text(Path(pace).read_text().replace('"cases": 95', '"cases": 96'))
    return str(path)


def test_a_damaged_file_is_refused_by_whoever_reads_it(
    damaged: str, events: str, outcomes: str, policies: str
) -> None:
    for command in (
        ("pace", "score", damaged, outcomes),
        ("replay", events, "-p", policies, "--pace", damaged),
        ("worker", "-p", policies, "--pace", damaged),
    ):
        done = vigil(*command)
        assert done.returncode == ExitCode.REFUSED, command
        assert done.stderr.startswith(f"vigil: {damaged}: hash: expected ")
        assert "Traceback" not in done.stderr


def test_a_worker_does_not_start_without_the_file_that_it_was_given(policies: str, tmp_path: Path) -> None:
    path = str(tmp_path / "gone.json")
    done = vigil("worker", "-p", policies, VIGIL_PACE=path)
    assert done.returncode == ExitCode.REFUSED
    assert done.stderr == f"vigil: VIGIL_PACE: {path}: No such file or directory\n"


def test_the_doctor_looks_at_the_file(pace: str, damaged: str, policies: str) -> None:
    given = {"VIGIL_POLICIES": policies, "VIGIL_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    fine = json.loads(vigil("doctor", "--json", "--timeout", "0.5", VIGIL_PACE=pace, **given).stdout)
    wrong = json.loads(vigil("doctor", "--json", "--timeout", "0.5", VIGIL_PACE=damaged, **given).stdout)
    none = json.loads(vigil("doctor", "--json", "--timeout", "0.5", **given).stdout)
    signs = [[f["sign"] for f in one["findings"] if f["check"] == "pace"] for one in (fine, wrong, none)]
    assert signs == [["ok"], ["fail"], []]
