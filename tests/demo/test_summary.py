"""What the demo says at its end."""

import sys
from pathlib import Path

import pytest

from engine.demo.summary import Summary, lines

SUMMARY = Summary(
    events=215,
    escalations=33,
    counts={
        ("met", "resolve"): 100,
        ("met", "commitment"): 2,
        ("breached", "resolve"): 1,
        ("breached", "contact"): 1,
        ("cadence_missed", "customer_update"): 5,
        ("commitment_missed", "commitment"): 1,
        ("breach_risk", "resolve"): 50,
        ("retracted", "resolve"): 2,
        ("something_new", "resolve"): 3,
    },
    seconds=91.2,
    first_after=12.4,
    dead_letters=[],
    transactions=True,
)


def told(summary: Summary) -> list[str]:
    return [line.plain for line in lines(summary)]


def test_it_counts_by_what_was_said_the_serious_first() -> None:
    text = told(SUMMARY)
    assert text[0] == (
        " Vigil said 165 things about 33 escalations (215 events) in 91 s; the first 12 s after the start."
    )
    assert text[1] == "   ! 2 breached   5 updates missed   1 promise missed"
    assert text[2] == "   ^ 50 at risk"
    assert text[3] == "   + 100 met   2 promises kept"
    assert text[4] == "   - 2 retracted   3 something new"


def test_it_says_what_could_not_be_taken_and_what_the_broker_cannot_do() -> None:
    text = "\n".join(told(SUMMARY._replace(dead_letters=["bad_field $.severity"], transactions=False)))
    assert "1 event could not be taken: bad_field $.severity" in text
    assert "no transactions" in text


def test_it_says_where_the_command_is_if_the_shell_would_not_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    (tmp_path / ".venv" / "bin" / "vigil").touch(mode=0o755)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    assert "   source .venv/bin/activate" in told(SUMMARY)
    monkeypatch.setenv("PATH", f"{tmp_path}/.venv/bin:/usr/bin")
    assert "activate" not in "\n".join(told(SUMMARY))


def test_it_says_how_to_go_on() -> None:
    text = "\n".join(told(SUMMARY))
    for command in ("vigil demo --data", "vigil replay", "vigil policy lint", "vigil worker"):
        assert command in text
