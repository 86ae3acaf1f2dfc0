"""What a command takes by an option or an argument, it takes by the setting of the same thing."""

from pathlib import Path

import pytest
from running import line, policies_in, vigil

from engine.cli.exits import ExitCode

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "p0-checkout"
EVENTS, POLICIES = str(EXAMPLE / "events.jsonl"), str(EXAMPLE / "policies")
INCIDENT = "incidents:INC-2217"
AT = ("--at", "2026-11-23T12:00:00Z")
OF_FILES = ("--events", EVENTS)

JUDGING = [
    ("replay", EVENTS),
    ("explain", INCIDENT, *OF_FILES),
    ("triage", INCIDENT, *OF_FILES, *AT),
    ("war-room", INCIDENT, *OF_FILES, *AT),
    ("brief", INCIDENT, *OF_FILES, *AT),
    ("status-update", INCIDENT, *OF_FILES, *AT),
    ("pir", INCIDENT, *OF_FILES),
    ("commitments", EVENTS),
    ("credits", EVENTS),
    ("risk", EVENTS),
    ("patterns", EVENTS),
    ("report", "trend", EVENTS, "--format", "json"),
    ("policy", "rebase", EVENTS, "--dry-run", "--json", *AT),
]
READING = [
    ("commitments", *AT),
    ("credits", *AT),
    ("risk", *AT, "--json"),
    ("patterns", *AT, "--json"),
    ("report", "trend", "--format", "json"),
]
"""Of the archive, where no EVENTS are named."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = f"sqlite:///{tmp_path_factory.mktemp('archive')}/archive.db"
    done = vigil("archive", "load", EVENTS, "--archive", url, VIGIL_POLICIES=POLICIES)
    assert done.returncode == ExitCode.DONE, done.stderr
    return url


@pytest.mark.parametrize("command", JUDGING, ids=lambda command: " ".join(command[:2]))
def test_the_policies_of_the_settings_are_those_of_every_command(command: tuple[str, ...]) -> None:
    by_option = vigil(*command, "-p", POLICIES)
    by_setting = vigil(*command, VIGIL_POLICIES=POLICIES)
    assert by_option.stdout, by_option.stderr
    assert (by_setting.returncode, by_setting.stdout) == (by_option.returncode, by_option.stdout)


@pytest.mark.parametrize("command", ["lint", "show"])
def test_policies_are_checked_and_shown_where_the_settings_have_them(command: str) -> None:
    by_setting = vigil("policy", command, VIGIL_POLICIES=POLICIES)
    assert (by_setting.returncode, by_setting.stdout) == (0, vigil("policy", command, POLICIES).stdout)


def test_what_is_proposed_is_held_against_the_policies_of_the_settings() -> None:
    tried = ("backtest", EVENTS, "-p", POLICIES)
    by_setting = vigil(*tried, VIGIL_POLICIES=POLICIES)
    assert (by_setting.returncode, by_setting.stdout) == (0, vigil(*tried, "-a", POLICIES).stdout)
    nothing_proposed = vigil("backtest", EVENTS, VIGIL_POLICIES=POLICIES)
    assert nothing_proposed.returncode == ExitCode.USAGE


@pytest.mark.parametrize("command", READING, ids=lambda command: " ".join(command[:2]))
@pytest.mark.parametrize("by_file", [False, True], ids=["the URL", "a file that holds it"])
def test_without_files_the_archive_of_the_settings_is_read(
    command: tuple[str, ...], by_file: bool, archive: str, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text(archive)
    named = {"VIGIL_ARCHIVE_URL_FILE": str(tmp_path / "url")} if by_file else {"VIGIL_ARCHIVE_URL": archive}
    by_option = vigil(*command, "-p", POLICIES, "--archive", archive)
    by_setting = vigil(*command, VIGIL_POLICIES=POLICIES, **named)
    assert by_option.returncode == 0, by_option.stderr
    assert (by_setting.returncode, by_setting.stdout) == (0, by_option.stdout)


def test_files_that_are_named_come_before_the_archive_of_the_settings(archive: str) -> None:
    of_files = ("commitments", EVENTS, "-p", POLICIES)
    assert vigil(*of_files, VIGIL_ARCHIVE_URL="sqlite:///not-there.db").stdout == vigil(*of_files).stdout


def test_a_setting_that_a_command_has_no_use_for_is_not_in_its_way(archive: str) -> None:
    """What an archive says was judged already."""
    for command in (("commitments", *AT), ("report", "trend", "--format", "json")):
        done = vigil(*command, "--archive", archive, VIGIL_POLICIES="not-there")
        assert (done.returncode, done.stderr) == (0, "")


def test_what_opens_an_escalation_is_the_same_for_whoever_judges(tmp_path: Path) -> None:
    """A worker with VIGIL_OPEN_ON_FIRST_EVENT has judged what others would not see."""
    policies = policies_in(tmp_path, "policy: a\neffective_from: 2020-01-01T00:00:00Z\n")
    events = tmp_path / "events.jsonl"
    events.write_text(line("desk:1", "message_received", "02T09:00", public=True))
    given = {"VIGIL_POLICIES": policies, "VIGIL_OPEN_ON_FIRST_EVENT": "true"}
    assert "1 open escalation" in vigil("risk", str(events), **given).stdout
    sheet = vigil("triage", "desk:1", "-e", str(events), "--at", "2026-03-02T10:00:00Z", **given).stdout
    assert "open. Reported Mon 2 Mar 2026" in sheet


def test_what_is_missing_is_said_with_the_setting_that_would_do() -> None:
    assert "VIGIL_POLICIES" in vigil("explain", INCIDENT, *OF_FILES).stderr
    assert "VIGIL_POLICIES" in vigil("credits", EVENTS).stderr
    for nothing in ({}, {"VIGIL_ARCHIVE_URL": ""}):
        assert "name either EVENTS or --archive" in vigil("credits", **nothing).stderr
        assert "VIGIL_ARCHIVE_URL" in vigil("credits", **nothing).stderr
    assert "it is VIGIL_ARCHIVE_URL" in vigil("credits", VIGIL_ARCHIVE_URL="sqlite:///none.db").stderr
