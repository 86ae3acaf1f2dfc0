"""What is open, since when, and due next, by severity: found in the stored heads, a slice at a time."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from engine.core.decide import head
from engine.core.instants import NEVER, SECOND
from engine.core.recurrence import PREFIX

_PATTERN = PREFIX.encode()
SLICE = 5_000
"""Heads at a time, some 5 ms: chunks wait no longer than that."""


class Standing(NamedTuple):
    """Of one partition."""

    open_by_severity: Mapping[str, int]
    """"" is what waits for its opening."""
    next_due_by_severity: Mapping[str, float]
    """Unix seconds."""
    patterns_by_severity: Mapping[str, int]
    """Those that owe their flag: a pattern is no escalation."""
    oldest_by_severity: Mapping[str, float]
    """Unix seconds of the opening of the open escalation that was opened first."""


async def standing(records: Mapping[bytes, bytes]) -> Standing:
    """Count one partition's escalations. Changes made meanwhile are seen or not, as it falls."""
    count: Counter[str] = Counter()
    patterns: Counter[str] = Counter()
    soonest: dict[str, int] = {}
    oldest: dict[str, int] = {}
    for number, (key, record) in enumerate(list(records.items())):
        if b"\0" not in key:
            at = head(record)
            if at.is_open or not at.severity:
                is_pattern = key.startswith(_PATTERN)
                (patterns if is_pattern else count)[at.severity] += 1
                if at.is_open and not is_pattern:
                    oldest[at.severity] = min(at.opened, oldest.get(at.severity, NEVER))
                if at.deadline < soonest.get(at.severity, NEVER):
                    soonest[at.severity] = at.deadline
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    return Standing(count, _seconds(soonest), patterns, _seconds(oldest))


def _seconds(instants: Mapping[str, int]) -> dict[str, float]:
    return {severity: instant / SECOND for severity, instant in instants.items()}
