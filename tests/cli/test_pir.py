"""`vigil pir` writes a review from events and policies, and reads it back when it is filled in."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.running import vigil
from engine.cli.exits import ExitCode
from engine.cli.reading import read_topics
from engine.demo.broker import KafkaBroker
from engine.settings import Settings
from servers import create_topics, unique

POLICY = """
policy: test
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  resolve:     {budget: {P0: 4h}}
  rca_summary: {budget: {P0: 48h}}
"""


def event(number: int, verb: str, clock: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"e{number}", "source": "urn:test", "type": f"incident.{verb}.v1",
        "subject": "check", "time": f"2026-03-02T{clock}:00Z", "datacontenttype": "application/json",
        "data": data,
    }  # fmt: skip


AS_OF = ("--as-of", "2026-03-03T10:00:00Z")


def filled(text: str) -> str:
    """At the stage summary, with one action and a word that blames."""
    for before, after in {
        "| Stage | |": "| Stage | summary |",
        "| Published at | |": "| Published at | 2026-03-03 09:00 |",
        "## What happened\n": "## What happened\n\nIt was down; Kim should have known.\n",
        "## Root cause\n": "## Root cause\n\nA pool of 20.\n",
        "| | | | |": "| a-1 | A pool of 400 | lee | 2026-03-09 |",
    }.items():
        text = text.replace(before, after)
    return text


@pytest.fixture
def known(tmp_path: Path) -> list[str]:
    """The options that name the events and the policies."""
    events = [
        event(1, "opened", "09:00", title="Down", severity="P0"),
        event(2, "resolved", "14:00", by="kim"),
    ]
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "test.yaml").write_text(POLICY)
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(one) + "\n" for one in events))
    return ["-e", str(tmp_path / "events.jsonl"), "-p", str(tmp_path / "policies")]


def test_a_review_is_written_filled_in_and_sent_as_events(known: list[str], tmp_path: Path) -> None:
    review, events = tmp_path / "review.md", tmp_path / "more.jsonl"
    done = vigil("pir", "write", "check", *known, "-o", str(review))
    assert done.returncode == ExitCode.DONE, done.stderr
    text = review.read_text()
    assert "**Resolution late by 1 h**" in text

    unfilled = vigil("pir", "check", str(review), "--out", str(events))
    assert unfilled.returncode == ExitCode.FOUND
    assert f"{review}:13: Stage: summary or final" in unfilled.stdout
    assert "nothing is sent" in unfilled.stderr
    assert not events.exists()

    text = filled(text)
    review.write_text(text)
    dry = vigil("pir", "check", str(review), *AS_OF)
    assert dry.returncode == ExitCode.DONE
    assert "hint: “should have known”: hindsight" in dry.stdout
    assert "not sent; --send sends it" in dry.stderr
    assert "ticket.rca_published.v1" in dry.stderr
    assert vigil("pir", "check", str(review), *AS_OF, "--strict").returncode == ExitCode.FOUND

    written = vigil(
        "pir", "check", str(review), *AS_OF, "--family", "incident", "--out", str(events), "--json"
    )
    assert json.loads(written.stdout)["ready"] is True
    assert [json.loads(line)["type"] for line in events.read_text().splitlines()] == [
        "incident.rca_published.v1", "incident.action_opened.v1",
    ]  # fmt: skip
    replayed = vigil("replay", known[1], str(events), "-p", known[3], "--until", "2026-03-10T00:00:00Z")
    verdicts = {
        (one["data"]["metric"], one["data"].get("key", "")): (one["type"], one["time"])
        for one in map(json.loads, replayed.stdout.splitlines())
    }
    assert verdicts["rca_summary", ""] == ("sla.met.v1", "2026-03-03T09:00:00Z")
    assert verdicts["action", "a-1"] == ("sla.breached.v1", "2026-03-09T23:59:59Z")

    final = vigil(
        "pir", "write", "check", known[0], known[1], "-e", str(events), *known[2:], "--filled", str(review)
    )
    assert "| a-1 | A pool of 400 | lee | 2026-03-09 23:59:59 | open |" in final.stdout
    assert "It was down; Kim should have known." in final.stdout


def test_html_and_json_come_from_the_same_review(known: list[str]) -> None:
    page = vigil("pir", "write", "check", *known, "--format", "html")
    assert "<strong>Resolution late by 1 h</strong>" in page.stdout
    data = json.loads(vigil("pir", "write", "check", *known, "--format", "json").stdout)
    assert [one["result"] for one in data["verdicts"]] == ["late"]


def test_a_template_of_ones_own_comes_first(known: list[str], tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pir.md").write_text("# Ours: {{ title }}\n\n## Root cause\n")
    done = vigil("pir", "write", "check", *known, VIGIL_TEMPLATES=str(tmp_path / "own"))
    assert done.stdout.startswith("# Ours: Down\n\n## Root cause\n")
    (tmp_path / "own" / "pir.md").write_text("{{ title.__class__ }}")
    refused = vigil("pir", "write", "check", *known, VIGIL_TEMPLATES=str(tmp_path / "own"))
    assert refused.returncode == ExitCode.REFUSED
    assert "pir.md:1: reaches for" in refused.stderr
    (tmp_path / "own" / "pir.md").write_text("{{ titel }}")
    mistyped = vigil("pir", "write", "check", *known, VIGIL_TEMPLATES=str(tmp_path / "own"))
    assert "there is no titel in its data" in mistyped.stderr


def test_a_review_is_told_in_the_zone_asked_for_and_made_anew_in_that(
    known: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "review.md"
    done = vigil("pir", "write", "check", *known, "--zone", "Asia/Tokyo", "-o", str(file))
    assert (done.returncode, "| Opened | 2026-03-02 18:00 |" in file.read_text()) == (ExitCode.DONE, True)
    anew = vigil("pir", "write", "check", *known, "--filled", str(file))
    assert anew.stdout == file.read_text()
    other = vigil("pir", "write", "check", *known, "--filled", str(file), "--zone", "UTC")
    assert (other.returncode, "tells times in Asia/Tokyo, and not in UTC" in other.stderr) == (2, True)
    nowhere = vigil("pir", "write", "check", *known, "--zone", "Mars/Base")
    assert (nowhere.returncode, nowhere.stderr) == (
        2,
        "vigil: --zone Mars/Base: there is no such time zone\n",
    )


@pytest.mark.slow
def test_in_full_a_review_has_every_row_however_many(known: list[str]) -> None:
    file = Path(known[1])
    told = [event(10 + n, "updated", "10:00", title=f"{n} {'x' * 480}") for n in range(4500)]
    file.write_text(file.read_text() + "".join(json.dumps(one) + "\n" for one in told))
    done = vigil("pir", "write", "check", *known, "--full")
    assert done.returncode == ExitCode.DONE, done.stderr
    assert len(done.stdout) > 2_000_000
    assert "4499 xxx" in done.stdout


def test_a_subject_is_the_default_and_one_that_is_not_there_is_said(known: list[str]) -> None:
    done = vigil("pir", "desk:404", *known)
    assert (done.returncode, done.stdout) == (ExitCode.FOUND, "")
    assert done.stderr.startswith("vigil: there is no event of desk:404")


def test_a_file_that_is_no_review_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    done = vigil("pir", "check", str(tmp_path / "notes.md"))
    assert done.returncode == ExitCode.USAGE
    assert "this is no review that `vigil pir` made" in done.stderr


def test_a_filled_in_review_in_another_encoding_is_one_clear_line(known: list[str], tmp_path: Path) -> None:
    file = tmp_path / "review.md"
    file.write_bytes("Ergänzt".encode("latin-1"))
    for command in (("check", str(file)), ("write", "check", *known, "--filled", str(file))):
        done = vigil("pir", *command)
        assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
        assert f"{file}: not UTF-8" in done.stderr


def test_sending_twice_changes_nothing_and_the_topics_are_a_log_too(
    known: list[str], tmp_path: Path, kafka: KafkaBroker
) -> None:
    name = unique("pir")
    kinds = ("tickets", "incidents", "outcomes")
    create_topics(kafka.bootstrap, *(f"{name}.{kind}" for kind in kinds), partitions=1)
    topics = {f"VIGIL_{kind.upper()}_TOPIC": f"{name}.{kind}" for kind in kinds}
    review = tmp_path / "review.md"
    review.write_text(filled(vigil("pir", "write", "check", *known).stdout))
    for _ in range(2):
        done = vigil(
            "pir",
            "check",
            str(review),
            *AS_OF,
            "--send",
            "-b",
            kafka.bootstrap,
            "--family",
            "incident",
            **topics,
        )
        assert done.returncode == ExitCode.DONE, done.stderr
        assert "2 events acknowledged" in done.stderr
    sent = [
        (one.key, dict(one.headers))
        for one in read_topics(Settings(bootstrap_servers=kafka.bootstrap), [f"{name}.incidents"])
    ]
    assert {key for key, _ in sent} == {b"check"}
    ids = [headers["ce_id"] for _, headers in sent]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2

    assert vigil("send", known[1], "-b", kafka.bootstrap, **topics).returncode == ExitCode.DONE
    done = vigil("pir", "write", "check", *known[2:], "-b", kafka.bootstrap, **topics)
    assert "From the log of 4 events" in done.stdout, done.stderr  # each counts once
    assert "| a-1 | A pool of 400 | lee | 2026-03-09 23:59:59 | open |" in done.stdout
