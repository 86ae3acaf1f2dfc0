"""Lists that a command shows as a table, as JSON or as CSV: the same rows each time."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import typer


class ListFormat(StrEnum):
    """A table is for reading, JSON has everything, CSV is for spreadsheets."""

    table = "table"
    json = "json"
    csv = "csv"


ListFormatAsked = Annotated[
    ListFormat, typer.Option("--format", "-f", help="A table, JSON with every detail, or CSV.")
]


def say_list(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
    form: ListFormat,
    *,
    hidden: Sequence[str] = (),
) -> None:
    """The rows on stdout. JSON has all of them; CSV the columns; the table these less the hidden."""
    if form is ListFormat.json:
        from engine.cli.output import say_json

        say_json(list(rows))
    elif form is ListFormat.csv:
        _say_csv(columns, rows)
    else:
        from engine.cli.output import page, table

        shown = [column for column in columns if column not in hidden]
        heads = [column.replace("_", " ") for column in shown]
        cells = [[_cell(row[column]) for column in shown] for row in rows]
        page().print(table(title, heads, cells))


def _say_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    import csv
    import sys

    from engine.documents.sheets import cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(_cell(row[column])) for column in columns] for row in rows)


def _cell(value: object) -> object:
    if value is None:
        return ""
    return {True: "yes", False: ""}[value] if isinstance(value, bool) else value
