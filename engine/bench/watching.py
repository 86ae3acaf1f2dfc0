"""Watches a consumer group take a backlog, from outside: by what it has committed."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from engine.demo.child import Child
from engine.settings import Settings

POLL_SECONDS = 0.05


class Taken(NamedTuple):
    """A stretch of steady work."""

    records: int
    seconds: float

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


class NotTaken(Exception):
    """The backlog was not taken; the message says how far it went and what the process said last."""


def watch(settings: Settings, topic: str, counts: Sequence[int], worker: Child, *, patience: float) -> Taken:
    """Wait until the group has committed the whole backlog; `counts` is its records by partition.

    The clock runs from the first commit that is seen, and what was committed by then does not count: the
    start of the process, its recovery and its first fetch are not throughput.
    """
    admin = KafkaAdminClient(**settings.client_options())
    began = time.monotonic()
    first: Taken | None = None
    done = 0
    try:
        while time.monotonic() - began < patience and worker.running:
            positions = _committed(admin, settings.app_id, topic)
            now, done = time.monotonic(), sum(positions.values())
            if done and first is None:
                first = Taken(done, now)
            # A position is past the last record where a transaction's marker follows it.
            if first is not None and all(positions.get(at, 0) >= count for at, count in enumerate(counts)):
                return _stretch(sum(counts), first, now)
            time.sleep(POLL_SECONDS)
    finally:
        admin.close()
    how_far = f"{done:,} of {sum(counts):,} records taken in {time.monotonic() - began:.0f} s"
    raise NotTaken(f"{how_far}\n{worker.last_lines()}")


def _stretch(total: int, first: Taken, now: float) -> Taken:
    records = total - first.records
    if records <= 0:
        raise NotTaken(f"all {total:,} records were in the first commit: too few to measure anything")
    return Taken(records, max(now - first.seconds, POLL_SECONDS))


def _committed(admin: KafkaAdminClient, group: str, topic: str) -> dict[int, int]:
    """Positions by partition; empty before the first commit."""
    try:
        offsets = admin.list_group_offsets({group: None})[group]
    except KafkaError:
        return {}
    return {tp.partition: found.offset for tp, found in offsets.items() if tp.topic == topic}
