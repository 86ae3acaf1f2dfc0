"""`vigil intake backfill` as it is started: into a file, killed, ended in order, refused by name."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.running import variables, vigil
from intake.counterparts import TOKEN, USER, Counterpart, Jira, Zendesk, running
from intake.tickets import jira_lives, zendesk_lives

pytestmark = pytest.mark.slow

SINCE = "2026-03-01T00:00:00Z"


class Site:
    """A counterpart that runs, and a file of doors for it."""

    def __init__(self, counterpart: Counterpart, url: str, folder: Path) -> None:
        self.counterpart, self.folder = counterpart, folder
        source = "jira" if isinstance(counterpart, Jira) else "zendesk"
        jql = ", jql: project = SUP" if source == "jira" else ""
        (folder / "token").write_text(TOKEN + "\n")
        (folder / "intake.yaml").write_text(
            f"doors:\n  acme:\n    source: {source}\n"
            f'    history: {{url: "{url}", user: {USER}, token: {{file: {folder / "token"}}}{jql}}}\n'
        )

    def arguments(self, output: str, *more: str) -> list[str]:
        doors = str(self.folder / "intake.yaml")
        out = str(self.folder / output)
        return ["intake", "backfill", "acme", "-d", doors, "-o", out, "--since", SINCE, "--json", *more]

    def start(self, output: str, *more: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "engine.cli.main", *self.arguments(output, *more)],
            env=variables({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def lines(self, output: str) -> list[dict[str, Any]]:
        """The events, less when they were recorded, which is when they were loaded."""
        found = [json.loads(line) for line in (self.folder / output).read_bytes().splitlines()]
        return [{name: value for name, value in one.items() if name != "recordedtime"} for one in found]

    def position(self, output: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{output}.state").read_bytes())
        return found


@pytest.fixture(params=[Zendesk, Jira])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    counterpart = request.param(page=2)
    zendesk_lives(counterpart, 20) if isinstance(counterpart, Zendesk) else jira_lives(counterpart, 60)
    with running(counterpart) as url:
        yield Site(counterpart, url, tmp_path)


def test_killed_at_any_moment_a_load_loses_nothing_and_doubles_nothing(site: Site) -> None:
    whole = vigil(*site.arguments("whole.jsonl"))
    assert whole.returncode == 0, whole.stderr
    summary = json.loads(whole.stdout)
    assert (summary["events"], summary["refused"]) == (len(site.lines("whole.jsonl")), 0)

    site.counterpart.slow = 0.1
    dice = random.Random(5)  # noqa: S311
    kills = 0
    while kills < 4:
        worked = len(site.counterpart.asked)
        process = site.start("killed.jsonl")
        while len(site.counterpart.asked) < worked + dice.randrange(4, 8):
            assert process.poll() is None, process.communicate()
            time.sleep(0.005)
        time.sleep(dice.random() * 0.1)
        process.kill()
        process.communicate()
        kills += 1
    assert 0 < site.position("killed.jsonl")["events"] < summary["events"]
    site.counterpart.slow = 0
    assert vigil(*site.arguments("killed.jsonl")).returncode == 0
    assert site.lines("killed.jsonl") == site.lines("whole.jsonl")


def test_a_load_that_follows_says_what_happens_and_ends_in_order(site: Site) -> None:
    process = site.start("out.jsonl", "--follow", "--interval", "1")
    until = time.monotonic() + 150
    while not (site.folder / "out.jsonl.state").exists() or site.position("out.jsonl")["until"] is not None:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.1)
    before = len(site.lines("out.jsonl"))
    asked = len(site.counterpart.asked)
    site.counterpart.faults.extend(["500", "cut"])
    while len(site.counterpart.asked) < asked + 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    assert json.loads(out)["events"] == before == len(site.lines("out.jsonl"))
    assert TOKEN.encode() not in out + errors


def test_what_is_refused_is_one_line_with_a_name(site: Site) -> None:
    (site.folder / "token").write_text("a guess of mine")
    done = vigil(*site.arguments("out.jsonl"))
    assert done.returncode == 78
    assert "wrong_credentials: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "a guess of mine" not in done.stderr

    (site.folder / "token").write_text(TOKEN)
    assert vigil(*site.arguments("out.jsonl")).returncode == 0
    other = [SINCE.replace("03-01", "02-01") if one == SINCE else one for one in site.arguments("out.jsonl")]
    done = vigil(*other)
    assert (done.returncode, "state_of_another" in done.stderr) == (78, True)
    os.truncate(site.folder / "out.jsonl", 10)
    assert "is shorter than" in vigil(*site.arguments("out.jsonl")).stderr


def test_a_door_without_history_says_what_it_needs(tmp_path: Path) -> None:
    doors = tmp_path / "intake.yaml"
    doors.write_text("doors:\n  acme: {source: zendesk, secrets: [{env: ACME}]}\n")
    done = vigil("intake", "backfill", "acme", "-d", str(doors), "--since", SINCE, ACME="a-secret-of-acme")
    assert (done.returncode, "the door acme has no `history`" in done.stderr) == (78, True)


@pytest.mark.parametrize(
    ("history", "problem"),
    [
        ("{url: http://acme.zendesk.com, token: {env: T}}", "a URL that begins with https://"),
        ("{url: https://acme.zendesk.com, token: {env: NOT_SET}}", "of at least 8 characters in NOT_SET"),
        ("{url: https://acme.zendesk.com, token: {env: T}, jql: x}", "jql is of Jira"),
        ("{url: https://acme.zendesk.com}", "doors.acme.history.token"),
    ],
)
def test_mistakes_in_a_history_are_named_with_their_line(history: str, problem: str, tmp_path: Path) -> None:
    doors = tmp_path / "intake.yaml"
    doors.write_text(f"doors:\n  acme:\n    source: zendesk\n    history: {history}\n")
    done = vigil("intake", "backfill", "acme", "-d", str(doors), "--since", SINCE, T="a-token-of-acme")
    assert done.returncode == 78
    assert problem in done.stderr
    assert "intake.yaml:" in done.stderr


def test_a_source_without_history_and_an_order_of_one_s_own_are_refused(tmp_path: Path) -> None:
    cases = (("github", "", "cannot be loaded"), ("jira", "a ORDER BY b", "without ORDER BY"))
    for source, jql, problem in cases:
        doors = tmp_path / "intake.yaml"
        more = f", jql: {jql}" if jql else ""
        history = f"{{url: https://x.example.org, token: {{env: T}}{more}}}"
        doors.write_text(f"doors:\n  acme:\n    source: {source}\n    history: {history}\n")
        done = vigil("intake", "backfill", "acme", "-d", str(doors), "--since", SINCE, T="a-token-of-acme")
        assert (done.returncode, problem in done.stderr) == (78, True), done.stderr
