"""A recovery leaves nothing out: chunks of the changelog join, in whatever order Faust hands them over.

Faust's own `Recovery` runs here, over a consumer that notes what is sought. On a real broker:
`test_interrupted_recovery.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from engine.settings import Settings
from engine.stream.app import FaustGroup, VigilApp, faust_app
from engine.stream.chunks import Chunk, PositionedRecords
from engine.stream.table import StateTable


class Consumer:
    """What recovery asks of Faust's consumer. `earliest`: where the log begins."""

    def __init__(self, earliest: int = 0) -> None:
        self.earliest = earliest
        self.sought: list[int] = []
        self.away = False

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, self.earliest)

    async def seek_wait(self, offsets: dict[TP, int]) -> None:
        if self.away:
            raise IllegalStateError("no assignment")
        self.sought += offsets.values()


def chunk_of(tp: TP, start: int, end: int) -> Any:
    records = PositionedRecords(
        SimpleNamespace(offset=offset, key=b"key %d" % offset, value=b"%d" % offset, headers=())
        for offset in range(start, end)
    )
    records.start, records.end = start, end
    return SimpleNamespace(message=SimpleNamespace(value=Chunk(tp, records, 1), tp=tp, offset=end - 1))


class Recovering:
    """A recovery under way of a partition."""

    def __init__(self, app: VigilApp, table: StateTable, consumer: Consumer) -> None:
        self.app, self.table, self.consumer = app, table, consumer
        self.tp = TP(table.changelog_topic_name, 0)

    async def reads(self, *chunks: tuple[int, int]) -> None:
        for start, end in chunks:
            self.app.tables.changelog_queue.put_nowait(chunk_of(self.tp, start, end))
        await asyncio.sleep(0.02)
        assert self.app.tables.changelog_queue.empty()

    @property
    def offsets_held(self) -> list[int]:
        return sorted(int(value) for value in self.table.held(0).values())

    @property
    def taken_for_read(self) -> int:
        """By Faust."""
        return self.app.tables.recovery.active_offsets[self.tp]


@asynccontextmanager
async def recovering(earliest: int = 0) -> AsyncIterator[Recovering]:
    app, table = faust_app(Settings(), 1)
    consumer = Consumer(earliest)
    app.consumer = consumer  # type: ignore[assignment]
    found = Recovering(app, table, consumer)
    table.hold_only({0})
    recovery: Any = app.tables.recovery
    recovery.add_active(table, found.tp)
    slurping = asyncio.create_task(recovery._slurp_changelogs.fun(recovery))
    try:
        yield found
    finally:
        slurping.cancel()


async def test_a_chunk_that_an_interrupted_recovery_left_makes_no_hole() -> None:
    async with recovering() as it:
        await it.reads((0, 20), (60, 80))
        assert it.offsets_held == list(range(20))
        assert it.taken_for_read == 19, "else all below would be skipped, and recovery would be over"
        assert it.consumer.sought == [20]
        await it.reads((20, 40), (40, 60), (60, 80))
        assert it.offsets_held == list(range(80))
        assert it.table.last_offset == {0: 79}
        assert it.consumer.sought == [20]


async def test_what_was_read_is_applied_at_once() -> None:
    """Not when Faust's buffer is full: a rebalance between would find the offset and the state apart."""
    async with recovering() as it:
        await it.reads((0, 20))
        assert it.offsets_held == list(range(20))
        assert it.table.persisted_offset(it.tp) == 19


async def test_a_chunk_that_was_read_in_part_is_applied_in_part() -> None:
    async with recovering() as it:
        await it.reads((0, 20))
        it.table.held(0)[b"key 5"] = b"500"
        await it.reads((4, 30))
        assert it.offsets_held == sorted([*range(5), *range(6, 30), 500])
        assert it.consumer.sought == []


async def test_a_log_whose_beginning_was_deleted_is_read_from_where_it_begins() -> None:
    async with recovering(earliest=100) as it:
        await it.reads((100, 120), (120, 130))
        assert it.offsets_held == list(range(100, 130))
        assert it.consumer.sought == []
        await it.reads((150, 160))
        assert it.consumer.sought == [130]


async def test_a_chunk_of_a_partition_that_was_lost_does_not_pass_for_its_state() -> None:
    """It is on its way while the partition goes, and is applied behind that; when the partition comes back,
    all before it would be missing."""
    async with recovering() as it:
        await it.reads((0, 20), (20, 40))
        recovery = it.app.tables.recovery
        it.table.hold_only(set())
        await it.reads((40, 60))
        recovery.revoke(it.tp)
        recovery.active_tps.clear()
        await it.reads((60, 80))
        recovery.flush_buffers()
        assert it.table.partitions_held == {}
        it.table.hold_only({0})
        recovery.add_active(it.table, it.tp)
        assert it.offsets_held == []
        assert it.table.persisted_offset(it.tp) == it.taken_for_read == -1
        assert it.consumer.sought == []


async def test_a_rebalance_while_the_hole_is_found_leaves_it_to_the_next_recovery() -> None:
    async with recovering() as it:
        it.consumer.away = True
        await it.reads((40, 60))
        assert it.offsets_held == []
        assert it.taken_for_read == -1


@pytest.mark.parametrize("told", [True, False])
async def test_a_partition_that_was_lost_and_came_back_is_read_from_its_beginning(told: bool) -> None:
    """Faust skips an assignment that the next has overtaken, and remembers where it was before it."""
    async with recovering() as it:
        await it.reads((0, 20))
        recovery = it.app.tables.recovery
        it.table.hold_only(set())
        if told:
            recovery.revoke(it.tp)
        it.table.hold_only({0})
        recovery.add_active(it.table, it.tp)
        assert it.taken_for_read == -1


async def test_between_an_assignment_and_the_start_of_its_recovery_no_other_counts() -> None:
    async with recovering() as it:
        app, recovery = it.app, it.app.tables.recovery
        group = FaustGroup(app, frozenset())
        app.consumer_generation_id = recovery._generation_id = 4
        assert not group.recovers_again()
        app.consumer_generation_id = 5  # told by the group
        assert group.recovers_again()
        recovery.signal_recovery_start.set()
        recovery._generation_id = 5
        assert group.recovers_again(), "the one before may still be called complete"
        recovery.signal_recovery_start.clear()
        assert not group.recovers_again()


def test_what_recovery_left_out_is_known() -> None:
    _, table = faust_app(Settings(), 4)
    table.hold_only({0, 1, 2})
    table.last_offset |= {0: 9, 1: 9}
    assert table.unread({0: 9, 1: 10, 2: -1, 3: 7}) == {1: (9, 10)}
    assert table.unread({2: 0}) == {2: (-1, 0)}
