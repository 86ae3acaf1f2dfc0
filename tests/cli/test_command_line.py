"""The command `vigil` as a whole: its help, its list of commands, and how it fails."""

import importlib
import itertools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from running import vigil_process as vigil

from engine.cli import exits
from engine.cli.commands import COMMANDS, load
from engine.cli.exits import ExitCode, Failure, known_failure

pytestmark = pytest.mark.slow


def test_help_lists_every_command_with_its_line() -> None:
    shown = vigil("--help").stdout
    for name, entry in COMMANDS.items():
        assert f" {name} " in shown
        assert entry.help in shown


def test_help_is_quick_for_it_imports_nothing_that_takes_long() -> None:
    code = "import sys; sys.argv = ['vigil', '--help']\n" + (
        "from engine.cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
        "print('heavy', [n for n in sys.modules if n.split('.')[0] in "
        "('aiokafka', 'faust', 'kafka', 'pydantic', 'structlog', 'msgspec', 'orjson')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "heavy []"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_the_first_line_of_its_help(name: str) -> None:
    assert (load(name).help or "").strip().splitlines()[0] == COMMANDS[name].help


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_subcommand_explains_itself_with_examples(name: str) -> None:
    command = load(name)
    inner = getattr(command, "commands", {})
    for path, one in {(name,): command, **{(name, sub): one for sub, one in inner.items()}}.items():
        done = vigil(*path, "--help")
        assert done.returncode == 0, done.stderr
        assert "Usage: vigil " + " ".join(path) in done.stdout
        if not hasattr(one, "commands"):
            assert f"vigil {' '.join(path)}" in done.stdout.split("Example", 1)[1]
            assert [option.name for option in one.params if not option.help] == []


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_help_is_as_wide_as_the_terminal_and_names_each_argument_once(columns: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", "send", "--help"],
        capture_output=True, text=True, check=True, timeout=60, env=os.environ | {"COLUMNS": columns},
    )  # fmt: skip
    assert "Usage: vigil send [OPTIONS] [FILE]..." in " ".join(done.stdout.split())
    prose = done.stdout.partition("Lines are")[2].partition("\n \n")[0].split("Examples")[0].splitlines()
    ends = [line.split() for line in prose if line.strip()]
    for line, after in itertools.pairwise(ends[1:]):  # the first lacks what was cut off
        assert len(" ".join([*line, after[0]])) > int(columns) - 2, f"{line} could hold {after[0]}"


def test_no_command_at_all_shows_the_help() -> None:
    assert "Usage: vigil" in vigil().stdout


def test_the_version_is_shown() -> None:
    assert vigil("--version").stdout.startswith("vigil ")


def test_a_mistyped_command_is_a_usage_error_that_suggests_the_right_one() -> None:
    done = vigil("polcy")
    assert done.returncode == ExitCode.USAGE
    assert "'policy'" in done.stderr


@pytest.mark.parametrize("command", ["explain", "triage", "pir write"])
def test_a_file_of_events_beside_a_subject_is_told_of_its_option(command: str) -> None:
    done = vigil(*command.split(), "desk:1", "events.jsonl", "-p", "policies")
    assert (done.returncode, done.stdout) == (ExitCode.USAGE, "")
    assert done.stderr == (
        f"vigil: 'events.jsonl': vigil {command} takes one SUBJECT\n"
        "  a file of its events is named by --events FILE\n"
    )


def test_a_file_that_is_not_there_is_one_clear_line() -> None:
    done = vigil("import", "github-status", "/nowhere/log.jsonl")
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "vigil: /nowhere/log.jsonl: No such file or directory\n"


def test_a_broken_policy_is_refused_with_its_place_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("policy: p\neffective_from: yesterday\n")
    done = vigil("replay", "-", "--policies", str(tmp_path))
    assert done.returncode == ExitCode.REFUSED
    assert "wrong.yaml:2" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_what_cannot_be_written_for_a_full_disk_is_one_line() -> None:
    line = "vigil: what is said cannot be written: No space left on device\n"
    shown = (sys.executable, "-m", "engine.cli.main", "policy", "show", "deploy/policies")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(shown, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (ExitCode.USAGE, line)
    story = "docs/examples/p0-checkout"
    done = vigil("replay", f"{story}/events.jsonl", "-p", f"{story}/policies", "-o", "/dev/full")
    line = "vigil: /dev/full: No space left on device\n"
    assert (done.returncode, done.stderr.splitlines(keepends=True)[-1]) == (ExitCode.USAGE, line)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_a_sign_shows_another(encoding: str) -> None:
    story = "docs/examples/p0-checkout"
    asked = ("explain", "incidents:INC-2194", "-p", f"{story}/policies", "--events", f"{story}/events.jsonl")
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", *asked, "--full"],
        env=os.environ | {"PYTHONIOENCODING": encoding}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, b"Traceback" in done.stderr) == (ExitCode.DONE, False), done.stderr
    assert b"?" in done.stdout


def test_a_bug_keeps_its_traceback() -> None:
    assert known_failure(ZeroDivisionError()) is None


def test_a_failure_is_itself() -> None:
    failure = Failure("no", ExitCode.IN_DOUBT)
    assert known_failure(failure) is failure


def test_no_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "nowhere")])
    monkeypatch.setattr(tempfile, "tempdir", None)
    with pytest.raises(FileNotFoundError) as error:
        tempfile.gettempdir()
    failure = known_failure(error.value)
    assert failure is not None
    assert (failure.code, "TMPDIR" in failure.hint) == (ExitCode.USAGE, True)


@pytest.mark.parametrize("name", exits.KNOWN)
def test_every_error_that_is_known_by_name_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    assert issubclass(getattr(importlib.import_module(module), kind), Exception)


def test_a_known_error_is_known_by_its_base_class_too() -> None:
    from aiokafka.errors import KafkaConnectionError

    class Closer(KafkaConnectionError):  # type: ignore[misc]
        pass

    failure = known_failure(Closer("away"))
    assert failure is not None
    assert failure.code is ExitCode.UNREACHABLE


def _ended(tmp_path: Path, command: str) -> tuple[int, str]:
    """A shell's line, $vigil in it the command; its exit code, and what stands on stderr."""
    (tmp_path / "p.yaml").write_text(POLICY)
    line = f'vigil="{sys.executable} -m engine.cli.main"; set -o pipefail; {command}'
    done = subprocess.run(
        ["bash", "-c", line, "bash", str(tmp_path)], capture_output=True, text=True, check=False, timeout=90
    )
    return done.returncode, done.stderr


POLICY = "policy: p\neffective_from: 2026-01-01T00:00:00Z\nclocks: {resolve: {budget: {P1: 8h}}}\n"


@pytest.mark.parametrize(
    "command",
    [
        "$vigil policy show $1 | true",  # by Rich
        "$vigil topics create --help | true",  # by Typer, its own
        "$vigil topics acls | true",  # by Typer, many lines
        "$vigil commitments /dev/null -p $1 --format csv | true",  # nothing before the end
    ],
)
def test_where_nobody_reads_the_output_any_more_it_ends_quietly(tmp_path: Path, command: str) -> None:
    assert _ended(tmp_path, command) == (ExitCode.NOT_READ, "")


def test_an_output_that_is_closed_from_the_start_is_not_written_to(tmp_path: Path) -> None:
    assert _ended(tmp_path, "$vigil commitments /dev/null -p $1 --format csv >&-") == (0, "")
