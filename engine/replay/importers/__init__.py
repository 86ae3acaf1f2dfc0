"""One module a source: its log in, contract events out; what cannot be understood is reported, never lost."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from engine.replay.events import Event


class Note(NamedTuple):
    """What the reader of a log should know about one of its lines."""

    line: int
    expected: str
    found: str
    left_out: bool = True
    """False: the line is in the result all the same."""

    def __str__(self) -> str:
        fate = "left out" if self.left_out else "kept"
        return f"line {self.line}: expected {self.expected}, found {self.found} ({fate})"


class WrongFormat(Exception):
    """The file as a whole is not of the format that was asked for."""


Report: TypeAlias = Callable[[Note], None]
Lines: TypeAlias = Iterable[tuple[int, bytes]]
Importer: TypeAlias = Callable[[Lines, Report], Iterator[Event]]
