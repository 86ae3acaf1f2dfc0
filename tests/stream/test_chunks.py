"""Chunks must join: what is accepted, what is dropped, what is read again, and what is acknowledged."""

from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from engine.stream.chunks import Chunk, ChunkConsumer, PositionedRecords
from engine.stream.intake import Intake, Verdict

TICKETS = TP("tickets", 1)


def record(offset: int) -> Any:
    return SimpleNamespace(offset=offset, timestamp=1_700_000_000_000 + offset)


def chunk(start: int, end: int, *, generation: int = 7, offsets: list[int] | None = None) -> Chunk:
    records = PositionedRecords(record(o) for o in (range(start, end) if offsets is None else offsets))
    records.start, records.end = start, end
    return Chunk(TICKETS, records, generation)


@pytest.fixture
def intake() -> Intake:
    made = Intake()
    made.begin(TICKETS, 7, 100)
    return made


def test_chunks_that_join_are_accepted_in_turn(intake: Intake) -> None:
    assert intake.judge(chunk(100, 110)) is Verdict.ACCEPT
    assert intake.judge(chunk(110, 111)) is Verdict.ACCEPT
    assert intake.expected(TICKETS) == 111


def test_a_chunk_behind_a_dropped_one_is_a_hole_and_moves_nothing(intake: Intake) -> None:
    assert intake.judge(chunk(105, 110)) is Verdict.HOLE
    assert intake.expected(TICKETS) == 100
    assert intake.judge(chunk(100, 110)) is Verdict.ACCEPT


def test_the_first_chunk_must_start_where_the_group_committed(intake: Intake) -> None:
    assert intake.judge(chunk(101, 110)) is Verdict.HOLE


def test_a_chunk_that_was_taken_before_is_seen(intake: Intake) -> None:
    intake.judge(chunk(100, 110))
    assert intake.judge(chunk(100, 110)) is Verdict.SEEN
    assert intake.judge(chunk(104, 106)) is Verdict.SEEN


def test_of_a_chunk_that_overlaps_only_the_new_records_are_taken(intake: Intake) -> None:
    intake.judge(chunk(100, 110))
    overlapping = chunk(105, 115)
    assert intake.judge(overlapping) is Verdict.ACCEPT
    assert [r.offset for r in overlapping.records] == [110, 111, 112, 113, 114]
    assert intake.overlapped == 5


def test_gaps_of_compaction_and_markers_inside_a_chunk_are_no_hole(intake: Intake) -> None:
    assert intake.judge(chunk(100, 120, offsets=[100, 103, 118])) is Verdict.ACCEPT
    assert intake.judge(chunk(120, 121)) is Verdict.ACCEPT


def test_markers_alone_make_a_chunk_that_moves_the_position(intake: Intake) -> None:
    markers = chunk(100, 102, offsets=[])
    assert markers.offset == 101
    assert intake.judge(markers) is Verdict.ACCEPT
    assert intake.expected(TICKETS) == 102


def test_a_chunk_of_an_earlier_generation_is_never_accepted(intake: Intake) -> None:
    assert intake.judge(chunk(100, 110, generation=6)) is Verdict.SEEN
    assert intake.expected(TICKETS) == 100


def test_after_a_reset_the_committed_offset_decides_again(intake: Intake) -> None:
    intake.judge(chunk(100, 110))
    intake.reset()
    assert intake.expected(TICKETS) is None


def consumer(*, commits_offsets: bool) -> Any:
    """A ChunkConsumer with the books that `ack` keeps, and nothing else of Faust."""
    made: Any = ChunkConsumer.__new__(ChunkConsumer)
    made.app = SimpleNamespace(
        shell=SimpleNamespace(commits_offsets=commits_offsets, takes_chunks=lambda topic: topic == "tickets"),
        tables=SimpleNamespace(changelog_topics=set()),
        consumer_generation_id=7,
    )
    made._unacked_messages = set()
    made._acked = {TICKETS: []}
    made._n_acked = 0
    made._thread = SimpleNamespace(tp_last_committed_at={})
    return made


class Message:
    def __init__(self, value: Chunk) -> None:
        self.value, self.topic, self.tp, self.acked = value, value.topic, TICKETS, False


@pytest.mark.parametrize(("done", "generation"), [(False, 7), (True, 6)])
def test_what_faust_skips_is_never_committed(done: bool, generation: int) -> None:
    faust = consumer(commits_offsets=False)
    skipped = chunk(100, 110, generation=generation)
    skipped.done = done
    assert faust.ack(Message(skipped)) is False
    assert faust._new_offset(TICKETS) is None


def test_a_chunk_that_is_done_commits_the_position_behind_it() -> None:
    faust = consumer(commits_offsets=False)
    for done in (chunk(100, 110, offsets=[100]), chunk(110, 125, offsets=[111])):
        done.done = True
        assert faust.ack(Message(done)) is True
    assert faust._new_offset(TICKETS) == 125
    assert faust._new_offset(TICKETS) is None, "an offset is committed once"


def test_with_transactions_faust_has_nothing_to_commit() -> None:
    faust = consumer(commits_offsets=True)
    done = chunk(100, 110)
    done.done = True
    assert faust.ack(Message(done)) is True
    assert faust._new_offset(TICKETS) is None
    assert TICKETS in faust._thread.tp_last_committed_at
