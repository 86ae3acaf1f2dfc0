"""The import table of the rooms: whole, kept, and able to fail."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_IMPORT_ALL = {"bench", "cli", "demo"}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found: list[dict[str, Any]] = settings["contracts"]
    return found


def rooms() -> set[str]:
    packages = {path.parent.name for path in ROOT.glob("engine/*/__init__.py")}
    return packages | {path.stem for path in ROOT.glob("engine/*.py")} - {"__init__"}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(no_cache=True))"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_room_has_its_line() -> None:
    covered = {module.removeprefix("engine.") for c in contracts() for module in c["source_modules"]}
    assert rooms() == covered | MAY_IMPORT_ALL


def test_every_line_names_every_other_room_or_allows_it_in_its_name() -> None:
    for contract in contracts():
        (source,) = contract["source_modules"]
        forbidden = {module.removeprefix("engine.") for module in contract["forbidden_modules"]}
        room, _, allowed = contract["name"].partition(" imports ")
        may = set() if allowed == "nothing of ours" else set(allowed.split(", "))
        assert source == f"engine.{room}"
        assert forbidden | may | {room} == rooms(), f"{room}: not said whether it may import"
        assert not forbidden & may


def test_the_page_of_the_architecture_has_the_same_table() -> None:
    """A name in brackets is the part of a room that is wanted; the standard library is no room of ours."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    told = {}
    for room, may in re.findall(r"^\| `engine/(\w+)(?:/|\.py)` \| .* \| (.*) \|$", page, re.MULTILINE):
        told[room] = set(re.findall(r"[a-z]+", re.sub(r"\(.*?\)", "", may))) & (rooms() | {"all"})
    assert told.keys() == rooms()
    assert {room for room, may in told.items() if may == {"all"}} == MAY_IMPORT_ALL
    for contract in contracts():
        room, _, allowed = contract["name"].partition(" imports ")
        assert told[room] == set(allowed.split(", ")) & rooms(), room


def test_the_page_of_the_architecture_leads_through_all_of_the_core() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    core = page.partition("## The core")[2].partition("\n## ")[0]
    modules = {path.name for path in ROOT.glob("engine/core/*.py")} - {"__init__.py"}
    assert set(re.findall(r"`(\w+\.py)`", core)) == modules


def test_the_page_of_the_architecture_names_no_part_of_the_shell_that_is_gone() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    shell = page.partition("## The stream shell")[2].partition("\n## ")[0]
    named = set(re.findall(r"^- `(\w+\.py)`", shell, re.MULTILINE))
    assert "shell.py" in named
    assert named <= {path.name for path in ROOT.glob("engine/stream/*.py")}


def test_the_rooms_keep_to_the_table(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("room", "planted"),
    [("core", "engine.policies"), ("contract", "engine.stream.clock"), ("metrics", "engine.core.instants")],
)
def test_a_forbidden_import_is_found(copy: Path, room: str, planted: str) -> None:
    (copy / "engine" / room / "planted.py").write_text(f'"""Planted."""\n\nimport {planted}\n')
    done = lint(copy)
    assert done.returncode != 0
    assert f"engine.{room}.planted" in done.stdout
