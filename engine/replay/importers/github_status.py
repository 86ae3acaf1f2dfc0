"""GitHub's public status-page incidents (mrshu/github-statuses, one JSON object a line).

Every update is an update to the customers; the first one opens the incident, `Resolved` and `Completed` (of a
maintenance) resolve it. The resolving update counts as published after the resolution, for it tells of it.
"""

from collections.abc import Iterator

import orjson

from engine.contract.moments import read_moment
from engine.core.instants import Instant
from engine.replay.events import Event
from engine.replay.importers import Lines, Note, Report

SOURCE = "https://www.githubstatus.com"
SEVERITY = {"critical": "P0", "major": "P1", "minor": "P2", "none": "P3", "maintenance": "P3"}
_RESOLVES = ("Resolved", "Completed")


class _Refused(Exception):
    """(expected, found) of the first thing in an incident that cannot be understood."""


def convert(lines: Lines, report: Report) -> Iterator[Event]:
    """The events of all incidents, in the order of the file; an incident is taken whole or left out."""
    for number, line in lines:
        try:
            yield from _incident(line)
        except _Refused as refused:
            report(Note(number, *refused.args))


def _incident(line: bytes) -> list[Event]:
    try:
        incident = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _Refused("a JSON object", f"{line[:40].decode(errors='replace')!r} ({error})") from error
    if not isinstance(incident, dict):
        raise _Refused("a JSON object", type(incident).__name__)
    name = _text(incident, "id")
    impact = _text(incident, "impact")
    if impact not in SEVERITY:
        raise _Refused(f"impact: one of {', '.join(SEVERITY)}", repr(impact))
    updates = incident.get("updates")
    if not isinstance(updates, list) or not updates:
        raise _Refused("updates: a list with at least one", repr(updates)[:40])
    told = _Teller(name)
    for index, update in enumerate(updates):
        if not isinstance(update, dict):
            raise _Refused(f"updates[{index}]: an object", repr(update)[:40])
        at, status = _time(update, index), _text(update, "status", f"updates[{index}].status")
        if index == 0:
            told.event(at, "opened", _opening(incident, impact))
        if status in _RESOLVES:
            told.event(at, "resolved", {"by": "GitHub"})  # a status does not say what resolved it
        data: dict[str, object] = {"audience": "customer"}
        if status in _RESOLVES:
            data["final"] = True
        told.event(at, "update_published", data)
    return told.events


class _Teller:
    """Collects the events of one incident; the sequence is the order of telling."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.events: list[Event] = []

    def event(self, at: Instant, verb: str, data: dict[str, object]) -> None:
        sequence = f"{len(self.events):04d}"
        identity = f"{self.name}-{sequence}"
        subject = f"github-status:{self.name}"
        self.events.append(Event(at, subject, sequence, f"incident.{verb}.v1", SOURCE, identity, data))


def _opening(incident: dict[str, object], impact: str) -> dict[str, object]:
    data: dict[str, object] = {
        "title": _text(incident, "title"),
        "severity": SEVERITY[impact],
        "service": "GitHub",
        "tags": [f"impact:{impact}"],
    }
    components = incident.get("components")
    if isinstance(components, list) and components and all(isinstance(one, str) for one in components):
        data["component"] = ", ".join(components)
    return data


def _text(values: dict[str, object], field: str, path: str = "") -> str:
    value = values.get(field)
    if not isinstance(value, str) or not value:
        raise _Refused(f"{path or field}: a text", repr(value)[:40])
    return value


def _time(update: dict[str, object], index: int) -> Instant:
    text = _text(update, "at", f"updates[{index}].at")
    try:
        return read_moment(text)
    except ValueError as error:
        raise _Refused(f"updates[{index}].at: a time such as 2022-03-26T01:43:00Z", repr(text)) from error
