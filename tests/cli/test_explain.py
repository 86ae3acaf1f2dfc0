"""`vigil explain` as a user runs it, on files; the end-to-end test runs it on a real Kafka."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from running import vigil

from engine.cli.exits import ExitCode
from engine.cli.one_escalation import of_files
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import parse_instant
from engine.core.outcomes import Outcome
from engine.core.policy import Book

POLICY = """
calendar: office
zone: Europe/Berlin
hours:
  mon-fri: ["09:00-12:30", "13:30-18:00"]
---
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  resolve: {budget: {P2: 8h @office}, pause: [pending_customer]}
  first_response: {budget: {P2: 4h @office}}
"""


def event(number: int, at: str, verb: str, **data: Any) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "urn:test",
            "type": f"ticket.{verb}.v1",
            "subject": "desk:1",
            "time": f"2026-11-{at}:00Z",
            "data": data,
        }
    )


EVENTS = [
    event(1, "02T08:10", "opened", title="Mail is slow", severity="P2", team="blue"),
    event(2, "02T10:00", "message_sent", public=True),
    event(3, "02T10:30", "assigned", owner="Ines"),
    event(4, "02T13:00", "paused", reason="pending_customer"),
    event(5, "03T09:00", "resumed", reason="pending_customer"),
    event(6, "03T16:00", "resolved"),
]


class Files:
    def __init__(self, folder: Path, events: Sequence[str] = EVENTS) -> None:
        self.policies = folder / "policies"
        self.policies.mkdir()
        (self.policies / "test.yaml").write_text(POLICY)
        self.events = folder / "events.jsonl"
        self.events.write_text("\n".join(events) + "\n")
        self.said = folder / "said.jsonl"
        done = vigil("replay", str(self.events), "-p", str(self.policies), "-o", str(self.said))
        assert done.returncode == 0, done.stderr

    def explain(self, *options: str, said: bool = True, width: int | None = 110) -> Any:
        outcomes = ("--outcomes", str(self.said)) if said else ()
        arguments = ("desk:1", "-p", str(self.policies), "--events", str(self.events), *outcomes)
        columns = {} if width is None else {"COLUMNS": str(width)}
        return vigil("explain", *arguments, *options, **columns)

    def checks(self) -> dict[str, str]:
        found = json.loads(self.explain("--json").stdout)
        return {f"{one['verdict']['data']['metric']} {one['verdict']['type']}": one["check"]
                for one in found["verdicts"]}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_every_verdict_is_recomputed_and_equal(files: Files) -> None:
    done = files.explain()
    assert done.returncode == ExitCode.DONE, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["P2", "Mail", "is", "slow", "desk:1"]
    assert lines[3].split() == ["Effective", "Verdict", "What", "was", "owed", "Sev", "How", "Check"]
    assert "+ met       First answer to customer  P2   2 h 10 min early      equal" in lines[4]
    assert "! breached" in lines[5]
    assert "Tue 3 Nov 15:10:00 CET" in lines[5], "in the hours of the office"
    assert lines[-1] == "3 verdicts recomputed from 6 events up to 2026-11-03T16:00:00Z: 3 equal, 0 not."


def test_the_way_to_a_verdict_shows_what_ran_what_was_closed_and_what_was_paused(files: Files) -> None:
    done = files.explain("--metric", "resolve")
    breached = done.stdout.split("! late")[0]
    rows = [line.split() for line in breached.splitlines() if " Nov " in line and "effective" not in line]
    shown = [(row[6 + 2], row[-2], row[-1]) for row in rows]
    assert shown == [
        ("running", "2:20:00", "2:20:00"),
        ("running", "1:00:00", "3:20:00"),
        ("closed", "0:00:00", "3:20:00"),
        ("running", "0:30:00", "3:50:00"),
        ("paused", "0:00:00", "3:50:00"),
        ("running", "2:30:00", "6:20:00"),
        ("closed", "0:00:00", "6:20:00"),
        ("running", "1:40:00", "8:00:00"),
    ]
    assert "with blue: 2 h 20 min (29 % of the budget)" in done.stdout
    assert "with blue Ines: 5 h 40 min (71 % of the budget)" in done.stdout
    assert "paused, pending customer: 20 h" in done.stdout
    assert "recomputed now, equal" in done.stdout


@pytest.mark.parametrize("width", [None, 80, 40])
@pytest.mark.parametrize("options", [(), ("--full",)])
def test_nothing_is_cut_off_in_a_pipe_or_in_a_narrow_terminal(
    files: Files, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], width: int | None
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    narrow = files.explain(*options, width=width).stdout
    assert "…" not in narrow
    assert sorted(narrow.split()) == sorted(files.explain(*options, width=200).stdout.split())


def test_what_was_unknown_for_a_time_is_no_verdict_that_has_to_follow(files: Files) -> None:
    """As a worker that is behind its source says it on the topic."""
    lines = files.said.read_text().splitlines()
    note = json.loads(next(line for line in lines if '"sla.breached.v1"' in line))
    note |= {"id": "note", "type": "sla.source_behind.v1"}
    note["data"] = {name: value for name, value in note["data"].items() if name != "proof"} | {"seq": 99}
    files.said.write_text("\n".join([*lines, json.dumps(note)]) + "\n")
    assert set(files.checks().values()) == {"equal"}


def test_a_verdict_that_was_changed_is_recognised(files: Files) -> None:
    text = files.said.read_text()
    assert '"elapsed_seconds":28800.0' in text
    files.said.write_text(text.replace('"elapsed_seconds":28800.0', '"elapsed_seconds":28700.0', 1))
    done = files.explain("--metric", "resolve")
    assert done.returncode == ExitCode.FOUND
    assert "its hash is not that of what it says: it was changed" in done.stdout
    assert files.checks()["resolve sla.breached.v1"] == "tampered"


def test_a_verdict_that_was_never_said_and_one_that_does_not_follow_are_found(files: Files) -> None:
    lines = files.said.read_text().splitlines()
    kept = [line for line in lines if '"sla.breached.v1"' not in line]
    files.said.write_text("\n".join(kept) + "\n")
    assert files.checks()["resolve sla.breached.v1"] == "not_said"
    files.said.write_text("\n".join(lines) + "\n")
    files.events.write_text("\n".join(EVENTS[:-1]) + "\n")
    done = files.explain()
    assert done.returncode == ExitCode.FOUND
    assert files.checks()["resolve sla.stopped_late.v1"] == "not_derived"


def test_by_another_policy_the_fields_that_differ_are_named(files: Files) -> None:
    (files.policies / "test.yaml").write_text(POLICY.replace("P2: 8h", "P2: 9h"))
    done = files.explain("--metric", "resolve")
    assert done.returncode == ExitCode.FOUND
    assert "! recomputed now, and it differs" in done.stdout
    assert "target: said 8:00:00, follows 9:00:00" in done.stdout


def with_holiday(day: str) -> str:
    return POLICY.replace('18:00"]', f'18:00"]\nholidays: {{dates: {{{day}: closed}}}}')


def test_next_years_holidays_do_not_make_the_verdicts_of_this_year_differ(files: Files) -> None:
    (files.policies / "test.yaml").write_text(with_holiday("2027-12-24"))
    done = files.explain("--full")
    assert set(files.checks().values()) == {"same"}
    assert done.returncode == ExitCode.DONE
    assert done.stdout.splitlines()[-1].endswith("3 equal, 0 not.")
    assert "+ recomputed now, the same by other versions of its calendar" in done.stdout


def test_a_holiday_that_changes_a_verdict_is_found(files: Files) -> None:
    (files.policies / "test.yaml").write_text(with_holiday("2026-11-03"))
    assert files.explain().returncode == ExitCode.FOUND
    checks = files.checks()
    assert checks["first_response sla.met.v1"] == "same", "it was over by then"
    assert checks["resolve sla.breached.v1"] == "not_derived"


@pytest.mark.parametrize("left", ["2019-01-01", "2027-01-01"])
def test_by_a_version_that_is_no_more_among_the_policies_nothing_is_called_wrong(
    files: Files, left: str
) -> None:
    """An old version that was deleted: nothing follows without it, or what another version owes."""
    other = POLICY.replace("2020-01-01", left).replace("P2: 8h", "P2: 1h")
    (files.policies / "test.yaml").write_text(other + "  contact: {budget: {P2: 1h}}\n")
    done = files.explain("--metric", "resolve")
    assert done.returncode == ExitCode.FOUND
    assert "not recomputed: said by a version of its policy that is not among the policies" in done.stdout
    assert files.checks() == dict.fromkeys(
        ("first_response sla.met.v1", "resolve sla.breached.v1", "resolve sla.stopped_late.v1"), "no_version"
    )
    text = files.said.read_text()
    files.said.write_text(text.replace('"elapsed_seconds":28800.0', '"elapsed_seconds":28700.0', 1))
    assert files.checks()["resolve sla.breached.v1"] == "tampered"


def test_a_verdict_that_an_update_of_a_linked_incident_gave_is_recomputed_too(tmp_path: Path) -> None:
    events = [
        *EVENTS[:1],
        event(7, "02T08:00", "opened", title="Mail is down", severity="P2").replace("desk:1", "incident:1"),
        event(8, "02T08:20", "linked", to="desk:1").replace('"subject": "desk:1"', '"subject": "incident:1"'),
        event(9, "02T09:00", "update_published", audience="customer").replace("desk:1", "incident:1"),
    ]
    files = Files(tmp_path, events)
    assert files.checks() == {"first_response sla.met.v1": "equal"}


def test_without_outcomes_nothing_is_checked_and_it_says_so(files: Files) -> None:
    done = files.explain(said=False)
    assert done.returncode == ExitCode.DONE
    assert "3 verdicts computed from 6 events" in done.stdout
    assert "unchecked" in done.stdout


def test_what_still_runs_is_shown_with_what_is_left(files: Files) -> None:
    done = files.explain("--until", "2026-11-02T09:00:00Z")
    left = "First answer to customer: 3 h 10 min left at 2026-11-02T09:00:00Z, due 2026-11-02T13:10:00Z"
    assert left in done.stdout
    assert "No verdict yet, of 1 event up to 2026-11-02T09:00:00Z." in done.stdout


def test_times_that_are_told_to_the_second_agree_with_what_is_left(tmp_path: Path) -> None:
    opened = json.loads(EVENTS[0]) | {"time": "2026-11-02T08:10:00.250001Z"}
    done = Files(tmp_path, [json.dumps(opened)]).explain()
    assert "opened 2026-11-02T08:10:00Z" in done.stdout
    left = "First answer to customer: 4 h left at 2026-11-02T08:10:00Z, due 2026-11-02T13:10:00Z"
    assert left in done.stdout


def test_what_is_over_has_its_own_words_and_a_promise_those_it_was_made_with(tmp_path: Path) -> None:
    promised = event(
        2, "02T08:20", "commitment_made", commitment_id="c1", text="A fix", due_at="2026-11-02T08:40:00Z"
    )
    files = Files(tmp_path, [EVENTS[0], promised, event(3, "02T09:00", "message_sent", public=True)])
    policy = POLICY + "cadence: {customer: {every: {P2: 20m}}}\n"
    (files.policies / "test.yaml").write_text(policy)
    shown = " ".join(files.explain(said=False).stdout.split())
    assert "missed Customer update P2" in shown
    assert "missed Promise: A fix P2" in shown
    assert "Promise: A fix" in files.explain("--metric", "commitment", said=False).stdout


def test_what_has_left_the_state_is_told_as_it_was_by_then(files: Files) -> None:
    head = files.explain().stdout.splitlines()[:2]
    assert files.explain("--until", "2027-02-01T00:00:00Z").stdout.splitlines()[:2] == head
    later = json.loads(event(7, "03T13:00", "updated", severity="P0")) | {"time": "2027-01-20T10:00:00Z"}
    files.events.write_text("\n".join([*EVENTS, json.dumps(later)]) + "\n")
    assert files.explain("--until", "2027-01-21T00:00:00Z").stdout.splitlines()[:2] == head
    done = files.explain("--until", "2027-03-01T00:00:00Z")
    assert done.stdout.splitlines()[:2] == head
    assert done.returncode == ExitCode.DONE


@pytest.mark.parametrize("until", ["2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z", "2027-02-01T00:00:00Z"])
def test_what_was_not_opened_is_said_to_be_so(tmp_path: Path, until: str) -> None:
    done = Files(tmp_path, EVENTS[1:]).explain("--until", until)
    assert done.stdout.splitlines()[0] == "desk:1: not opened"


def test_of_the_topics_what_is_left_is_told_as_of_now(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: object, book: Book, subject: str, options: Options) -> tuple[list[Fact], list[Outcome]]:
        return of_files([str(files.events)], book, subject, options), []

    files.events.write_text(EVENTS[0] + "\n")
    monkeypatch.setattr("engine.cli.explain.of_topics", read)
    monkeypatch.setattr("engine.cli.inputs.now", lambda: parse_instant("2026-11-02T10:40:00Z"))
    done = vigil("explain", "desk:1", "-p", str(files.policies))
    assert "First answer to customer: 1 h 30 min left at 2026-11-02T10:40:00Z, due" in done.stdout
    assert "of 1 event up to 2026-11-02T08:10:00Z" in done.stdout, "verdicts: as of the last that happened"


def test_corrections_are_told_with_the_event_that_caused_them(files: Files) -> None:
    late = json.loads(event(7, "03T13:00", "resolved")) | {"recordedtime": "2026-11-04T00:00:00Z"}
    early = [json.loads(one) | {"recordedtime": json.loads(one)["time"]} for one in EVENTS]
    files.events.write_text("".join(json.dumps(one) + "\n" for one in [*early, late]))
    arguments = ("-p", str(files.policies), "-o", str(files.said), "--as-reported")
    vigil("replay", str(files.events), *arguments)
    done = files.explain()
    assert done.returncode == ExitCode.DONE, done.stdout
    assert "retracted Resolution, breached at 2026-11-03T14:10:00Z" in done.stdout
    assert "because of event e7" in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("desk:2", "--events", "EVENTS"), ExitCode.FOUND, "there is no event of desk:2"),
        (("desk:1", "--events", "EVENTS", "--metric", "x"), ExitCode.FOUND, "it has first_response, resolve"),
        (("desk:1", "--outcomes", "EVENTS"), ExitCode.USAGE, "--outcomes goes with --events"),
        (("desk:1", "--events", "EVENTS", "-b", "x:1"), ExitCode.USAGE, "--bootstrap-servers goes without"),
        (("desk:1", "--events", "EVENTS", "--until", "noon"), ExitCode.USAGE, "--until noon"),
        (("desk:1", "--events", "EVENTS", "--outcomes", "EVENTS"), ExitCode.FOUND, "events.jsonl:1: "),
    ],
)  # fmt: skip
def test_what_cannot_be_explained_is_said_by_name(
    files: Files, options: tuple[str, ...], code: int, said: str
) -> None:
    arguments = [str(files.events) if option == "EVENTS" else option for option in options]
    done = vigil("explain", *arguments, "-p", str(files.policies))
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
