"""`vigil policy` as people and programs meet it: what it prints and how it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
GOOD = """\
calendar: support
zone: Europe/Berlin
hours: {mon-fri: ["09:00-17:00"]}
---
policy: standard
effective_from: 2026-01-01T00:00:00Z
match: {tier: gold}
clocks:
  resolve: {budget: {P0: 4h, P2: 3bd @support}}
"""


def vigil(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The real command in a process of its own."""
    return subprocess.run(  # our own command
        [sys.executable, "-m", "engine.cli.main", "policy", *map(str, arguments)],
        cwd=REPOSITORY,
        env={"PATH": "", "COLUMNS": "120", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def written(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_lint_of_good_files_says_what_there_is_and_ends_with_0(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    run = vigil("lint", tmp_path)
    assert run.returncode == 0, run.stderr
    assert run.stdout == ""
    assert run.stderr == "fine: standard (calendars: support)\n"


def test_lint_prints_every_problem_with_its_place_and_ends_with_1(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("P0: 4h", "P9: 4h").replace("tier", "teir"))
    run = vigil("lint", tmp_path)
    assert run.returncode == 1
    first, second = run.stdout.splitlines()
    assert first.startswith(f"{file}:7: match.teir: expected one of ")
    assert first.endswith("found teir (did you mean tier?)")
    assert second == f"{file}:9: clocks.resolve.budget.P9: expected one of P0, P1, P2, P3; found P9"
    assert run.stderr.startswith("2 problems")


def test_lint_takes_folders_one_by_one_and_files_together(tmp_path: Path) -> None:
    calendar, policy = GOOD.split("---\n")
    files = [written(tmp_path, calendar, "calendar.yaml"), written(tmp_path, policy, "policy.yaml")]
    assert vigil("lint", *files).returncode == 0
    assert vigil("lint", files[1]).returncode == 1
    assert vigil("lint", "deploy/policies", "deploy/policies-uci", "deploy/policies-github").returncode == 0


def test_lint_for_programs_prints_json(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("3bd @support", "3bd"))
    run = vigil("lint", tmp_path, "--json")
    assert run.returncode == 1
    said = json.loads(run.stdout)
    assert said["ok"] is False
    assert said["problems"] == [
        {
            "file": str(file),
            "line": 9,
            "field": "clocks.resolve.budget.P2",
            "expected": "a calendar for business days, such as 3bd @support",
            "found": "3bd",
        }
    ]


def test_lint_of_nothing_says_so(tmp_path: Path) -> None:
    run = vigil("lint", tmp_path / "nowhere")
    assert run.returncode == 1
    assert "nothing there" in run.stdout


def test_show_says_what_a_business_day_is_worth(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    run = vigil("show", tmp_path)
    assert run.returncode == 0, run.stderr
    assert "3bd @support = 24h" in run.stdout
    assert "support   Europe/Berlin  8h   mon-fri 09:00-17:00" in run.stdout


def test_show_says_which_levels_wait_for_an_acknowledgement(tmp_path: Path) -> None:
    levels = "{at: 75%, notify: [owner], ack_within: 1h @support}, {at: 100%, notify: [lead]}"
    written(tmp_path, GOOD.replace("@support}", f"@support}}, escalate: [{levels}]"))
    run = vigil("show", tmp_path)
    assert run.returncode == 0, run.stderr
    assert (
        "75% notifies owner, the next unless acknowledged within 1h @support; 100% notifies lead"
        in " ".join(run.stdout.split())
    )


def test_show_leaves_no_section_of_a_policy_out(tmp_path: Path) -> None:
    sections = """
cadence: {customer: {every: {P0: 30m}, loosen_up_to: 2h}}
commitments: {risk: [50%, 15m before due]}
actions: {budget: {P0: 28d, P1: 3bd @support}}
war_room: {P0: {roles: [commander, comms], staffed_within: 15m, at_most: 8}}
credits:
  - {metric: resolve, severity: [P0], overrun: {at_least: 0s}, credit: 10%}
  - {metric: resolve, severity: [P0], overrun: {at_least: 1h30m}, credit: 12.5%}
"""
    written(tmp_path, GOOD.rstrip("\n") + sections)
    told = [" ".join(line.split()) for line in vigil("show", tmp_path).stdout.splitlines()]
    for note in (
        "a promise: at risk 50%, 15m before due",
        "an action item without a date: P0 28d, P1 3bd @support = 24h",
        "a war room at P0: commander, comms within 15m; at most 8 people",
        "a credit for resolve: 10% of the monthly fee at P0 from its due time on",
        "a credit for resolve: 12.5% of the monthly fee at P0 from 1h30m past its due time on",
    ):
        assert note in told
    assert any("a stated next update may lie 2h ahead" in line for line in told)


def test_show_tells_numbers_whole_and_each_value_once(tmp_path: Path) -> None:
    when = "{revenue_at_risk: {at_least: 1234567}, affected_customers: 20000, priority: [1, high]}"
    written(tmp_path, GOOD.replace("{tier: gold}", when))
    told = " ".join(vigil("show", tmp_path).stdout.split())
    assert "takes priority: 1 or high; affected_customers: 20000; revenue_at_risk: at least 1,234,567" in told


def test_show_lists_the_versions_of_the_severity_rules(tmp_path: Path) -> None:
    first = (
        "severity: [{severity: P1, when: {tier: [gold, silver], workaround: false}, because: no way out}]\n"
    )
    second = (
        "severity: [{severity: P2, when: {affected_customers: {at_least: 5, at_most: 9}}}, {severity: P3}]\n"
    )
    written(tmp_path, f"{GOOD}---\n{second}effective_from: 2027-01-01T00:00:00Z\n---\n{first}")
    shown = vigil("show", tmp_path).stdout
    told = [" ".join(line.split()) for line in shown[shown.index("severity rules") :].splitlines()]
    assert told[0] == "severity rules"
    assert "P1 tier: gold or silver; workaround: no no way out" in told
    begins = told.index("severity rules from 2027-01-01T00:00:00Z")
    assert told[begins + 2].startswith("P2 affected_customers: at least 5")
    assert "P3 anything else —" in told[begins:]
    rules = json.loads(vigil("show", tmp_path, "--json").stdout)["severity_rules"]
    assert [(one["effective_from"], len(one["rules"])) for one in rules] == [
        (None, 1),
        ("2027-01-01T00:00:00Z", 2),
    ]


def test_show_for_programs_prints_seconds_versions_and_hashes(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    shown = json.loads(vigil("show", tmp_path, "--json").stdout)
    (policy,) = shown["policies"]
    assert (policy["name"], policy["version"]) == ("standard", "2026-01-01T00:00:00Z")
    assert len(policy["hash"]) == 16
    assert policy["match"] == {"tier": ["gold"]}
    assert policy["owed"][0]["targets"]["P2"] == {
        "text": "3bd @support",
        "calendar": "support",
        "budget": "24h",
        "budget_seconds": 86400.0,
    }
    assert shown["calendars"][0]["business_day_seconds"] == 28800.0
    assert shown["tzdata"]


def test_show_of_a_policy_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    run = vigil("show", tmp_path, "--policy", "standrad")
    assert run.returncode == 2
    assert "did you mean standard?" in run.stderr


def test_show_of_files_that_are_refused_lists_the_problems_and_ends_with_78(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD.replace("4h", "4x"))
    run = vigil("show", tmp_path)
    assert run.returncode == 78
    assert f"{file}:9: clocks.resolve.budget.P0" in run.stderr
    assert "Traceback" not in run.stderr
