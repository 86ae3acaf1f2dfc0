"""What people see on stderr while data goes to stdout: progress, tables, notes; and JSON for programs."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson
import typer
from rich.console import Console, Group
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from engine.cli.rows import Rows

_AS_WIDE_AS_IT_IS = 1_000_000


def people() -> Console:
    """Where people look: stderr, so that stdout stays data."""
    return page(stderr=True)


def page(*, stderr: bool = False) -> Console:
    """Text and tables for people, on stdout. A file or a pipe has no width, unless COLUMNS tells one."""
    console = Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _AS_WIDE_AS_IT_IS
    return console


@contextmanager
def progress(label: str, total: int | Callable[[], int] | None) -> Iterator[Callable[[int], None]]:
    """A bar while long work runs, on a terminal only; call what it gives with how much more is done.

    It appears at the first call, when `total` is asked if it is a question: of two stages the second waits.
    """
    console = people()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    tasks: list[TaskID] = []

    def advance(more: int) -> None:
        if not tasks:
            bar.start()
            tasks.append(bar.add_task(label, total=total() if callable(total) else total))
        bar.advance(tasks[0], more)

    try:
        yield advance
    finally:
        bar.stop()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Group:
    """A table whose numbers stand to the right, below a line that says what it shows."""
    numbers = [index for index in range(len(columns)) if rows and all(_is_number(row[index]) for row in rows)]
    drawn = Rows(columns, right=numbers)
    for row in rows:
        drawn.add(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    return Group(Text(title, style="bold"), drawn)


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or (
        isinstance(cell, str) and not cell.lstrip("+-").strip("0123456789,.")
    )


def say(text: str) -> None:
    """One line for people."""
    typer.echo(text, err=True)


def say_json(value: object, *, error: bool = False) -> None:
    """One JSON object for programs, on stdout; on stderr where stdout is taken."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2), err=error)


class Notes:
    """Says the first notes of many as they come, and counts all: a wrong file must not flood the terminal."""

    def __init__(self, at_most: int = 20) -> None:
        self.count = 0
        self._at_most = at_most

    def add(self, text: str) -> None:
        self.count += 1
        if self.count <= self._at_most:
            say(text)
        elif self.count == self._at_most + 1:
            say("… more of these are counted, not shown")


def write_json_lines(path: Path, records: Iterable[dict[str, object]]) -> None:
    """A file with one JSON object a record; it appears when all is written."""
    from engine.replay.files import writing

    with writing(str(path)) as out:
        for record in records:
            out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
