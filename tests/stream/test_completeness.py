"""Up to when a partition's events are known, and what waits for its reader."""

from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP

from engine.core.alarms import Alarms
from engine.core.instants import MILLISECOND, MINUTE, NEVER, SECOND, Instant
from engine.settings import Settings
from engine.stream import completeness
from engine.stream.completeness import NOTHING_READ, Completeness
from engine.stream.timers import Timers

NOW = Instant(1_800_000_000 * SECOND)
TICKETS, INCIDENTS = TP("vigil.tickets.v1", 3), TP("vigil.incidents.v1", 3)
COMMANDS, ELSEWHERE = TP("vigil.commands.v1", 3), TP("vigil.tickets.v1", 4)


class Topics:
    """The source partitions as the group and the intake see them."""

    def __init__(self) -> None:
        self.ends: dict[TP, int | None] = dict.fromkeys((TICKETS, INCIDENTS, COMMANDS, ELSEWHERE), 10)
        self.taken: dict[TP, int] = dict.fromkeys(self.ends, 10)
        self.last: dict[TP, Instant] = {}
        self.told = 0

    def told_at(self, tp: TP) -> int | None:
        return self.told

    def end_of(self, tp: TP) -> int | None:
        return self.ends[tp]

    def expected(self, tp: TP) -> int | None:
        return self.taken[tp]

    def recorded(self, tp: TP) -> int | None:
        last = self.last.get(tp)
        return None if last is None else last * 1_000 // SECOND


def known(topics: Topics, heard: Mapping[TP, Instant] | None = None, **settings: Any) -> Completeness:
    made = Completeness(Settings(**settings), topics, topics)  # type: ignore[arg-type]  # it asks two questions
    made.begin(topics.ends, heard or {})
    return made


def test_where_nothing_lies_unread_it_is_now() -> None:
    assert known(Topics()).until(3, NOW) == NOW


def test_behind_it_is_the_recording_of_the_last_event_of_the_topic_that_is_furthest_behind() -> None:
    topics = Topics()
    topics.ends |= {TICKETS: 15, INCIDENTS: 12}
    topics.taken |= {TICKETS: 14, INCIDENTS: 11}
    topics.last |= {TICKETS: Instant(NOW - 60 * SECOND), INCIDENTS: Instant(NOW - 90 * SECOND)}
    assert known(topics).until(3, NOW) == NOW - 90 * SECOND
    topics.taken[INCIDENTS] = 12
    assert known(topics).until(3, NOW) == NOW - 60 * SECOND


def look(made: Completeness, topics: Topics, *seconds: float) -> None:
    """Looks so many seconds from NOW, a fetch before each."""
    for second in seconds:
        topics.told += 1
        assert made.until(3, Instant(NOW + int(second * SECOND))) == NOW + int(second * SECOND)


def test_what_comes_to_a_quiet_partition_was_recorded_since_nothing_lay_unread() -> None:
    topics = Topics()
    topics.last[TICKETS] = Instant(NOW - 3_600 * SECOND)
    made = known(topics)
    look(made, topics, 1, 2, 3)
    topics.ends[TICKETS] = 11
    topics.told += 1
    assert made.until(3, Instant(NOW + 4 * SECOND)) == NOW + SECOND
    assert made.until(3, Instant(NOW + 9 * SECOND)) == NOW + SECOND, "it waits"
    topics.taken[TICKETS], topics.ends[TICKETS] = 11, 12
    topics.last[TICKETS] = Instant(NOW + 3 * SECOND)
    assert made.until(3, Instant(NOW + 9 * SECOND)) == NOW + 3 * SECOND


def test_where_nothing_was_read_since_the_assignment_it_counts_from_its_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(completeness, "PATIENCE", 0.0)
    topics = Topics()
    made = known(topics)
    look(made, topics, 1, 2, 3)
    topics.ends[TICKETS] = 11
    assert made.until(3, Instant(NOW + 60 * SECOND)) == NOW + SECOND
    made.begin(topics.ends, {})
    assert made.until(3, Instant(NOW + 60 * SECOND)) == NOTHING_READ, "another assignment knows nothing of it"


def test_an_end_counts_only_from_a_look_before_the_fetch_that_told_it_was_sent() -> None:
    topics = Topics()
    topics.last[TICKETS] = Instant(NOW - 3_600 * SECOND)
    made = known(topics)
    look(made, topics, 1, 2, 3)
    for second in range(4, 40):  # no fetch comes: the end may have moved long ago
        made.until(3, Instant(NOW + second * SECOND))
    topics.ends[TICKETS] = 11
    topics.told += 1
    assert made.until(3, Instant(NOW + 41 * SECOND)) == NOW + SECOND


def test_of_a_backlog_the_first_record_is_waited_for_and_without_it_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topics = Topics()
    topics.ends[TICKETS] = 12
    made = known(topics)
    assert made.until(3, NOW) is None, "a second old or a day: it is not known yet"
    topics.taken[TICKETS], topics.last[TICKETS] = 11, Instant(NOW - SECOND)
    assert made.until(3, NOW) == NOW - SECOND
    monkeypatch.setattr(completeness, "PATIENCE", 0.0)
    topics.last.clear()
    assert made.until(3, NOW) == NOTHING_READ


