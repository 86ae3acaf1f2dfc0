"""Two sides of verdicts side by side, for programs: what the sides are called, every change, all sums."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from engine.replay.changes import Change, in_json
from engine.replay.files import writing
from engine.replay.summing import Affected, Kind, Sums
from engine.replay.tally import Cell, rows_of


class Labels(NamedTuple):
    """What the sides are called: for people, and as names in JSON."""

    left: str
    right: str

    @property
    def keys(self) -> tuple[str, str]:
        return self.left.replace(" ", "_"), self.right.replace(" ", "_")


DAY = Labels("as reported", "as now known")
BOOKS = Labels("before", "after")


class Shown:
    """Takes every change: keeps the first few, and writes all to a file where one is asked for."""

    def __init__(self, labels: Labels, at_most: int, file: str | None) -> None:
        self.first: list[Change] = []
        self._labels = labels
        self._at_most = at_most
        self._file = file

    def take(self, changes: Iterable[Change]) -> None:
        """Take all of them; the file appears under its name when all is written."""
        if self._file is None:
            for change in changes:
                self._keep(change)
            return
        with writing(self._file) as out:
            for change in changes:
                self._keep(change)
                line = in_json(change, *self._labels.keys)
                out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def _keep(self, change: Change) -> None:
        if len(self.first) < self._at_most:
            self.first.append(change)


def said_in_json(said: Counter[Cell]) -> list[dict[str, object]]:
    """What one side says, a row for each metric and severity."""
    columns, rows = rows_of(said)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def answers_in_json(sums: Sums, first: list[Change]) -> dict[str, object]:
    """Both answers, and the first differences."""
    left, right = DAY.keys
    return {
        "verdicts": [
            {"metric": metric, "severity": severity, "verdict": name, left: before, right: after}
            for metric, severity, name, before, after in sums.said()
        ],
        "verdicts_differ": sums.changed,
        "same_verdict_other_figures": sums.moved.total(),
        "differences": [in_json(change, left, right) for change in first],
    }


def sums_in_json(sums: Sums, labels: Labels, at_most: int) -> dict[str, object]:
    """All sums; of customers and teams the most affected."""
    left, right = labels.keys

    def affected(what: str, found: list[Affected]) -> list[dict[str, object]]:
        return [
            {
                what: name,
                "clocks": clocks,
                f"missed_{left}": failed_left,
                f"missed_{right}": failed_right,
            }
            for name, clocks, failed_left, failed_right in found[:at_most]
        ]

    return {
        "verdicts_differ": sums.changed,
        "same_verdict_other_figures": sums.moved.total(),
        "said": [
            {"metric": metric, "severity": severity, "outcome": name, left: before, right: after}
            for metric, severity, name, before, after in sums.said()
        ],
        "kinds": [_kind(kind, number, sums.examples[kind], labels) for kind, number in sums.ranked()],
        "customers": affected("customer", sums.customers),
        "teams": affected("team", sums.teams),
    }


def _kind(kind: Kind, number: int, example: Change, labels: Labels) -> dict[str, object]:
    metric, severity, before, after = kind
    left, right = labels.keys
    return {
        "metric": metric,
        "severity": severity,
        left: list(before),
        right: list(after),
        "clocks": number,
        "example": in_json(example, left, right),
    }
