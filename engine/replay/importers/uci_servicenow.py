"""ServiceNow incident audit log of the UCI repository (dataset 498, "Incident management process enriched").

Each row shows an incident after one change; what happened is the difference to the row before. The log has
neither zone nor seconds: its times are taken as UTC, and rows of one minute go by `sys_mod_count`.
"""

import codecs
import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from sys import intern
from typing import NamedTuple

from engine.core.instants import Instant, from_datetime
from engine.replay.events import Event
from engine.replay.importers import Lines, Note, Report, WrongFormat

SOURCE = "urn:uci:498:servicenow"
SEVERITY = {"1": "P0", "2": "P1", "3": "P2", "4": "P3"}
"""By ServiceNow's priority."""

_NULL = "?"
_UNKNOWN_STATE = "-100"
_STATES = {
    "New": "",
    "Active": "",
    "Resolved": "resolved",
    "Closed": "closed",
    "Awaiting User Info": "pending_customer",
    "Awaiting Vendor": "pending_vendor",
    "Awaiting Problem": "pending_problem",
    "Awaiting Evidence": "pending_evidence",
}
"""What a state means to us: nothing, an end, or a reason to wait."""
_ENDS = ("resolved", "closed")
_ATTRIBUTES = {
    "category": ("service", "Category "),
    "subcategory": ("component", "Subcategory "),
    "location": ("region", "Location "),
    "contact_type": ("channel", ""),
    "assignment_group": ("team", "Group "),
    "assigned_to": ("owner", "Resolver "),
}
_COLUMNS = (
    "number",
    "incident_state",
    "reopen_count",
    "sys_mod_count",
    "opened_at",
    "sys_updated_at",
    "sys_updated_by",
    "priority",
    "caller_id",
    "opened_by",
    "u_symptom",
    "resolved_by",
    *_ATTRIBUTES,
)


class _Row(NamedTuple):
    number: str
    at: Instant
    change: int
    """sys_mod_count."""
    line: int
    state: str
    """"" where the row does not know."""
    reopened: int
    opened_at: Instant
    by: str
    opened_by: str
    symptom: str
    resolved_by: str
    attributes: dict[str, object]


class _Refused(Exception):
    """(expected, found) of the first column of a row that cannot be understood."""


def convert(lines: Lines, report: Report) -> Iterator[Event]:
    """At least one event for every row that is understood, incident by incident.

    WrongFormat where the header lacks a column.
    """
    incidents: dict[str, list[_Row]] = {}
    for row in _rows(lines, report):
        incidents.setdefault(row.number, []).append(row)
    for rows in incidents.values():
        rows.sort(key=lambda row: (row.at, row.change, row.line))
        yield from _Story(rows[0]).tell(rows)


def _rows(lines: Lines, report: Report) -> Iterator[_Row]:
    numbered = iter(lines)
    _, first = next(numbered, (0, b""))
    header = first.removeprefix(codecs.BOM_UTF8).decode(errors="replace").split(",")  # spreadsheets write it
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        found = ",".join(header)[:80] or "an empty file"
        raise WrongFormat(f"the first line lacks the columns {', '.join(missing)}; found {found}")
    columns = {name: header.index(name) for name in _COLUMNS}
    shared: dict[tuple[str, ...], dict[str, object]] = {}
    for number, line in numbered:
        try:
            cells = _cells(line, len(header))
            row = _row({name: cells[index] for name, index in columns.items()}, number, shared)
        except _Refused as refused:
            report(Note(number, *refused.args))
            continue
        if not row.state:
            report(Note(number, "a known incident_state", f"{_UNKNOWN_STATE}: taken as unchanged", False))
        yield row


def _cells(line: bytes, width: int) -> list[str]:
    try:
        cells = next(csv.reader([line.decode()], strict=True))  # by line: no quote can swallow the next row
    except (UnicodeDecodeError, csv.Error) as error:
        raise _Refused("a row of comma-separated UTF-8", str(error)) from error
    if len(cells) != width:
        raise _Refused(f"{width} columns", str(len(cells)))
    return cells


def _row(values: dict[str, str], line: int, shared: dict[tuple[str, ...], dict[str, object]]) -> _Row:
    state = values["incident_state"]
    if state not in _STATES and state != _UNKNOWN_STATE:
        raise _Refused(f"incident_state: one of {', '.join(_STATES)}", repr(state))
    number = values["number"]
    if not number or number == _NULL:
        raise _Refused("number: the incident's number", repr(number))
    key = (values["priority"], values["caller_id"], *(values[column] for column in _ATTRIBUTES))
    return _Row(
        number=intern(number),
        at=_time(values, "sys_updated_at"),
        change=_count(values, "sys_mod_count"),
        line=line,
        state="" if state == _UNKNOWN_STATE else intern(state),
        reopened=_count(values, "reopen_count"),
        opened_at=_time(values, "opened_at"),
        by=intern(values["sys_updated_by"]),
        opened_by=intern(values["opened_by"]),
        symptom=intern(values["u_symptom"]),
        resolved_by=intern(values["resolved_by"]),
        attributes=shared.get(key) or shared.setdefault(key, _attributes(values)),
    )


