"""Every rule can be traced by its number: its text and picture in the docs, its case, its code."""

# ruff: noqa: E501  # a row stays a row

import ast
import re
import shutil
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "docs" / "scripts")]

import rule_pages  # noqa: E402  # puts tests/core on the path, too
from rule_tables import all_cases, number  # noqa: E402

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_CASE = re.compile(r"^```case\n== (.+)$", re.MULTILINE)
_PICTURE = re.compile(r"!\[(.*?)\]\((.*?)\)")
_PLACE = re.compile(r"`(engine/[\w/]+\.py)(?:: ([\w.]+))?`")


def sections(docs: Path) -> dict[str, str]:
    """The text under each rule's heading, by its number."""
    told: dict[str, str] = {}
    for page in sorted((docs / "concepts").glob("*.md")):
        _, *parts = re.split(_HEADING, page.read_text("utf-8"))
        for heading, text in zip(parts[::2], parts[1::2], strict=True):
            assert number(heading) not in told, f"{number(heading)} is told twice"
            told[number(heading)] = text
    return told


def listed(page: Path) -> set[str]:
    """The rules that its table names, a name and ranges of numbers each."""
    cells = re.findall(r"^\| (.*?\d) \| \[", page.read_text("utf-8"), re.MULTILINE)
    found = set()
    for name, numbers in re.findall(r"([A-Z][a-z-]+) ([\d\u2013, and]+)", "; ".join(cells)):
        for first, last in re.findall(r"(\d+)(?:\u2013(\d+))?", numbers):
            found |= {f"{name} {each}" for each in range(int(first), int(last or first) + 1)}
    return found


def untold(docs: Path) -> list[str]:
    """What of the rules cannot be traced."""
    told = sections(docs)
    cases = {number(case.rule) for case in all_cases()}
    found = [f"{rule} has cases and no text" for rule in sorted(cases - set(told))]
    found += [f"{rule} has text and no case" for rule in sorted(set(told) - cases)]
    for rule, text in told.items():
        if not all(number(name) == rule for name in _CASE.findall(text)) or "```case" not in text:
            found.append(f"{rule} shows no case of its own, or one of another rule")
        places = _PLACE.findall(text)
        found += [f"{rule}: no {name} in {file}" for file, name in places if not exists(file, name)]
        if not places:
            found.append(f"{rule} names no place in the code")
    return found


def astray(code: Path, docs: Path) -> list[str]:
    """What the code's comments name for the reader to look up, and is not there: rules, and pages."""
    known = set(sections(docs))
    rule = rf"\b({'|'.join(sorted({name.rpartition(' ')[0] for name in known}))}) (\d+(?:(?:, | and )\d+)*)"
    found = []
    for path in sorted(code.rglob("*.py")):
        text = " ".join(path.read_text("utf-8").split())
        named = {
            f"{name} {each}"
            for name, numbers in re.findall(rule, text)
            for each in re.findall(r"\d+", numbers)
        }
        found += [f"{path.name}: there is no rule {one}" for one in sorted(named - known)]
        pages = set(re.findall(r"(?<!\])\(((?:[\w-]+/)*[\w-]+\.md)[,;)]", text))
        found += [
            f"{path.name}: there is no {one}" for one in sorted(pages) if not (docs.parent / one).is_file()
        ]
    return found


