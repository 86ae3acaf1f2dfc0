"""What is wrong with a file that people write: each problem with its place, what was expected and found."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing to put right."""

    file: Path
    line: int
    """From 1; 0 where the whole file or folder is meant."""
    field: str
    """The path of keys that leads to it, such as `clocks.resolve.budget.P0`; empty for a whole document."""
    expected: str
    found: str

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {**self._asdict(), "file": str(self.file)}

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        field = f" {self.field}:" if self.field else ""
        line = f"{place}:{field} expected {self.expected}; found {self.found}"
        if line.isprintable():
            return line
        # What stands in the file: a line break would end the line, an escape colour the terminal.
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


class FileRefused(Exception):
    """A file, or a folder of them. `problems` lists all that is wrong with it, by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))

    @property
    def in_short(self) -> str:
        """The first problem, and how many more there are."""
        rest = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.problems[0]}{rest}"


class PolicyErrors(FileRefused):
    """A folder of policies that is refused."""


class Refused(ValueError):
    """A value that the format does not allow; its text says what was expected."""

    def __init__(self, expected: str, candidates: Iterable[str] = ()) -> None:
        super().__init__(expected)
        self.candidates = tuple(candidates)


def one_of(candidates: Iterable[str]) -> str:
    """`one of a, b, c`."""
    return f"one of {', '.join(candidates)}"


def found(value: object, candidates: Iterable[str] = ()) -> str:
    """How a value is shown, with the candidate that was probably meant."""
    shown = _shown(value)
    if isinstance(value, str) and (close := get_close_matches(value, list(candidates), n=1, cutoff=0.6)):
        return f"{shown} (did you mean {close[0]}?)"
    return shown


def _shown(value: object) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return _short(", ".join(f"{key}: {_shown(item)}" for key, item in value.items())) or "no keys"
    if isinstance(value, list):
        return f"a list ({', '.join(map(_shown, value))})" if value else "an empty list"
    return _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
