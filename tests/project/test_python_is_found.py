"""Which Python `make` sets itself up with: the one that is named, or one that is found and new enough."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def python(place: Path, version: tuple[int, int]) -> Path:
    """One that knows its version, and makes an environment of itself."""
    told = ".".join(map(str, version))
    place.write_text(
        f"""#!/bin/sh
case "$1" in
-c) exit {int(version < (3, 11))};;
--version) echo Python {told};;
-m) mkdir -p "$3/bin"; echo {told} > "$3/bin/python";;
esac
"""
    )
    place.chmod(0o755)
    return place


def made(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'path'}:{os.defpath}"
    target = str(folder / "venv/bin/python")
    return subprocess.run(
        ["make", "-s", *arguments, f"VENV={folder / 'venv'}", target],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_one_that_is_named_is_taken(tmp_path: Path) -> None:
    done = made(tmp_path, f"PYTHON={python(tmp_path / 'mine', (3, 99))}")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "venv/bin/python").read_text() == "3.99\n"


def test_one_that_is_named_and_too_old_is_refused_and_no_other_taken(tmp_path: Path) -> None:
    (tmp_path / "path").mkdir()
    python(tmp_path / "path/python3.11", (3, 11))
    done = made(tmp_path, f"PYTHON={python(tmp_path / 'mine', (3, 9))}")
    assert "Vigil needs Python 3.11 or newer; found: Python 3.9.\n" in done.stderr
    assert done.returncode != 0
    assert not (tmp_path / "venv").exists()


def test_else_the_first_on_the_path_that_is_new_enough(tmp_path: Path) -> None:
    (tmp_path / "path").mkdir()
    for name, version in {"python3.11": (3, 9), "python3.12": (3, 12), "python3.13": (3, 13)}.items():
        python(tmp_path / "path" / name, version)
    assert made(tmp_path).returncode == 0
    assert (tmp_path / "venv/bin/python").read_text() == "3.12\n"
