"""`vigil report trend` writes the report of recorded events or of an archive, in three forms."""

import csv
import io
import json
from pathlib import Path

import pytest
from running import vigil
from sqlalchemy import create_engine, text

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "p0-checkout"
EVENTS = str(EXAMPLE / "events.jsonl")
STORY = ("report", "trend", EVENTS, "-p", str(EXAMPLE / "policies"), "--zone", "Europe/Berlin")


def test_the_three_forms_have_the_same_figures(tmp_path: Path) -> None:
    told = json.loads(vigil(*STORY, "--format", "json").stdout)
    whole = told["whole"]
    assert whole["opened"]["all"] == 2
    assert whole["start"] == "2026-10-31T23:00:00Z"
    assert whole["time_to"]["resolve"]["all"]["calendar"]["cases"] == 2
    rows = {
        tuple(row[:4]): row[4] for row in csv.reader(io.StringIO(vigil(*STORY, "--format", "csv").stdout))
    }
    assert rows["whole", "opened", "severity", "all"] == "2"
    assert (
        float(rows["whole", "breached_share", "metric/severity", "all/all"])
        == (whole["clocks"]["all"]["all"]["breached_share"])
    )
    out = tmp_path / "trend.html"
    assert vigil(*STORY, "-o", str(out)).returncode == 0
    assert "<h1>November 2026</h1>" in out.read_text("utf-8")


def test_by_week_and_between_days(tmp_path: Path) -> None:
    asked = ("--by", "week", "--from", "2026-11-02", "--to", "2026-11-16", "--format", "json")
    told = json.loads(vigil(*STORY, *asked).stdout)
    assert [one["day"] for one in told["periods"]] == ["2026-11-02", "2026-11-09"]
    assert [one["opened"]["all"] for one in told["periods"]] == [0, 1]
    assert told["before"] is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("report", "trend"), "name either EVENTS or --archive"),
        (("report", "trend", EVENTS), "EVENTS are judged by --policies"),
        ((*STORY, "--archive", "sqlite:///a.db"), "name either EVENTS or --archive"),
        ((*STORY, "--from", "yesterday"), "'yesterday' is no day: expected such as 2026-10-01"),
        ((*STORY, "--zone", "Mars/Olympus"), "expected an IANA name such as Europe/Oslo"),
        ((*STORY, "--from", "2026-12", "--to", "2026-11"), "expected a beginning before the end"),
        (("report", "trend", "--archive", "sqlite:///not-there.db"), "there is no such file"),
        (("report", "trend", "--archive", "archive.db"), "--archive archive.db: no database's URL"),
    ],
)
def test_what_cannot_be_answered_is_one_line_that_says_what_was_expected(
    arguments: tuple[str, ...], expected: str
) -> None:
    ended = vigil(*arguments)
    assert ended.returncode == 2
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_without_an_archive_is_named_and_its_password_is_not(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE other (id INTEGER)"))
    engine.dispose()
    ended = vigil("report", "trend", "--archive", f"sqlite:///{file}")
    assert (ended.returncode, "holds no archive" in ended.stderr) == (78, True)
    ended = vigil("report", "trend", "--archive", "postgresql+psycopg://vigil:hunter2" + "@127.0.0.1:1/vigil")
    assert ended.returncode == 69
    assert "hunter2" not in ended.stderr


def test_a_line_that_is_no_event_is_told_and_the_report_is_written_without_it(tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_text(Path(EVENTS).read_text("utf-8") + "not an event\n", "utf-8")
    ended = vigil("report", "trend", str(events), *STORY[3:], "--format", "json")
    assert (ended.returncode, json.loads(ended.stdout)["whole"]["opened"]["all"]) == (1, 2)
    assert "events.jsonl" in ended.stderr
