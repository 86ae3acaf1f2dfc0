"""`vigil commitments` and `vigil credits` as a user runs them: files, archives, fees, formats, errors."""

import csv
import io
import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace
from running import line, policies_in, vigil

from engine.archive.account import Account
from engine.archive.archive import Archive
from engine.cli.accounts import Asked, Judged
from engine.cli.credits import _gathered
from engine.cli.exits import ExitCode
from engine.contract.codec import Received, read_line
from engine.core.decide import Options
from engine.core.instants import Instant, Span, parse_instant
from engine.core.outcomes import Outcome, PolicyRef
from engine.policies import load
from engine.replay.judging import Bench

_MET = Outcome(
    name="met", id="o", seq=1, subject="desk:1", metric="resolve", cycle=1, severity="P1",
    policy=PolicyRef("test", "2020-01-01T00:00:00Z", "h"), started_at=Instant(0), due_at=Instant(1),
    effective_at=Instant(1), detected_at=Instant(1), elapsed=Span(1), elapsed_calendar=Span(1),
    target=Span(1),
)  # fmt: skip
POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
clocks:
  resolve: {budget: {P0: 1h, P1: 2h}}
commitments: {risk: ["30m before due"]}
credits:
  - {metric: resolve, severity: [P0, P1], overrun: {at_least: 0s}, credit: 10%}
  - {metric: resolve, severity: [P0], overrun: {at_least: 4h}, credit: 25%}
