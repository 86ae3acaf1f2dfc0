"""What an installation is sized by: bytes of events, outcomes and state; how fast a state is read back."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from engine.bench.backlog import preload
from engine.bench.loop import Say, Size, Where, on_own_topics, settings_for_bench, worker
from engine.bench.watching import NotTaken, watch
from engine.bench.workload import events, record
from engine.cli.reading import partitions_of, reader
from engine.core.recurrence import PREFIX
from engine.demo.child import Child
from engine.settings import Settings

_START_SECONDS = 60.0


class Sizes(NamedTuple):
    """Bytes are of key, value and headers, as they lie uncompressed on a topic."""

    events: int
    escalations: int
    """Of which the state holds something at the end."""
    event_bytes: float
    outcomes_an_event: float
    outcome_bytes: float
    state_bytes: float
    """An escalation, its history and its share of the patterns: what compaction leaves."""
    state_records: float
    """Of the changelog, an escalation, after compaction."""
    changelog_bytes_an_event: float
    """Written before compaction. Less than in quiet work, where an event does not share its transaction."""
    memory_bytes: float | None
    """Resident memory an escalation, above that of a worker without any; None where it is not told."""
    worker_bytes: float | None
    """Resident, of a worker without any escalation."""
    recovery_records: int
    recovery_seconds: float
    """From the assignment to the first event that it would take, reading those records back."""


def measure_sizes(where: Where, size: Size, say: Say) -> Sizes:
    """NotTaken where a worker does not start, ends, or does not take all."""
    settings = settings_for_bench(where, size.partitions, "events")
    with on_own_topics(settings):
        say("sizing: a worker without state")
        with worker(settings) as child:
            _recovered(child)
            empty = _resident(child)
        say(f"sizing: one worker takes {size.events:,} events")
        made = (record(event) for event in events(size.escalations, size.events))
        counts = asyncio.run(preload(settings, settings.tickets_topic, made))
        with worker(settings) as child:
            watch(settings, settings.tickets_topic, counts, child, patience=size.patience)
        held, written = _state(settings)  # before the next worker goes on: what it reads back
        say("sizing: another reads its state back")
        with worker(settings) as child:
            recovered = _recovered(child)
            full = _resident(child)
        say("sizing: counting bytes")
        taken = _bytes(settings, settings.tickets_topic)
        said = _bytes(settings, settings.outcomes_topic)
    subjects = {key.split(b"\0")[0] for key in held}
    escalations = sum(not subject.startswith(PREFIX.encode()) for subject in subjects)
    return Sizes(
        events=size.events,
        escalations=escalations,
        event_bytes=taken.bytes / taken.records,
        outcomes_an_event=said.records / size.events,
        outcome_bytes=said.bytes / said.records,
        state_bytes=sum(held.values()) / escalations,
        state_records=len(held) / escalations,
        changelog_bytes_an_event=written.bytes / size.events,
        memory_bytes=None if full is None or empty is None else (full - empty) / escalations,
        worker_bytes=empty,
        recovery_records=recovered["records"],
        recovery_seconds=recovered["seconds"],
    )


def _recovered(child: Child) -> dict[str, Any]:
    """What the worker logs when it has read its state back; NotTaken where it does not."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and child.running:
        for line in child.log.read_text(errors="replace").splitlines():
            if '"event": "recovered"' in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.1)
    raise NotTaken(f"a worker did not recover in {_START_SECONDS:.0f} s\n{child.last_lines()}")


def _resident(child: Child) -> int | None:
    """Bytes; None where the system does not tell."""
    try:
        status = Path(f"/proc/{child.pid}/status").read_text()
    except OSError:
        return None
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kilobytes) * 1024


class _Total(NamedTuple):
    records: int
    bytes: int


def _bytes(settings: Settings, topic: str) -> _Total:
    sizes = [_length(one) for one in _records(settings, topic)]
    return _Total(len(sizes), sum(sizes))


def _state(settings: Settings) -> tuple[dict[bytes, int], _Total]:
    """Bytes by key, of the last record of each that is still there; and all that was written."""
    held: dict[bytes, int] = {}
    records = written = 0
    for one in _records(settings, settings.changelog_topic):
        records += 1
        written += _length(one)
        if one.value is None:
            held.pop(one.key, None)
        else:
            held[one.key] = _length(one)
    return held, _Total(records, written)


def _length(one: Any) -> int:
    headers = sum(len(name) + len(value) for name, value in one.headers)
    return len(one.key or b"") + len(one.value or b"") + headers


def _records(settings: Settings, topic: str) -> Iterator[Any]:
    """All that is committed."""
    consumer = reader(settings, "earliest")
    try:
        partitions = partitions_of(consumer, [topic])
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while left := [one for one in partitions if consumer.position(one) < ends[one]]:
            consumer.pause(
                *(one for one in partitions if one not in left)
            )  # waiting for those is for nothing
            for found in consumer.poll(timeout_ms=200).values():
                yield from found
    finally:
        consumer.close(autocommit=False)
