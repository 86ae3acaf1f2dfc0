"""Watches a consumer group take a backlog, from outside: by what it has committed."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from engine.demo.child import Child
from engine.settings import Settings

POLL_SECONDS = 0.05


class NotTaken(Exception):
    """The backlog was not taken, or in no time that can be measured; the message says which."""


class Taken(NamedTuple):
    """A stretch of steady work."""

    records: int
    """Those committed after the first commit that was seen: none, where that one held the whole backlog."""
    seconds: float

    @property
    def rate(self) -> float:
        """Records a second; NotTaken where there is nothing to measure."""
        if not self.records:
            raise NotTaken("the whole backlog was in the first commit: too small to measure anything")
        return self.records / self.seconds


def watch(settings: Settings, topic: str, counts: Sequence[int], worker: Child, *, patience: float) -> Taken:
    """Wait until the group has committed the whole backlog; `counts` is its records by partition.

    The clock runs from the first commit that is seen, and what was committed by then does not count: the
    start of the process, its recovery and its first fetch are not throughput. NotTaken, with how far it went
    and what the worker said last, where the worker ends before or patience (seconds) does.
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
                return Taken(max(sum(counts) - first.records, 0), max(now - first.seconds, POLL_SECONDS))
            time.sleep(POLL_SECONDS)
    finally:
        admin.close()
    how_far = f"{done:,} of {sum(counts):,} records taken in {time.monotonic() - began:.0f} s"
    raise NotTaken(f"{how_far}\n{worker.last_lines()}")


def _committed(admin: KafkaAdminClient, group: str, topic: str) -> dict[int, int]:
    """Positions by partition; empty before the first commit."""
    try:
        offsets = admin.list_group_offsets({group: None})[group]
    except KafkaError:
        return {}
    return {tp.partition: found.offset for tp, found in offsets.items() if tp.topic == topic}
