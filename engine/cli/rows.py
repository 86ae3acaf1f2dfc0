"""A table for people that loses nothing, however narrow the terminal."""

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from rich.console import Console, ConsoleOptions
from rich.text import Text

_GAP = 2
_INDENT = 6
_PROSE = 30
"""A cell that is longer may be wrapped between its words, to no less than this: a time or a name never is."""


class Rows:
    """Rows below their heads, each column as wide as its widest cell.

    Where they do not fit beside each other, long texts are wrapped; where that is not enough, the last
    columns stand on further lines of their row, indented.
    """

    def __init__(self, heads: Sequence[str], right: Collection[int] = ()) -> None:
        """`right`: the columns whose cells stand to the right."""
        self._rows = [[Text(head, style="bold") for head in heads]]
        self._right = right

    def add(self, *cells: str | Text, style: str = "") -> None:
        self._rows.append([cell if isinstance(cell, Text) else Text(cell, style=style) for cell in cells])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        widths = self._widths(options.max_width)
        groups = _groups(widths, options.max_width)
        for row in self._rows:
            for group in groups:
                cells = [row[column].wrap(console, widths[column]) for column in group]
                for lines in zip_longest(*cells):
                    line = self._line(group, widths, lines)
                    if line:
                        yield line

    def _line(self, group: Sequence[int], widths: Sequence[int], cells: Sequence[Text | None]) -> Text:
        aligned = []
        for column, found in zip(group, cells, strict=True):
            cell = Text() if found is None else found
            cell.align("right" if column in self._right else "left", widths[column])
            aligned.append(cell)
        line = Text(" " * _GAP).join(aligned)
        line.no_wrap, line.overflow = True, "ignore"
        line.rstrip()
        if line and group[0]:
            line.pad_left(_INDENT)
        return line

    def _widths(self, room: int) -> list[int]:
        """Of each column; long texts give way, the widest first."""
        columns = list(zip(*self._rows, strict=True))
        widths = [max(_widest(cell.plain.splitlines()) for cell in column) for column in columns]
        least = [
            min(width, max(_PROSE, *(_widest(cell.plain.split()) for cell in column)))
            for width, column in zip(widths, columns, strict=True)
        ]
        while (over := _together(widths) - room) > 0:
            column = max(range(len(widths)), key=lambda column: widths[column] - least[column])
            if widths[column] == least[column]:
                break
            widths[column] = max(least[column], widths[column] - over)
        return widths


def _groups(widths: Sequence[int], room: int) -> list[list[int]]:
    """The columns that share a line, in their order."""
    groups: list[list[int]] = [[]]
    for column in range(len(widths)):
        together = [*groups[-1], column]
        taken = _together([widths[one] for one in together]) + (_INDENT if together[0] else 0)
        if groups[-1] and taken > room:
            groups.append([column])
        else:
            groups[-1].append(column)
    return groups


def _together(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _widest(texts: Sequence[str]) -> int:
    return max((Text(text).cell_len for text in texts), default=0)
