"""The CSV says what the JSON says, a figure a line."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from test_trend_page import busy

from engine.documents.trend.table import COLUMNS, table


def numbers(value: Any) -> list[float]:
    """Every number within a JSON value but the single cases; what is unknown is none."""
    if isinstance(value, dict):
        return [number for key, each in value.items() if key != "each" for number in numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in numbers(each)]
    return [float(value)] if isinstance(value, int | float) else []


def test_every_line_is_one_figure_of_one_span_and_none_comes_twice() -> None:
    rows = list(csv.reader(io.StringIO(table(busy()))))
    assert tuple(rows[0]) == COLUMNS
    assert len({tuple(row[:4]) for row in rows}) == len(rows)
    assert {row[0] for row in rows[1:]} == {"whole", "before", "2026-03-02", "2026-03-09"}


def test_every_number_of_the_json_is_in_the_table() -> None:
    report = busy()
    told = json.loads(report.json())
    rows = list(csv.DictReader(io.StringIO(table(report))))
    for period, span in (("whole", told["whole"]), ("2026-03-09", told["periods"][0])):
        listed = {"true": "1", "false": "0", "": "nan"}
        values = {listed.get(row["value"], row["value"]) for row in rows if row["period"] == period}
        written = {float(value) for value in values if re.fullmatch(r"[\d.e+-]+", value)}
        assert set(numbers(span)) - written == set()


def test_figures_stand_where_a_reader_looks_for_them() -> None:
    report = busy()
    rows = {tuple(row[:4]): row[4] for row in csv.reader(io.StringIO(table(report)))}
    whole, resolve = report.whole, report.whole.clocks["resolve"]
    assert rows["whole", "opened", "severity", "all"] == str(whole.opened["all"])
    median = whole.time_to["resolve"]["all"].calendar.median
    assert float(rows["whole", "time_to_resolve_calendar_seconds", "severity", "all/median"]) == median
    assert rows["whole", "breached", "metric/severity", "resolve/P1"] == str(resolve["P1"].breached)
    assert float(rows["whole", "promises_kept", "", "share"]) == whole.promises.share
    assert rows["whole", "recurrence", "", "at_least"] == "true"
    assert rows["before", "time_spent_calendar_seconds", "pause", "pending_customer"] == "75600.0"


def test_the_docs_show_a_line_of_the_table() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "trend.md").read_text("utf-8")
    [line] = re.findall(r"`(2016-03-28,[^`]*)`", docs)
    assert len(line.split(",")) == len(COLUMNS)


def test_a_name_is_no_formula() -> None:
    report = busy()
    whole = replace(report.whole, time_spent_by_owner={"=1+1": 5.0})
    rows = list(csv.DictReader(io.StringIO(table(replace(report, whole=whole)))))
    assert [row["part"] for row in rows if (row["period"], row["breakdown"]) == ("whole", "owner")] == [
        "'=1+1"
    ]
