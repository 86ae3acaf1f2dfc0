"""What fails of a page is named by its line, and what is printed is held to what is shown."""

from pathlib import Path

import pytest
from pages import commands_of
from reader import Reader
from shown import difference

PAGE = """# A page
```console
$ export WHO=kim
$ echo "$WHO" > name && cat name \\
    | tr a-z A-Z
KIM
$ vigil policy lint nowhere
$ no-such-program
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return path


def test_what_a_line_sets_and_writes_is_there_for_the_next(page: Path, tmp_path: Path) -> None:
    setting, naming, *_ = commands_of(page, tmp_path)
    reader = Reader(tmp_path, {}, {"kim": "ann"})
    assert reader.type(setting) == ""
    assert reader.type(naming) == "ANN\n"
    assert naming.shown == ("KIM",)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (2, "page.md:7: vigil policy lint nowhere\nended with 1, expected (0,)"),
        (3, "page.md:8: no-such-program\nended with 127, expected (0,)"),
    ],
)
def test_a_command_that_fails_is_named_by_its_line(
    page: Path, tmp_path: Path, number: int, said: str
) -> None:
    with pytest.raises(AssertionError) as raised:
        Reader(tmp_path, {}, {}).type(commands_of(page, tmp_path)[number])
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("2 open escalations", "17  open escalations\n"),
        ("erased-5f0c1b2a9d3e from now on", "erased-13c7af1d4fce from now on"),
        ("a\n…\nd", "a\nb\n\nc\nd"),
        ("met  711  623  -88\n…", "met 1,204 7 -1,197\nmore"),
        ("key: vigil_…", "key: vigil_x"),
    ],
)
def test_other_figures_are_as_shown(shown: str, printed: str) -> None:
    assert difference(shown.splitlines(), printed) is None


@pytest.mark.parametrize(
    ("shown", "printed", "said"),
    [
        (
            "2 open escalations",
            "2 escalations open",
            "shown:   2 open escalations\nprinted: 2 escalations open",
        ),
        ("a\nb", "a\nc\nb", "shown:   b\nprinted: c"),
        ("a\nb", "a", "shown:   b\nprinted: nothing more"),
        ("a", "a\nb", "printed, and not shown: b"),
    ],
)
def test_other_words_and_other_lines_are_not(shown: str, printed: str, said: str) -> None:
    assert (difference(shown.splitlines(), printed) or "").startswith(said)
