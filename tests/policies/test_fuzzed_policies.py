"""Damaged files: whatever stands in them, the answer is a book or a list of problems."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.policies import PolicyErrors, load

pytestmark = pytest.mark.slow

STANDARD = (Path(__file__).parents[2] / "deploy" / "policies" / "standard.yaml").read_text(encoding="utf-8")
TOKENS = sorted(set(STANDARD.replace(",", " , ").replace("{", " { ").replace("}", " } ").split()))
STRANGE = [
    *(
        "",
        "~",
        "null",
        "true",
        "-1",
        "1e9",
        "0x1F",
        "9" * 18,
        "9" * 5000,
        "²%",
        "٣h",
        "1.²%",
        "\x00",
        "\u2028",
        "💥",
    ),
    *(
        "*x",
        "&x",
        "!!binary x",
        "!x",
        "<<",
        "? [a]",
        "[",
        "]",
        "{}",
        "[[]]",
        "|",
        ">",
        "---",
        "...",
        "%YAML 1.1",
    ),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "0001-01-01", "24:00-24:00"),
    *("P0", "any", "100% + 9999999h", "3650bd @support", "1bd @", "@", "when", "size(tags) > 0", "1/0 == 1"),
]


def outcome(folder: Path, text: str) -> None:
    file = folder / "policy.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        load(file)
    except PolicyErrors as refused:
        assert refused.problems  # noqa: PT017  # either end is right
        for problem in refused.problems:
            assert problem.expected
            assert problem.found
            assert 0 <= problem.line <= text.count("\n") + 2


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_a_file_with_words_exchanged_is_used_or_refused(tmp_path: Path, seed: int, damages: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    text = STANDARD
    for _ in range(damages):
        old = chance.choice(TOKENS)
        places = [place for place in range(len(text)) if text.startswith(old, place)]
        if places:
            place = chance.choice(places)
            text = text[:place] + chance.choice([*TOKENS, *STRANGE]) + text[place + len(old) :]
    outcome(tmp_path, text)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_a_file_with_lines_lost_doubled_or_moved_is_used_or_refused(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    lines = STANDARD.split("\n")
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[place])
            case 2:
                lines.insert(chance.randrange(len(lines)), lines.pop(place))
            case _:
                lines[place] = " " * chance.randrange(4) + lines[place].lstrip()
    outcome(tmp_path, "\n".join(lines))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_bytes_are_used_or_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "policy.yaml").write_bytes(content)
    with pytest.raises(PolicyErrors):
        load(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " * 3, "{a: " * 5000, "- " * 5000])
def test_deep_nesting_is_refused(tmp_path: Path, text: str) -> None:
    outcome(tmp_path, text)
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(PolicyErrors):
        load(tmp_path)
