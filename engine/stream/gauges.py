"""What is open and due next, by severity: counted by going over the stored heads, a slice at a time."""

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


async def standing(records: Mapping[bytes, bytes]) -> Standing:
    """Count one partition's escalations. Changes made meanwhile are seen or not, as it falls."""
    count: Counter[str] = Counter()
    patterns: Counter[str] = Counter()
    soonest: dict[str, int] = {}
    for number, (key, record) in enumerate(list(records.items())):
        if b"\0" not in key:
            at = head(record)
            if at.is_open or not at.severity:
                (patterns if key.startswith(_PATTERN) else count)[at.severity] += 1
                if at.deadline < soonest.get(at.severity, NEVER):
                    soonest[at.severity] = at.deadline
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
    return Standing(count, {severity: due / SECOND for severity, due in soonest.items()}, patterns)