def outdated(docs: Path) -> list[str]:
    """Pictures and rows that are not what the cases give now, and pictures that nobody sees."""
    try:
        made = rule_pages.written(docs)
    except KeyError as error:
        return [f"no case is called {error}"]
    found = [
        f"{path.name}: python docs/scripts/rule_pages.py writes it anew"
        for path, text in made.items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    pages = [path for path in made if path.suffix == ".md"]
    shown = {
        (page.parent / link).resolve()
        for page in pages
        for _, link in _PICTURE.findall(page.read_text("utf-8"))
    }
    drawn = {path.resolve() for path in made if path.suffix == ".svg"}
    kept = {path.resolve() for path in (docs / "images" / "rules").glob("*.svg")}
    found += [f"{path.name} is shown on no page" for path in sorted(drawn - shown)]
    found += [f"{path.name} is drawn by no case" for path in sorted((kept | shown) - drawn)]
    return found


@cache
def names(file: str) -> frozenset[str]:
    """The functions, classes, methods and constants of a module."""
    found: set[str] = set()
    for node in ast.parse((ROOT / file).read_text("utf-8")).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            inside = node.body if isinstance(node, ast.ClassDef) else []
            found |= {f"{node.name}.{part.name}" for part in inside if isinstance(part, ast.FunctionDef)}
    return frozenset(found)


def exists(file: str, name: str) -> bool:
    return (ROOT / file).is_file() and (not name or name in names(file))


def test_every_rule_has_its_text_its_case_and_its_place_in_the_code() -> None:
    assert untold(ROOT / "docs") == []


def test_the_rules_and_the_pages_that_the_code_names_are_there() -> None:
    assert astray(ROOT / "engine", ROOT / "docs") == []


def test_a_rule_or_a_page_that_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text('"""So it is (Clock 8,\n11 and 99), and so (design.md, Clock)."""\n')
    assert astray(tmp_path, ROOT / "docs") == [
        "planted.py: there is no rule Clock 99", "planted.py: there is no design.md",
    ]  # fmt: skip


def test_the_pictures_and_the_rows_on_the_pages_are_what_the_cases_give() -> None:
    assert outdated(ROOT / "docs") == []


@pytest.mark.parametrize("name", sorted(rule_pages.pictures()))
def test_a_picture_is_small_well_formed_and_tells_itself_to_who_does_not_see_it(name: str) -> None:
    path = ROOT / "docs" / "images" / "rules" / f"{name}.svg"
    assert path.stat().st_size < 8_000
    drawn = ElementTree.parse(path).getroot()  # noqa: S314  # our own file
    space = "{http://www.w3.org/2000/svg}"
    assert drawn.findtext(f"{space}title")
    assert "What Vigil says." in (drawn.findtext(f"{space}desc") or "")
    text = path.read_text("utf-8")
    assert "prefers-color-scheme:dark" in text
    assert "@font-face" not in text
    assert "href" not in text
    width = float(drawn.get("viewBox", "").split()[2])
    for label in drawn.iter(f"{space}text"):
        x, length = float(label.get("x", "")), len(label.text or "") * 5.5
        anchor = {"middle": 0.5, "end": 1.0}.get(label.get("text-anchor", ""), 0.0)
        assert x - length * anchor >= -1, f"{label.text} is cut at the left"
        assert x + length * (1 - anchor) <= width, f"{label.text} is cut at the right"


SPOILED = [
    # behaviour, page, what stands there, what is put there instead, what is found
    ("a heading that is gone", "clocks.md", "## Clock 12: due", "### Clock 12: due", "Clock 12 has cases and no text"),
    ("a rule without a case", "clocks.md", "## Clock 12: due", "## Clock 99: due", "Clock 99 has text and no case"),
    ("a case of another rule", "clocks.md", "== Clock 12: due", "== Clock 1: due", "Clock 12 shows no case of its own"),
    ("a place that is gone", "clocks.md", "Runner.retarget", "Runner.aim", "Clock 5: no Runner.aim in"),
    ("a verdict that differs", "clocks.md", "59 met resolve due 60", "59 met resolve due 61", "clocks.md: python"),
    ("a row that no table holds", "clocks.md", "== Clock 12: due", "== Clock 12: overdue", "no case is called"),
    ("a picture that is not there", "clocks.md", "rules/clock-12.svg", "rules/clock-120.svg", "clock-12.svg is shown on no"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("page", "stands", "instead", "expected"), [pytest.param(*row[1:], id=row[0]) for row in SPOILED]
)
def test_what_is_spoiled_is_found(
    page: str, stands: str, instead: str, expected: str, tmp_path: Path
) -> None:
    docs = copied(tmp_path)
    text = (docs / "concepts" / page).read_text("utf-8")
    assert stands in text
    (docs / "concepts" / page).write_text(text.replace(stands, instead), "utf-8")
    assert any(expected in problem for problem in [*untold(docs), *outdated(docs)])


def test_a_picture_that_differs_is_found_and_one_too_many_too(tmp_path: Path) -> None:
    docs = copied(tmp_path)
    folder = docs / "images" / "rules"
    drawn = (folder / "clock-5.svg").read_text("utf-8")
    (folder / "clock-5.svg").write_text(drawn.replace("due 30 min", "due 31 min"), "utf-8")
    (folder / "old.svg").write_text(drawn, "utf-8")
    again = "clock-5.svg: python docs/scripts/rule_pages.py writes it anew"
    assert outdated(docs) == [again, "old.svg is drawn by no case"]


def copied(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs" / "concepts", folder / "concepts")
    shutil.copytree(ROOT / "docs" / "images" / "rules", folder / "images" / "rules")
    shutil.copy(ROOT / "docs" / "concepts.md", folder)
    return folder


def test_the_table_of_the_concepts_names_every_rule() -> None:
    assert listed(ROOT / "docs" / "concepts.md") == set(sections(ROOT / "docs"))