"""
AT = "2026-03-05T12:00:00Z"


def opened(subject: str, when: str, customer: str, severity: str = "P0") -> str:
    return line(subject, "opened", when, title="Down", severity=severity, customer={"id": customer})


LINES = [
    opened("desk:1", "02T09:00", "acme"),
    line("desk:1", "commitment_made", "02T09:05", commitment_id="c1", text="a fix", by="kim",
         due_at="2026-03-02T11:00:00Z"),
    line("desk:1", "commitment_kept", "02T10:30", commitment_id="c1"),
    line("desk:1", "resolved", "02T15:00"),
    opened("desk:2", "03T09:00", "acme", "P1"),
    line("desk:2", "commitment_made", "03T09:05", commitment_id="c1", text="an update", by="lee",
         due_at="2026-03-03T10:00:00Z"),
    line("desk:2", "resolved", "03T12:00"),
    opened("desk:3", "05T11:30", "zen"),
]  # fmt: skip


@pytest.fixture
def policies(tmp_path: Path) -> str:
    return policies_in(tmp_path, POLICY)


@pytest.fixture
def events(tmp_path: Path) -> str:
    (tmp_path / "events.jsonl").write_text("\n".join(LINES))
    return str(tmp_path / "events.jsonl")


@pytest.fixture
def archive(tmp_path: Path, policies: str) -> str:
    """What an archive holds once it has read the topics: the same events, and what was said of them."""
    url = f"sqlite:///{tmp_path / 'vigil.db'}"
    bench = Bench(load(Path(policies)), Options(), lambda *_: None)
    by_subject: dict[str, list[Received]] = {}
    for text in LINES:
        read = read_line(text.encode())
        assert isinstance(read, Received)
        by_subject.setdefault(read.subject, []).append(read)
    said = [
        one
        for subject, read in by_subject.items()
        for one in bench.judge(subject, [each.fact for each in read], parse_instant(AT))
    ]
    with Archive.open(url) as made:
        made.write([each for read in by_subject.values() for each in read], said)
    return url


def shown(*arguments: str) -> Any:
    done = vigil(*arguments, "--format", "json")
    assert done.returncode == ExitCode.DONE, done.stderr
    return json.loads(done.stdout)


def test_promises_of_files_are_listed_with_their_proofs(events: str, policies: str) -> None:
    one, two = shown("commitments", events, "-p", policies)
    assert [(row["by"], row["state"], row["open"]) for row in (one, two)] == [
        ("kim", "kept", False), ("lee", "missed", True),
    ]  # fmt: skip
    assert [verdict["outcome"] for verdict in two["verdicts"]] == ["commitment_missed"]
    assert two["verdicts"][0]["hash"] == two["proof"] != ""
    assert [row["id"] for row in shown("commitments", events, "-p", policies, "--open")] == ["c1"]


def test_promises_are_summed_by_customer_and_by_person(events: str, policies: str) -> None:
    (acme,) = shown("commitments", events, "-p", policies, "--by", "customer")
    assert (acme["customer"], acme["made"], acme["kept_rate"]) == ("acme", 2, 0.5)
    people = shown("commitments", events, "-p", policies, "--by", "person")
    assert [(row["person"], row["kept_rate"]) for row in people] == [("kim", 1), ("lee", 0)]


def test_credits_are_owed_by_customer_and_month_and_open_clocks_say_what_they_would_add(
    events: str, policies: str, tmp_path: Path
) -> None:
    (tmp_path / "fees.yaml").write_text("acme: {fee: 1000, currency: EUR}")
    done = vigil(
        "credits", events, "-p", policies, "--at", AT, "--fees", str(tmp_path / "fees.yaml"), "-f", "json"
    )
    assert "no fee of zen" in done.stderr
    acme, zen = json.loads(done.stdout)
    assert (acme["month"], acme["customer"], acme["percent"], acme["amount"]) == (
        "2026-03",
        "acme",
        "35",
        "350.00",
    )
    assert [one["overrun_seconds"] for one in acme["breaches"]] == [5 * 3600, 3600]
    assert all(verdict["hash"] for one in acme["breaches"] for verdict in one["verdicts"])
    assert (zen["percent"], zen["percent_next"], zen["percent_most"], zen["amount"]) == (
        "0",
        "10",
        "25",
        None,
    )
    assert [step["at"] for step in zen["open"][0]["ahead"]] == [
        "2026-03-05T12:30:00Z",
        "2026-03-05T16:30:00Z",
    ]


def test_a_breach_that_was_cancelled_by_mistake_is_owed_again(policies: str, tmp_path: Path) -> None:
    told = [opened("desk:1", "02T09:00", "acme"), line("desk:1", "cancelled", "02T10:30", reason="spam")]
    back, file = line("desk:1", "reopened", "02T11:00"), tmp_path / "cancelled.jsonl"
    found = []
    for lines in (told, [*told, back]):
        file.write_text("\n".join(lines))
        (acme,) = shown("credits", str(file), "-p", policies, "--at", "2026-03-02T11:30:00Z")
        found.append((acme["percent"], acme["percent_next"], [one["ended"] for one in acme["breaches"]]))
    assert found == [("0", "0", ["cancelled"]), ("10", "25", [""])]


def test_a_month_and_a_table(events: str, policies: str) -> None:
    assert shown("credits", events, "-p", policies, "--month", "2026-02") == []
    done = vigil("credits", events, "-p", policies)
    assert "acme" in done.stdout
    assert "amount" not in done.stdout


def test_csv_has_a_line_a_customer_and_month(events: str, policies: str) -> None:
    done = vigil("credits", events, "-p", policies, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["customer"], row["breaches"], row["percent"]) for row in rows] == [
        ("acme", "2", "35"), ("zen", "0", "0"),
    ]  # fmt: skip


def test_credits_hold_no_escalation_that_costs_nothing() -> None:
    """Else a year of archive would be in memory at once."""

    def peak(escalations: int) -> int:
        def read() -> Iterator[Judged]:
            for number in range(escalations):
                said = [replace(_MET, id=f"{number}-{which}", seq=which, cycle=which) for which in range(300)]
                yield Judged(Account(f"desk:{number}", [], said), None)

        tracemalloc.start()
        try:
            assert _gathered(cast(Asked, SimpleNamespace(book=None, read=read))) == ([], [])
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2)
    assert peak(40) < 2 * peak(4)


@pytest.mark.parametrize("command", ["commitments", "credits"])
def test_an_archive_gives_the_same_as_its_events(
    command: str, events: str, policies: str, archive: str
) -> None:
    of_events = shown(command, events, "-p", policies, "--at", AT)
    assert shown(command, "--archive", archive, "-p", policies, "--at", AT) == of_events
    earlier = "2026-03-02T10:15:00Z"
    assert shown(command, "--archive", archive, "-p", policies, "--at", earlier) == shown(
        command, events, "-p", policies, "--at", earlier
    )


@pytest.mark.parametrize(
    ("at", "owed"),
    [
        ("2026-03-02T10:30:00Z", [("", 2, "20", "50"), ("acme", 1, "10", "25")]),
        ("2026-03-02T12:00:00Z", [("", 1, "10", "25"), ("acme", 1, "10", "25"), ("zen", 1, "10", "25")]),
        (AT, [("", 1, "25", "25"), ("acme", 1, "25", "25"), ("zen", 1, "25", "25")]),
    ],
)
def test_one_breach_is_owed_to_one_customer_whenever_it_was_named(
    policies: str, tmp_path: Path, at: str, owed: list[tuple[str, int, str, str]]
) -> None:
    nobodys = line("desk:1", "opened", "02T09:00", title="Down", severity="P0")
    named = [line(subject, "updated", "02T11:00", customer={"id": "zen"}) for subject in ("desk:1", "desk:2")]
    lines = [nobodys, opened("desk:2", "02T09:00", "acme"), nobodys.replace("desk:1", "desk:3"), *named]
    events, archive = tmp_path / "events.jsonl", f"sqlite:///{tmp_path}/vigil.db"
    events.write_text("\n".join(lines))
    vigil("archive", "load", str(events), "-p", policies, "--archive", archive, "--until", AT)
    for where in ([str(events)], ["--archive", archive]):
        rows = shown("credits", *where, "-p", policies, "--at", at)
        assert [
            (row["customer"], len(row["breaches"]), row["percent"], row["percent_next"]) for row in rows
        ] == owed


def test_without_policies_an_archive_says_what_is_owed_and_nothing_of_open_clocks(archive: str) -> None:
    (acme,) = shown("credits", "--archive", archive)
    assert (acme["customer"], acme["percent"], acme["open"]) == ("acme", "35", [])


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["credits"], "name either EVENTS or --archive", ExitCode.USAGE),
        (["credits", "events.jsonl"], "judged by --policies", ExitCode.USAGE),
        (["credits", "--archive", "nonsense"], "--archive nonsense", ExitCode.USAGE),
        (["credits", "--archive", "sqlite://"], "holds no archive", ExitCode.REFUSED),
        (["credits", "--archive", "postgresql://127.0.0.1:1/vigil"], "cannot be read", ExitCode.UNREACHABLE),
        (["credits", "--archive", "sqlite://", "--month", "March"], "no month", ExitCode.USAGE),
        (["credits", "--archive", "sqlite://", "--zone", "Nowhere"], "no such time zone", ExitCode.USAGE),
        (["credits", "--archive", "sqlite://", "--fees", "none.yaml"], "none.yaml", ExitCode.USAGE),
        (["commitments", "--archive", "sqlite://", "--at", "today"], "--at today", ExitCode.USAGE),
    ],
)
def test_a_wrong_question_ends_with_one_line(arguments: list[str], message: str, code: ExitCode) -> None:
    done = vigil(*arguments)
    assert (done.returncode, done.stderr.count("Traceback")) == (code, 0)
    assert message in done.stderr


def test_an_archive_of_an_earlier_schema_is_refused_and_says_what_to_do(archive: str) -> None:
    with sqlite3.connect(archive.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    done = vigil("credits", "--archive", archive)
    assert done.returncode == ExitCode.REFUSED
    assert "has schema 0001" in done.stderr
    assert "vigil archive upgrade" in done.stderr


def test_a_wrong_file_of_fees_is_refused_with_its_line(archive: str, tmp_path: Path) -> None:
    (tmp_path / "fees.yaml").write_text("acme: {fee: much, currency: EUR}")
    done = vigil("credits", "--archive", archive, "--fees", str(tmp_path / "fees.yaml"))
    assert done.returncode == ExitCode.REFUSED
    assert "fees.yaml:1: expected a fee" in done.stderr


def test_a_line_that_is_no_event_ends_with_1(policies: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(f"{LINES[0]}\nnonsense\n")
    assert vigil("commitments", str(tmp_path / "bad.jsonl"), "-p", policies).returncode == ExitCode.FOUND


def test_what_people_named_is_no_formula_in_a_spreadsheet(policies: str, tmp_path: Path) -> None:
    name, text = '=HYPERLINK("http://evil","x")', "@SUM(A1)"
    told = [opened("desk:1", "02T09:00", name), line(
        "desk:1", "commitment_made", "02T09:05", commitment_id="-1", text=text, by="kim",
        due_at="2026-03-02T11:00:00Z",
    ), line("desk:1", "resolved", "02T15:00")]  # fmt: skip
    file = tmp_path / "evil.jsonl"
    file.write_text("\n".join(told))
    for command in ("commitments", "credits"):
        done = vigil(command, str(file), "-p", policies, "--format", "csv")
        (row,) = csv.DictReader(io.StringIO(done.stdout))
        assert row["customer"] == f"'{name}"
        assert shown(command, str(file), "-p", policies)[0]["customer"] == name
    (row,) = csv.DictReader(
        io.StringIO(vigil("commitments", str(file), "-p", policies, "--format", "csv").stdout)
    )
    assert (row["text"], row["id"], row["by"]) == (f"'{text}", "'-1", "kim")
