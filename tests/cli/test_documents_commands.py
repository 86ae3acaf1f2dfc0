"""The commands that write documents, and the example in docs/examples that is made with them."""

import json
import sys
from pathlib import Path

import pytest
from running import line, vigil

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "p0-checkout"
STORY = ("incidents:INC-2194", "-p", str(EXAMPLE / "policies"), "-e", str(EXAMPLE / "events.jsonl"))


def test_the_documents_of_the_example_are_up_to_date() -> None:
    sys.path.insert(0, str(ROOT / "docs" / "scripts"))
    try:
        from example_documents import documents
    finally:
        sys.path.pop(0)
    outdated = [file for file, text in documents() if (EXAMPLE / file).read_text("utf-8") != text]
    assert not outdated, "run python docs/scripts/example_documents.py"


def test_json_is_the_data_that_the_template_gets() -> None:
    ended = vigil("brief", *STORY, "--at", "2026-11-12T14:45:00+01:00", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["next_update"]["due"]["at"] == "2026-11-12T13:58:00Z"


def test_a_document_is_written_to_a_file_in_the_zone_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "sheet.html"
    ended = vigil("triage", *STORY, "--at", "2026-11-12T13:10:00+01:00", "--zone", "Asia/Tokyo", "-f", "html",
                  "-o", str(out))  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "21:06 UTC+09:00 (12:06 UTC)" in out.read_text("utf-8")


def test_own_templates_start_from_those_exported_and_a_wrong_name_in_one_is_told(tmp_path: Path) -> None:
    own = tmp_path / "own"
    assert vigil("templates", "export", str(own), "brief.md").returncode == 0
    (own / "brief.md").write_text("Ours: {{ titel }}", "utf-8")
    listed = json.loads(vigil("templates", "list", "--json", VIGIL_TEMPLATES=str(own)).stdout)
    assert [one["template"] for one in listed if one["own"]] == ["brief.md"]
    written = vigil("brief", *STORY, VIGIL_TEMPLATES=str(own))
    assert written.stdout == "Ours: _not known yet_\n"
    assert "brief.md: there is no titel in its data" in written.stderr
    again = vigil("templates", "export", str(own), "brief.md")
    assert (again.returncode, (own / "brief.md").read_text("utf-8")) == (2, "Ours: {{ titel }}")


def test_a_template_that_reaches_too_far_ends_the_command_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "brief.md").write_text("\n{{ title.__class__ }}", "utf-8")
    ended = vigil("brief", *STORY, VIGIL_TEMPLATES=str(tmp_path))
    assert ended.returncode == 78
    assert "brief.md:2: reaches for str.__class__" in ended.stderr


def test_what_is_asked_wrongly_is_told_in_one_line() -> None:
    for arguments, problem in (
        ((*STORY, "--zone", "Europe/Olso"), "there is no such time zone"),
        ((*STORY, "--zone", "Europe"), "there is no such time zone"),
        ((*STORY, "--at", "2026-11-12"), "has no zone"),
        ((*STORY, "--at", "2026-01-01T00:00:00Z"), "no event of it had happened by then"),
        (("incidents:none", *STORY[1:]), "there is no event of incidents:none"),
    ):
        ended = vigil("status-update", *arguments)
        assert ended.returncode in (1, 2)
        assert problem in ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_review_of_the_example_is_filled_in_and_blames_nobody() -> None:
    ended = vigil(
        "pir", "check", str(EXAMPLE / "pir-filled.md"), "--strict", "--as-of", "2026-11-20T10:01:00Z"
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_documents_of_an_archive_are_those_of_the_events(tmp_path: Path) -> None:
    subject, archive = STORY[0], f"sqlite:///{tmp_path / 'archive.db'}"
    events, policies = STORY[STORY.index("-e") + 1], STORY[STORY.index("-p") + 1]
    loaded = vigil("archive", "load", events, "-p", policies, "--archive", archive)
    assert loaded.returncode == 0, loaded.stderr
    lines = Path(events).read_text("utf-8").splitlines()
    at = ("--at", max(json.loads(line)["time"] for line in lines))  # what is loaded is judged up to there
    for command in (("brief",), ("war-room",), ("triage",), ("status-update", "--moment", "resolved")):
        of_archive = vigil(command[0], subject, "-p", policies, "--archive", archive, *command[1:], *at)
        assert of_archive.returncode == 0, of_archive.stderr
        assert of_archive.stdout == vigil(command[0], *STORY, *command[1:], *at).stdout
    review = vigil("pir", "write", subject, "-p", policies, "--archive", archive)
    assert review.returncode == 0, review.stderr
    nowhere = vigil("brief", "desk:none", "-p", policies, "--archive", archive)
    assert (nowhere.returncode, "there is no event of desk:none" in nowhere.stderr) == (1, True)
    both = vigil("brief", *STORY, "--archive", archive)
    assert (both.returncode, "name one of" in both.stderr) == (2, True)


def test_updates_of_an_incident_are_in_the_documents_of_its_ticket_from_an_archive_too(
    tmp_path: Path,
) -> None:
    policies, archive = STORY[STORY.index("-p") + 1], f"sqlite:///{tmp_path / 'archive.db'}"
    events = tmp_path / "events.jsonl"
    events.write_text(
        "\n".join([
            line("desk:1", "opened", "02T09:00", title="Slow", severity="P2"),
            line("desk:2", "opened", "02T09:00", title="All is slow", severity="P1"),
            line("desk:2", "linked", "02T09:10", to="desk:1"),
            line("desk:2", "update_published", "02T10:00", audience="customer"),
        ])
    )  # fmt: skip
    loaded = vigil("archive", "load", str(events), "-p", policies, "--archive", archive)
    assert loaded.returncode == 0, loaded.stderr
    at = ("--at", "2026-03-02T10:00:00Z")
    for command in (("status-update", "desk:1"), ("pir", "write", "desk:1")):
        of_archive = vigil(*command, "-p", policies, "--archive", archive, *at).stdout
        assert of_archive == vigil(*command, "-p", policies, "-e", str(events), *at).stdout
        assert "there is no change to report since our update" in of_archive or "Told once" in of_archive
