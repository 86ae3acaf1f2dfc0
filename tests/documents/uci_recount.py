"""The UCI log counted without the engine: opened and times by plain SQL over its rows, verdicts by a walk.

What the policy of deploy/policies-uci owes is said again here, in minutes. The log has minutes and no zone;
five incidents were opened after their first change, which then counts from the opening.
"""

import csv
import gzip
import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

ENDS = ("Resolved", "Closed")
BUDGETS = {
    "acknowledge": {"1": 15, "2": 30, "3": 8 * 60, "4": 24 * 60},
    "resolve": {"1": 4 * 60, "2": 8 * 60, "3": 3 * 24 * 60, "4": 5 * 24 * 60},
    "close_sla": {"1": 600_000, "2": 600_000, "3": 153 * 60 + 24, "4": 345 * 60 + 36},
}
AROUND_THE_CLOCK = {("acknowledge", "1"), ("acknowledge", "2"), ("resolve", "1"), ("resolve", "2")}
SEVERITY = {"1": "P0", "2": "P1", "3": "P2", "4": "P3"}

_LOAD = "CREATE TABLE log (number, line INTEGER, state, priority, reopened INTEGER, mod INTEGER, opened, at)"

_STOPS = """
WITH known AS (
  SELECT *, lag(state, 1, 'New') OVER incident AS before, lag(reopened, 1, 0) OVER incident AS reopened_before
  FROM log WHERE state <> '-100' WINDOW incident AS (PARTITION BY number ORDER BY at, mod, line)
), opening AS (
  SELECT number, opened FROM log GROUP BY number HAVING line = min(line)
)
SELECT number, 'resolve', max(at, opening.opened), priority,
  max(0, unixepoch(at) - unixepoch(opening.opened))
FROM known JOIN opening USING (number)
WHERE state IN ('Resolved', 'Closed') AND (before NOT IN ('Resolved', 'Closed') OR reopened > reopened_before)
UNION ALL
SELECT number, 'acknowledge', max(at, opening.opened), priority,
  max(0, unixepoch(at) - unixepoch(opening.opened))
FROM (SELECT *, row_number() OVER (PARTITION BY number ORDER BY at, mod, line) AS nth
      FROM known WHERE state <> 'New') JOIN opening USING (number)
WHERE nth = 1
ORDER BY 1, 3
"""

_OPENED = """
SELECT opened, min(priority) FROM (SELECT number, priority, first_value(opened) OVER
  (PARTITION BY number ORDER BY at, mod, line) AS opened FROM log) GROUP BY number
"""


class Row(NamedTuple):
    number: str
    line: int
    state: str
    priority: str
    reopened: int
    mod: int
    opened: datetime
    at: datetime


class Stop(NamedTuple):
    number: str
    metric: str
    day: str
    severity: str
    seconds: int


class Verdict(NamedTuple):
    metric: str
    day: str
    severity: str
    name: str


def read(path: Path) -> list[Row]:
    """The rows, incident by incident, in the order in which they happened."""
    with gzip.open(path, "rt", newline="") as log:
        rows = [
            Row(
                one["number"], line, one["incident_state"], one["priority"][0], int(one["reopen_count"]),
                int(one["sys_mod_count"]), _time(one["opened_at"]), _time(one["sys_updated_at"]),
            )
            for line, one in enumerate(csv.DictReader(log))
        ]  # fmt: skip
    return sorted(rows, key=lambda row: (row.number, row.at, row.mod, row.line))


@cache
def _time(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M")  # noqa: DTZ007  # the log has no zone


def opened_and_stops(rows: list[Row]) -> tuple[Counter[tuple[str, str]], list[Stop]]:
    """(first day of the week, severity) of the openings; what each acknowledgement and resolution took."""
    base = sqlite3.connect(":memory:")
    base.execute(_LOAD)
    base.executemany(
        "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        ((*row[:6], str(row.opened), str(row.at)) for row in rows),
    )
    opened = Counter((_week(at), SEVERITY[gravest]) for at, gravest in base.execute(_OPENED))
    stops = [
        Stop(number, metric, _week(at), SEVERITY[priority], seconds)
        for number, metric, at, priority, seconds in base.execute(_STOPS)
    ]
    base.close()
    return opened, stops


def verdicts(rows: list[Row]) -> Iterator[Verdict]:
    """met, breached and late of the three clocks of every incident."""
    end = max(row.at for row in rows)
    for _, of_incident in groupby(rows, key=lambda row: row.number):
        walked = list(of_incident)
        for metric in BUDGETS:
            yield from _Clock(metric, walked[0]).walk(walked, end)


class _Clock:
    """One clock of one incident, from row to row."""

    def __init__(self, metric: str, first: Row) -> None:
        self.metric = metric
        self.now = first.opened
        self.priority = first.priority
        self.state = "New"
        self.reopened = first.reopened
        self.used = 0
        """Minutes that counted."""
        self.breached = False
        self.stopped = False

    def walk(self, rows: list[Row], end: datetime) -> Iterator[Verdict]:
        for row in rows:
            yield from self._pass(row.at)
            self._reopen(row)
            self.priority = row.priority
            if self._is_open and self.used > self._budget:  # raised to a budget that is over
                yield self._breach()
            if row.state not in ("-100", self.state):
                before, self.state = self.state, row.state
                if self._stops(before):
                    self.stopped = True
                    yield self._say("late" if self.breached else "met")
        yield from self._pass(end)

    @property
    def _budget(self) -> int:
        return BUDGETS[self.metric][self.priority]

    @property
    def _is_open(self) -> bool:
        return not self.stopped and not self.breached

    def _reopen(self, row: Row) -> None:
        goes_on = row.state not in (*ENDS, "-100")
        if self.state in ENDS and (row.reopened > self.reopened or goes_on):
            self.state = "Active"
            self.stopped = self.stopped and self.metric != "resolve"
        self.reopened = row.reopened

    def _stops(self, before: str) -> bool:
        if self.stopped:
            return False
        if self.metric == "acknowledge":
            return self.state != "New"
        return (
            self.state == "Closed"
            if self.metric == "close_sla"
            else self.state in ENDS and before not in ENDS
        )

    def _pass(self, until: datetime) -> Iterator[Verdict]:
        """Let the days go by to `until`; where the budget ends before it, it is breached."""
        waits = self.metric == "resolve" and self.state.startswith("Awaiting")
        while self.now < until and self._is_open and not waits:
            midnight = self.now.replace(hour=0, minute=0) + timedelta(days=1)
            end = min(midnight, until)
            if self._counts(self.now):
                passing = _minutes(self.now, end)
                left = self._budget - self.used
                if left <= passing and self.now + timedelta(minutes=left) < until:
                    self.now += timedelta(minutes=left)
                    yield self._breach()
                    break
                self.used += passing
            self.now = end
        self.now = max(self.now, until)

    def _counts(self, at: datetime) -> bool:
        return (self.metric, self.priority) in AROUND_THE_CLOCK or at.weekday() < 5

    def _breach(self) -> Verdict:
        self.breached = True
        return self._say("breached")

    def _say(self, name: str) -> Verdict:
        return Verdict(self.metric, monday(self.now), SEVERITY[self.priority], name)


def _minutes(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds()) // 60


def _week(text: str) -> str:
    return monday(datetime.fromisoformat(text))


def monday(at: datetime) -> str:
    """The first day of its week."""
    return (at.date() - timedelta(days=at.weekday())).isoformat()
