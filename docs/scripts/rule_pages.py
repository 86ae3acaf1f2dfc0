"""Writes docs/images/rules and the case rows in docs/concepts anew, from the case tables of tests/core.

    python docs/scripts/rule_pages.py [--docs docs]

A case that names a `picture` is played by the core and becomes docs/images/rules/PICTURE.svg. A block of a
page that begins with `== name of a case` becomes that row as it stands in its table. A test holds both.
"""

import argparse
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "core"), str(ROOT / "docs" / "scripts")]

from case_notation import Case  # noqa: E402
from rule_tables import all_cases  # noqa: E402
from timelines import picture  # noqa: E402

_BLOCK = re.compile(r"^```case\n(== .*?)\n.*?^```$", re.MULTILINE | re.DOTALL)


def page(text: str, rows: dict[str, Case]) -> str:
    """A page with its case rows as they stand in the tables. KeyError for a row that no table holds."""

    def row(found: re.Match[str]) -> str:
        lines = [line for line in rows[found[1][3:]].text if not line.startswith("picture: ")]
        return "\n".join(["```case", *lines, "```"])

    return _BLOCK.sub(row, text)


@cache
def pictures() -> dict[str, str]:
    """Every picture by the name that its case gives it."""
    return {case.picture: picture(case) for case in all_cases() if case.picture}


def written(docs: Path) -> dict[Path, str]:
    """Every picture, and every page of the concepts with its rows, as they should be now."""
    rows = {case.rule: case for case in all_cases()}
    made = {docs / "images" / "rules" / f"{name}.svg": text for name, text in pictures().items()}
    for path in [docs / "concepts.md", *sorted((docs / "concepts").glob("*.md"))]:
        made[path] = page(path.read_text("utf-8"), rows)
    return made


def main() -> None:
    """Write what should be there, and remove pictures that no case names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    docs: Path = parser.parse_args().docs
    made = written(docs)
    (docs / "images" / "rules").mkdir(parents=True, exist_ok=True)
    for path, text in made.items():
        path.write_text(text, "utf-8")
    for path in (docs / "images" / "rules").glob("*.svg"):
        if path not in made:
            path.unlink()


if __name__ == "__main__":
    main()
