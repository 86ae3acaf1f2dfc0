"""The parts of the page: sections, tables beside their charts, key figures."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

Cells = Sequence[str]
"""Of a row; the first one names it."""


class Part(NamedTuple):
    """One question, its answer in a sentence, and the figures behind it."""

    title: str
    say: str
    chart: str = ""
    table: str = ""
    note: str = ""
    wide: bool = False
    """The table stands below the chart, not beside it."""


def table(name: str, heads: Cells, rows: Sequence[Cells], foot: Cells | None = None, texts: int = 1) -> str:
    """A table that scrolls alone where it is too wide; all but the first `texts` columns are numbers.

    A cell may have a second line, or be a drawing.
    """
    head = "".join(f'<th scope="col"{_numeric(n, texts)}>{escape(one)}</th>' for n, one in enumerate(heads))
    body = "".join(_row(row, texts) for row in rows)
    last = f"<tfoot>{_row(foot, texts)}</tfoot>" if foot else ""
    return (
        f'<div class="scroller" tabindex="0" role="region" aria-label="{escape(name)}: table">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{last}</table></div>"
    )


def _row(cells: Cells, texts: int) -> str:
    rest = "".join(f"<td{_numeric(n, texts)}>{_cell(one)}</td>" for n, one in enumerate(cells[1:], 1))
    return f'<tr><th scope="row">{escape(cells[0])}</th>{rest}</tr>\n'


def _cell(text: str) -> str:
    if text.startswith("<svg"):
        return text
    first, _, second = text.partition("\n")
    return escape(first) + (f'<span class="second">{escape(second)}</span>' if second else "")


def _numeric(column: int, texts: int) -> str:
    return "" if column < texts else ' class="num"'


def part(number: int, one: Part) -> str:
    """A section, numbered."""
    figure = f"<figure>{one.chart}</figure>" if one.chart else ""
    both = figure + one.table
    if figure and one.table and not one.wide:
        both = f'<div class="pair">{both}</div>'
    note = f'<p class="note">{escape(one.note)}</p>' if one.note else ""
    return (
        f'<section class="part"><h2>{number}. {escape(one.title)}</h2>'
        f'<p class="say">{escape(one.say)}</p>{both}{note}</section>\n'
    )


def key_figures(given: Sequence[tuple[str, str, str]]) -> str:
    """What it is, how much, and against what."""
    parts = "".join(
        f"<div><dt>{escape(name)}</dt><dd><b>{escape(value)}</b><span>{escape(beside)}</span></dd></div>"
        for name, value, beside in given
    )
    return f'<dl class="figures">{parts}</dl>\n'
