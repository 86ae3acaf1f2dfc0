"""The file of what was learned: read back as it was written, refused by name when it is not."""

# ruff: noqa: E501  # a row stays a row

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core.instants import parse_instant
from engine.core.pace import Kind, Pace
from engine.replay.pace_file import Learned, PaceFileRefused, read, write

KINDS = {
    ("resolve", "P1"): Kind(50, 20, 3, (48, *range(47, 28, -1))),
    ("triage", ""): Kind(9, 0, 0, (9,) * 20),
}
LEARNED = Learned(
    Pace(KINDS, at_least_percent=60, least_cases=10),
    parse_instant("2026-01-01T00:00:00Z"),
    parse_instant("2026-03-01T12:00:00Z"),
)
Content = dict[str, Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pace.json"
    path.write_bytes(write(LEARNED)[0])
    return path


def test_what_is_written_is_read(file: Path) -> None:
    found = read(file)
    assert found[1:] == LEARNED[1:]
    pace = found.pace
    assert (pace.kinds, pace.at_least_percent, pace.least_cases) == (KINDS, 60, 10)
    assert pace.hash == write(LEARNED)[1]
    assert write(found)[0] == file.read_bytes()


def test_another_layout_of_the_same_is_the_same(file: Path) -> None:
    content = json.loads(file.read_text())
    file.write_text(json.dumps(dict(reversed(content.items()))))
    assert read(file).pace.hash == content["hash"]


def _set(content: Content, *path: str | int, to: object) -> None:
    *way, last = path
    for step in way:
        content = content[step]  # type: ignore[index]
    content[last] = to  # type: ignore[index]


DAMAGES: list[tuple[str, Callable[[Content], object], str]] = [
    ("another format", lambda c: _set(c, "format", to="csv"), "format: expected vigil-pace; found csv"),
    ("a later version", lambda c: _set(c, "version", to=2), "version: expected 1, the version that this release"),
    ("no version", lambda c: c.pop("version"), "version: expected 1, .*; found nothing"),
    ("a count as text", lambda c: _set(c, "kinds", 0, "cases", to="many"), r"kinds\[0\].cases: expected int; found str"),
    ("a negative count", lambda c: _set(c, "kinds", 0, "left_out", to=-1), r"kinds\[0\].left_out: expected int >= 0"),
    ("a field missing", lambda c: c["kinds"][1].pop("breached"), r"kinds\[1\]: expected the fields .* breached"),
    ("a field too many", lambda c: _set(c, "kinds", 0, "median", to=1), r"kinds\[0\]: expected the fields .* median"),
    ("no hash", lambda c: c.pop("hash"), "expected the fields .* hash"),
    ("no time", lambda c: _set(c, "until", to="spring"), "until: expected a time such as .*; found spring"),
    ("no share", lambda c: c["kinds"][0]["open_past"].pop("75%"), r"kinds\[0\].open_past: expected 0%.*not 75%"),
    ("more open later", lambda c: _set(c, "kinds", 0, "open_past", "50%", to=49), r"open_past.50%: expected 20 \(br"),
    ("fewer open than breached", lambda c: _set(c, "kinds", 0, "open_past", "95%", to=19), "open_past.95%: expected"),
    ("a kind twice", lambda c: c["kinds"].append(c["kinds"][0]), r"kinds\[2\]: expected each kind once; found res"),
    ("nothing to reach", lambda c: _set(c, "at_least_percent", to=0), "at_least_percent: expected int >= 1"),
    ("another figure", lambda c: _set(c, "kinds", 0, "breached", to=21), "hash: expected [0-9a-f]{32}, of what the"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), [pytest.param(*one[1:], id=one[0]) for one in DAMAGES])
def test_what_is_damaged_is_refused_by_name(
    damage: Callable[[Content], object], message: str, file: Path
) -> None:
    content = json.loads(file.read_text())
    damage(content)
    file.write_text(json.dumps(content))
    with pytest.raises(PaceFileRefused, match=message) as refused:
        read(file)
    assert str(refused.value).startswith(f"{file}: ")


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"vigil-pace"', "null", "\x00\xff"])
def test_what_is_no_table_is_refused(text: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(PaceFileRefused, match="expected"):
        read(file)


def test_a_file_cut_short_anywhere_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for end in range(0, len(whole) - 2, 97):
        file.write_bytes(whole[:end])
        with pytest.raises(PaceFileRefused):
            read(file)
