"""GitHub's status log counted without the engine: openings, resolutions, updates in time and missed.

What the policy of deploy/policies-github owes is said again here.
"""

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

SEVERITY = {"critical": "P0", "major": "P1", "minor": "P2", "none": "P3", "maintenance": "P3"}
ENDS = ("Resolved", "Completed")
RESOLVE = {"P0": timedelta(hours=4), "P1": timedelta(hours=8), "P2": timedelta(hours=24)}
EVERY = {"P0": timedelta(minutes=30), "P1": timedelta(hours=1), "P2": timedelta(hours=2)}


class Said(NamedTuple):
    what: str
    """opened, or the metric."""
    name: str
    month: str
    severity: str
    seconds: float = 0


def count(path: Path) -> Iterator[Said]:
    """Everything that there is to count, incident by incident."""
    with gzip.open(path, "rt") as log:
        for line in log:
            incident = json.loads(line)
            severity = SEVERITY[incident["impact"]]
            updates = [(_time(one["at"]), one["status"]) for one in incident["updates"]]
            updates.sort(key=lambda update: update[0])
            began = updates[0][0]
            yield Said("opened", "", _month(began), severity)
            ends = [at for at, status in updates if status in ENDS]
            if severity in RESOLVE:
                yield from _resolved(severity, began, ends)
                yield from _updated(severity, updates)


def _resolved(severity: str, began: datetime, ends: list[datetime]) -> Iterator[Said]:
    due = began + RESOLVE[severity]
    late = bool(ends) and ends[0] > due
    if late:
        yield Said("resolve", "breached", _month(due), severity)
    if ends:
        took = (ends[0] - began).total_seconds()
        yield Said("resolve", "late" if late else "met", _month(ends[0]), severity, took)


def _updated(severity: str, updates: list[tuple[datetime, str]]) -> Iterator[Said]:
    """After the resolution one more is owed, unless there was one at that very time (rule Cadence 5)."""
    every, (last, _) = EVERY[severity], updates[0]
    for number, (at, status) in enumerate(updates):
        if status in ENDS and number and at == last:
            return
        due, missed = last + every, False
        while due < at:
            yield Said("customer_update", "breached", _month(due), severity)
            due, missed = due + every, True
        yield Said("customer_update", "late" if missed else "met", _month(at), severity)
        if status in ENDS:
            return
        last = at


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _month(at: datetime) -> str:
    return f"{at:%Y-%m}"