def test_commands_and_other_partitions_have_no_part_in_it() -> None:
    topics = Topics()
    topics.ends |= {COMMANDS: 99, ELSEWHERE: 99}
    assert known(topics).until(3, NOW) == NOW


def test_silence_holds_it_where_something_is_expected() -> None:
    topics = Topics()
    topics.last |= {TICKETS: Instant(NOW - 20 * SECOND), INCIDENTS: Instant(NOW - 5 * SECOND)}
    assert known(topics).until(3, NOW) == NOW
    assert known(topics, heard_within=3).until(3, NOW) == NOW - 5 * SECOND
    assert known(topics, heard_within=10).until(3, NOW) == NOW, "heard on one of its topics"


def test_what_was_read_before_the_assignment_was_heard_too() -> None:
    heard = {INCIDENTS: Instant(NOW - 5 * SECOND)}
    assert known(Topics(), heard_within=10).until(3, NOW) == NOTHING_READ
    assert known(Topics(), heard, heard_within=10).until(3, NOW) == NOW
    assert known(Topics(), heard, heard_within=3).until(3, NOW) == NOW - 5 * SECOND
    topics = Topics()
    topics.last[TICKETS] = Instant(NOW - SECOND)
    assert known(topics, heard, heard_within=3).until(3, NOW) == NOW, "and what is read since counts"


class Recorded:
    """Partitions whose records were recorded so many seconds ago."""

    def __init__(self, **ago: list[float]) -> None:
        self._times = {
            tp: [int((NOW - s * SECOND) // MILLISECOND) for s in ago.get(tp.topic.split(".")[1], [])]
            for tp in (TICKETS, INCIDENTS, COMMANDS)
        }
        self.asked = 0

    async def first_since(self, tp: TP, at: Instant) -> tuple[int, int] | None:
        self.asked += 1
        assert tp != COMMANDS
        found = ((n, ms) for n, ms in enumerate(self._times[tp]) if ms * MILLISECOND >= at)
        return next(found, None)


@pytest.mark.parametrize(
    ("ago", "start", "last"),
    [
        ([900, 200, 100], 3, 100),
        ([900, 200, 100], 2, 200),
        ([900, 200, 100], 1, None),
        ([900], 1, None),
        ([250 - n / 10 for n in range(2_000)], 2_000, 50.1),
        ([250 - n / 10 for n in range(2_000)], 700, 180.1),
        ([0.2], 1, 0.2),
        ([], 0, None),
    ],
)
async def test_the_last_that_was_read_is_found_by_its_time(
    ago: list[float], start: int, last: float | None
) -> None:
    topics = Recorded(tickets=ago)
    made = Completeness(Settings(heard_within=300), topics, topics)  # type: ignore[arg-type]
    found = await made.last_heard({TICKETS: start, INCIDENTS: 0, COMMANDS: 5}, NOW)
    assert set(found) == ({TICKETS} if last is not None else set())
    if last is not None:
        assert last * SECOND - MILLISECOND <= NOW - found[TICKETS] <= (last + 1) * SECOND
    assert topics.asked < 20


async def test_where_nothing_is_expected_nobody_is_asked_and_where_nobody_answers_it_is_not_known() -> None:
    class Away(Recorded):
        async def first_since(self, tp: TP, at: Instant) -> tuple[int, int] | None:
            raise KafkaTimeoutError

    for within in (0, 300):
        made = Completeness(Settings(heard_within=within), Away(), Away())  # type: ignore[arg-type]
        assert await made.last_heard({TICKETS: 3}, NOW) == {}


def test_before_the_broker_tells_the_ends_nothing_is_said_of_it_and_then_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topics = Topics()
    topics.ends[INCIDENTS] = None
    made = known(topics)
    assert made.until(3, NOW) is None
    monkeypatch.setattr(completeness, "PATIENCE", 0.0)
    assert made.until(3, NOW) == NOTHING_READ


@pytest.mark.parametrize(
    ("bound", "behind", "found"), [(30, 30, NEVER), (30, 31, NOW - 31 * SECOND), (0, 999, NEVER)]
)
def test_only_further_behind_than_the_bound_is_behind(bound: float, behind: int, found: Instant) -> None:
    assert known(Topics(), behind_after=bound).bound(Instant(NOW - behind * SECOND), NOW) == found


def test_what_waits_is_asked_for_again_when_it_is_released_or_due_at_another_time() -> None:
    timers, alarms = Timers(), Alarms()
    timers.replace({3: alarms})
    due = Instant(NOW - MINUTE)
    alarms.push(due, "a")
    assert timers.take_due(NOW, ()) == {}, "not of this partition yet"
    assert timers.take_due(NOW, {3}) == {3: [(due, "a")]}
    alarms.wait(due, "a")
    alarms.push(due, "a")  # as a fact has the core ask that changes nothing
    assert timers.take_due(NOW, {3}) == {}
    alarms.push(Instant(due + 1), "a")
    assert timers.take_due(NOW, {3}) == {3: [(due + 1, "a")]}
    timers.release(3)
    assert timers.take_due(NOW, {3}) == {3: [(due, "a")]}
    assert timers.take_due(NOW, {3}) == {}
