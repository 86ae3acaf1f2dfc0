"""Tables for people: whole in a file, and whole in a narrow terminal."""

import io

import pytest
from rich.console import Console

from engine.cli.output import page, table
from engine.cli.rows import Rows

AT = "2026-03-02T10:10:00Z"
TEXT = "We will have a fix for the mail gateway by tomorrow noon"


def shown(*cells: str, width: int, heads: tuple[str, ...] = ("subject", "text", "due")) -> list[str]:
    rows = Rows(heads)
    rows.add(*cells)
    out = io.StringIO()
    Console(file=out, width=width, soft_wrap=True).print(rows)
    return out.getvalue().splitlines()


def test_columns_stand_beside_each_other_where_there_is_room() -> None:
    assert shown("desk:1", TEXT, AT, width=100) == [
        "subject  text                                                      due",
        f"desk:1   {TEXT}  {AT}",
    ]


def test_a_long_text_gives_way_between_its_words() -> None:
    assert shown("desk:1", TEXT, AT, width=62)[1:] == [
        "desk:1   We will have a fix for the mail  2026-03-02T10:10:00Z",
        "         gateway by tomorrow noon",
    ]


def test_in_less_room_the_last_columns_go_to_a_line_of_their_own() -> None:
    assert shown("desk:1", AT, AT, width=40, heads=("subject", "made", "due")) == [
        "subject  made",
        "      due",
        f"desk:1   {AT}",
        f"      {AT}",
    ]


@pytest.mark.parametrize("width", range(1, 90))
def test_no_word_is_broken_in_any_width(width: int) -> None:
    words = " ".join(shown("desk:1", TEXT, AT, width=width)).split()
    assert sorted(words) == sorted(["subject", "text", "due", "desk:1", *TEXT.split(), AT])


def test_what_is_written_in_brackets_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    page().print(table("[all]", ["what"], [["[red] alert"]]))
    assert capsys.readouterr().out.split("\n") == ["[all]", "what", "[red] alert", ""]


def test_a_file_has_no_width_and_columns_tells_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = table("", ["a", "b"], [["x" * 300, "y" * 300]])
    monkeypatch.delenv("COLUMNS", raising=False)
    page().print(wide)
    assert max(map(len, capsys.readouterr().out.splitlines())) == 602
    monkeypatch.setenv("COLUMNS", "80")
    page().print(wide)
    assert max(map(len, capsys.readouterr().out.splitlines())) == 306
