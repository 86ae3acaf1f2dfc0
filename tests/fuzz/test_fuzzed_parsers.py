"""Whatever bytes a parser is given, only its named errors leave it."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import planted
import pytest
from targets import TARGETS

from servers import missing

pytestmark = pytest.mark.slow

SECONDS = int(os.environ.get("VIGIL_FUZZ_SECONDS", "20"))
"""In all. `make soak` sets half an hour."""
_START = 240
"""Seconds at most for the imports, and for what targets take beyond their share."""


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: libFuzzer ends the one that it runs in."""
    try:
        import atheris  # noqa: F401
    except ImportError:
        missing("there is no atheris for this system or this Python")
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)


@pytest.mark.timeout(2 * SECONDS + _START)
def test_only_its_named_errors_leave_a_parser() -> None:
    done = fuzz("--seconds", str(SECONDS))
    assert done.returncode == 0, done.stderr[-20_000:]
    tried = re.findall(r"^== (\S+)$|^stat::number_of_executed_units: (\d+)$", done.stderr, re.MULTILINE)
    numbers = dict(zip((name for name, _ in tried if name), (int(n) for _, n in tried if n), strict=True))
    print("\n".join(f"{name:20} {number:12,}" for name, number in numbers.items()))
    assert set(numbers) == set(TARGETS)
    assert all(numbers.values())


@pytest.mark.parametrize("name", TARGETS)
def test_it_begins_with_what_the_parser_takes(name: str) -> None:
    target, taken = TARGETS[name], 0
    for seed in target.seeds():
        try:
            target.parse(seed)
        except target.allowed:
            continue
        taken += 1
    assert taken


def test_a_planted_mistake_is_found_and_its_input_shows_it_alone(tmp_path: Path) -> None:
    done = fuzz("planted", "--seconds", "60", "--seed", "1", "--keep", str(tmp_path))
    assert done.returncode == 1, done.stderr
    found = re.search(r"FOUND in planted, \d+ bytes: (\S+)", done.stderr)
    assert found is not None, done.stderr
    data = base64.b64decode(found[1])
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [data]
    with pytest.raises(ZeroDivisionError):
        planted.parse(data)
    for again in (found[1], str(next(tmp_path.iterdir()))):
        alone = fuzz("planted", "--replay", again)
        assert alone.returncode == 1
        assert "ZeroDivisionError" in alone.stderr


def test_an_input_that_is_refused_by_name_is_no_finding() -> None:
    long = base64.b64encode(b"clock:1" + b" " * 1_000).decode()
    assert fuzz("planted", "--replay", long).returncode == 0