def _attributes(values: dict[str, str]) -> dict[str, object]:
    priority = values["priority"]
    if priority != _NULL and priority not in SEVERITY:
        raise _Refused(f"priority: one of {', '.join(SEVERITY)} or {_NULL}", repr(priority))
    said: dict[str, object] = {
        "severity": SEVERITY.get(priority),
        "priority": None if priority == _NULL else priority,
        "customer": _customer(values["caller_id"]),
    }
    for column, (field, prefix) in _ATTRIBUTES.items():
        said[field] = None if values[column] == _NULL else prefix + values[column]
    return said


def _customer(caller: str) -> dict[str, object] | None:
    return None if caller == _NULL else {"id": f"Caller {caller}"}


def _time(values: dict[str, str], column: str) -> Instant:
    try:
        return from_datetime(datetime.strptime(values[column], "%d/%m/%Y %H:%M").replace(tzinfo=UTC))
    except ValueError:
        raise _Refused(f"{column}: a time such as 29/2/2016 01:16", repr(values[column])) from None


def _count(values: dict[str, str], column: str) -> int:
    text = values[column]
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise _Refused(f"{column}: a number from 0 to 999999", repr(text))
    return int(text)


class _Story:
    """The events of one incident, row by row."""

    def __init__(self, first: _Row) -> None:
        self.number = first.number
        self.state = "New"
        self.acknowledged = False
        self.reopened = first.reopened
        self.attributes = first.attributes
        self.told: dict[int, int] = {}
        """Events told of each sys_mod_count: a few incidents have one count twice."""

    def tell(self, rows: Sequence[_Row]) -> Iterator[Event]:
        """The opening, then what each row changes; never nothing."""
        yield self._opened(rows[0])
        yield from self._moved(rows[0])
        for row in rows[1:]:
            before = sum(self.told.values())
            yield from self._reopened(row)
            yield from self._changed(row)
            yield from self._moved(row)
            if sum(self.told.values()) == before:
                yield self._event(row, "updated", {})

    def _event(self, row: _Row, verb: str, data: dict[str, object]) -> Event:
        nth = self.told.get(row.change, 0)
        self.told[row.change] = nth + 1
        sequence = f"{row.change:06d}.{nth:02d}"
        identity = f"{self.number}-{sequence}"
        subject = f"uci:{self.number}"
        return Event(row.at, subject, sequence, f"incident.{verb}.v1", SOURCE, identity, data)

    def _opened(self, row: _Row) -> Event:
        said = {field: value for field, value in row.attributes.items() if value is not None}
        place = " / ".join(str(said[field]) for field in ("service", "component") if field in said)
        symptom = "" if row.symptom == _NULL else f": Symptom {row.symptom}"
        said["title"] = (place or "Incident") + symptom
        if row.opened_by != _NULL:
            said["reporter"] = f"Opened by {row.opened_by}"
        event = self._event(row, "opened", said)
        # Five incidents were opened after their first change, says the log: it knew no earlier than that.
        return event._replace(at=row.opened_at, recorded=max(row.at, row.opened_at))

    def _reopened(self, row: _Row) -> Iterator[Event]:
        ended = _STATES[self.state] in _ENDS
        goes_on = row.state != "" and _STATES[row.state] not in _ENDS
        if row.reopened > self.reopened or (ended and goes_on):
            yield self._event(row, "reopened", {"by": f"User {row.by}"})
            if ended:
                self.state = "Active"
        self.reopened = row.reopened

    def _changed(self, row: _Row) -> Iterator[Event]:
        before, self.attributes = self.attributes, row.attributes
        if before is row.attributes:
            return
        changed = {field: value for field, value in row.attributes.items() if value != before[field]}
        assigned = {f: changed.pop(f) for f in ("team", "owner") if changed.get(f) is not None}
        if changed:
            yield self._event(row, "updated", changed)
        if assigned:
            yield self._event(row, "assigned", assigned)

    def _moved(self, row: _Row) -> Iterator[Event]:
        if row.state == "" or row.state == self.state:
            return
        left, entered, self.state = _STATES[self.state], _STATES[row.state], row.state
        by: dict[str, object] = {"by": f"User {row.by}"}
        if left.startswith("pending"):
            yield self._event(row, "resumed", {"reason": left, **by})
        if not self.acknowledged and row.state != "New":
            self.acknowledged = True
            yield self._event(row, "acknowledged", by)
        if entered.startswith("pending"):
            yield self._event(row, "paused", {"reason": entered, **by})
        elif entered == "resolved":
            resolver = f"User {row.by}" if row.resolved_by == _NULL else f"Resolver {row.resolved_by}"
            yield self._event(row, "resolved", {"by": resolver})
        elif entered == "closed":
            yield self._event(row, "closed", by)
