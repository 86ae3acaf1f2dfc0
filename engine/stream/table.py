"""The state of the partitions that this worker owns: a dict of bytes each; Faust recovers them."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

import structlog
from aiokafka.errors import IllegalStateError
from faust.tables.manager import TableManager
from faust.tables.table import Table
from faust.types import TP, EventT

from engine.stream.chunks import Chunk
from engine.stream.ending import in_doubt

log = structlog.stdlib.get_logger("vigil.stream")

EPOCH = "vigil_epoch"
"""Header of a changelog record: which assignment wrote it. For acknowledged delivery, without fences."""


class StateTable(Table[bytes, bytes]):
    """Faust orchestrates recovery; nothing is written through Faust.

    Faust's own stores keep the keys of partitions that were lost, and give no partition's keys alone.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.partitions_held: dict[int, dict[bytes, bytes]] = {}
        self.last_offset: dict[int, int] = {}
        """Of each partition's changelog: the last offset that the dict holds, our commit markers included."""
        self.applied = 0
        """Changelog records read since the last recovery began."""
        self.epochs: dict[int, int] = {}
        """The highest epoch seen in each partition's changelog."""
        self.own_epochs: dict[int, int] = {}
        """The epoch that we write each partition with that we hold since the last recovery."""
        self.to_repair: dict[int, set[bytes]] = {}
        """Keys whose last changelog record is an earlier owner's that came late."""
        self._epoch_of_key: dict[int, dict[bytes, int]] = {}
        self.before_recovery: Callable[[set[int]], Coroutine[Any, Any, None]] | None = None
        """Called at each assignment with the partitions owned, before recovery reads highwaters."""

    def held(self, partition: int) -> dict[bytes, bytes]:
        """The records of one partition, by table key."""
        found = self.partitions_held.get(partition)
        if found is None:
            found = self.partitions_held[partition] = {}
        return found

    async def on_changelog_event(self, event: EventT[Any]) -> None:
        """Take what recovery has read: a message whose value is a chunk.

        A rebalance in the middle of a recovery leaves a chunk of the one before on its way, and Faust takes
        all up to it for read. So chunks must join here too; what is missing is read again.
        """
        chunk: Chunk = event.message.value  # type: ignore[assignment]
        try:
            if not self.take(chunk):
                await self._read_again(chunk)
        except Exception as error:  # Faust would log it and go on
            in_doubt("recovery", error, partition=chunk.partition)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Nothing: each was taken when it came. Faust looks at its buffer too late to fill a hole."""

    def take(self, chunk: Chunk, earliest: int = 0) -> bool:
        """Apply a chunk of the changelog, which begins at `earliest`. False: something before it is missing.

        Of a partition that is not ours any more, nothing is applied, and nothing is missing.
        """
        number = chunk.partition
        if number not in self.partitions_held:
            return True
        expected = self.last_of(number) + 1
        if chunk.start > max(expected, earliest):
            return False
        chunk.drop_before(expected)
        self._apply(chunk)
        self.last_offset[number] = max(expected - 1, chunk.offset)
        self.applied += len(chunk.records)
        return True

    async def _read_again(self, chunk: Chunk) -> None:
        consumer, recovery = self.app.consumer, cast(TableManager, self.app.tables).recovery
        expected = self.last_of(chunk.partition) + 1
        earliest = (await consumer.earliest_offsets(chunk.tp))[chunk.tp]
        if self.take(chunk, earliest):
            return
        log.info("changelog_hole", partition=chunk.partition, expected=expected, got=chunk.start)
        recovery.active_offsets[chunk.tp] = expected - 1
        with suppress(IllegalStateError):  # a rebalance took the partition; another recovery follows
            await consumer.seek_wait({chunk.tp: expected})

    def unread(self, highwaters: Mapping[int, int]) -> dict[int, tuple[int, int]]:
        """What a recovery has left out: partition → our last offset, and the last that it found there."""
        found = {number: self.last_of(number) for number in self.partitions_held}
        return {n: (last, highwaters[n]) for n, last in found.items() if last < highwaters.get(n, -1)}

    def _apply(self, chunk: Chunk) -> None:
        held = self.held(chunk.partition)
        for record in chunk.records:
            if record.headers and self._is_late(chunk.partition, record):
                continue
            key = record.key or b""  # a compacted topic takes no record without
            if record.value is None:
                held.pop(key, None)
            else:
                held[key] = record.value

    def _is_late(self, partition: int, record: Any) -> bool:
        """True for a write of an earlier owner that landed after the next owner's for the same key."""
        epoch = next((int(value) for name, value in record.headers if name == EPOCH), 0)
        self.epochs[partition] = max(self.epochs.get(partition, 0), epoch)
        seen = self._epoch_of_key.setdefault(partition, {})
        # Of a partition that was kept only what others wrote meanwhile is read, and what we hold is ours.
        if epoch < seen.get(record.key, self.own_epochs.get(partition, 0)):
            self.to_repair.setdefault(partition, set()).add(record.key)
            return True
        seen[record.key] = epoch
        self.to_repair.get(partition, set()).discard(record.key)
        return False

    def forget_epochs(self) -> None:
        """Recovery is over: which epoch wrote which key is of no more use."""
        self._epoch_of_key.clear()
        self.to_repair.clear()

    def persisted_offset(self, tp: TP) -> int:
        """Recovery starts behind this offset: a partition that was kept is not read again.

        -1 where nothing is held: for None, Faust would go on where it once was, be the partition lost since.
        """
        return self.last_of(tp.partition)

    def last_of(self, partition: int) -> int:
        """The last offset of its changelog that the dict holds; -1: none."""
        return self.last_offset.get(partition, -1)

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Forget what was lost, and bar earlier owners: recovery must read nothing that may still change."""
        try:
            owned = self.owned_partitions()
            self.hold_only(owned)
            if self.before_recovery is not None:
                await self.before_recovery(owned)
        except Exception as error:
            in_doubt("taking_partitions", error)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    def owned_partitions(self) -> set[int]:
        """The partition numbers of the assignment in force."""
        actives = self.app.assignor.assigned_actives()
        return {tp.partition for tp in actives if tp.topic == self.changelog_topic_name}

    def hold_only(self, owned: set[int]) -> None:
        """Drop every partition that is not owned; what is, is held, be it empty."""
        for known in (
            self.partitions_held,
            self.last_offset,
            self.epochs,
            self.own_epochs,
            self.to_repair,
            self._epoch_of_key,
        ):
            for partition in [p for p in known if p not in owned]:
                del known[partition]
        for partition in owned:
            self.held(partition)
