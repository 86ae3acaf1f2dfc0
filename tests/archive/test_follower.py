"""What a follower does between a topic and a database, of which either may be away, or not be what it was."""

from collections.abc import Callable, Collection, Iterator, Sequence
from threading import Event, Thread
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from kafka import TopicPartition
from kafka.errors import UnknownTopicOrPartitionError
from sqlalchemy.exc import OperationalError

from engine.sql import following
from engine.sql.following import Follower, TopicMadeAnew
from engine.sql.offsets import Advance, Overtaken
from one_partition import OnePartition

ONE = TopicPartition("topic", 0)


class Topic(OnePartition):
    """As a consumer of one partition reads it: texts; None is no record, but the end of a transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.content: list[str | None] = []
        self.first = 0
        """Retention has deleted what lies before."""
        self.short = 0
        """By so much it seems to end too early."""
        self.is_deleted = False

    def beginning_offsets(self, asked: object) -> dict[TopicPartition, int]:
        return {ONE: self.first}

    def end_offsets(self, asked: object, timeout_ms: int = 0) -> dict[TopicPartition, int]:
        if self.is_deleted:
            raise UnknownTopicOrPartitionError(ONE)
        return {ONE: len(self.content) - self.short}

    def position(self, _: object) -> int:
        return self._at

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        began, self._at = self._at, len(self.content)
        found = [(began + n, text) for n, text in enumerate(self.content[began:]) if text is not None]
        if not found:
            sleep(0.01)
        return {ONE: [SimpleNamespace(offset=at, value=text) for at, text in found]} if found else {}


class Database:
    """What was taken, and how far."""

    def __init__(self) -> None:
        self.held: list[str] = []
        self.at: int | None = None
        self.of = ""
        self.is_away = self.is_full = False
        self.of_others = 0

    def offsets(self) -> dict[tuple[str, int], int]:
        if self.is_away:
            raise OperationalError("SELECT", {}, Exception("no route to it"))
        mine = {} if self.at is None else {("topic", 0): self.at}
        self.of_others += 1
        return mine | {("another", 0): self.of_others}

    def topic_ids(self) -> dict[str, str]:
        return {"topic": self.of} if self.of else {}

    def take(self, records: Sequence[Any], read: Collection[Advance]) -> None:
        if self.is_full:
            raise OperationalError("INSERT", {}, Exception("the disk is full"))
        (one,) = read
        if self.at is not None and self.at != one.start:
            raise Overtaken("topic/0")
        self.held += [record.value for record in records]
        self.at, self.of = one.next, one.topic_id


class Watch:
    def __init__(self) -> None:
        self.lags: list[int] = []
        self.retries: list[str] = []
        self.lost: list[int] = []

    def retried(self, reason: str) -> None:
        self.retries.append(reason)

    def gone(self, records: int) -> None:
        self.lost.append(records)

    def lag(self, topic: str, records: int) -> None:
        self.lags.append(records)


class Running:
    """A follower in a thread."""

    def __init__(self) -> None:
        self.topic, self.database, self.watch = Topic(), Database(), Watch()
        self.stopping = Event()
        self.follower = Follower(self.database, ["topic"], self.topic.connect, self.stopping, self.watch, 100)
        self.thread = Thread(target=self._run)
        self.failed = ""

    def _run(self) -> None:
        try:
            self.follower.run()
        except TopicMadeAnew as error:
            self.failed = str(error)

    def until(self, is_so: Callable[[], bool]) -> None:
        end = monotonic() + 60
        while not is_so():
            assert monotonic() < end
            sleep(0.005)

    def until_looked(self) -> None:
        """Once more, from the beginning."""
        seen = len(self.watch.lags)
        self.until(lambda: len(self.watch.lags) > seen + 1)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(following, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(following, "_FIRST_WAIT", 0.01)
    monkeypatch.setattr(following, "_LONGEST_WAIT", 0.02)
    made = Running()
    yield made
    made.stopping.set()
    made.thread.join(60)


def test_a_database_that_goes_away_is_noticed_though_nothing_comes(running: Running) -> None:
    assert running.follower.why_off() == "starting"
    running.topic.content = ["a"]
    running.thread.start()
    running.until(lambda: running.watch.lags[-1:] == [0])
    assert running.follower.why_off() == ""
    running.database.is_away = True
    running.until(lambda: running.follower.why_off() == "database_away")
    told = len(running.watch.lags)
    running.until(lambda: len(running.watch.retries) > 3)
    assert len(running.watch.lags) == told, "how far it is behind is not known, nor told"
    running.database.is_away = False
    running.until(lambda: running.follower.why_off() == "")


def test_one_that_can_be_asked_and_does_not_write_is_not_at_work(running: Running) -> None:
    running.thread.start()
    running.until(lambda: running.follower.why_off() == "")
    running.database.is_full = True
    running.topic.content = ["a"]
    running.until(lambda: running.follower.why_off() == "database_away")
    told = len(running.watch.lags)
    running.until(lambda: len(running.watch.retries) > 3)
    assert len(running.watch.lags) == told
    running.database.is_full = False
    running.until(lambda: running.database.held == ["a"])
    running.until(lambda: running.follower.why_off() == "")


def test_one_that_comes_no_further_is_stalled(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.thread.start()
    running.until(lambda: running.follower.why_off() == "")
    running.stopping.set()
    running.thread.join(60)
    monkeypatch.setattr(following, "_STALLED_SECONDS", -1.0)
    assert running.follower.why_off() == "stalled"


def test_what_is_no_record_is_read_too_and_leaves_nothing_behind(running: Running) -> None:
    running.topic.content = ["a", "b", None]
    running.thread.start()
    running.until(lambda: running.watch.lags[-1:] == [0])
    assert (running.database.held, running.database.at) == (["a", "b"], 3)
    assert running.watch.retries == [], "what is read of other topics is not its business"
    running.topic.content += [None, "c", None]
    running.until(lambda: running.database.at == 6)
    assert running.database.held == ["a", "b", "c"]


@pytest.mark.parametrize("before", [1, None])
def test_a_database_that_was_restored_meanwhile_is_read_into_from_where_it_stands(
    running: Running, before: int | None
) -> None:
    running.topic.content = ["a", "b"]
    running.thread.start()
    running.until(lambda: running.database.at == 2)
    running.until_looked()
    running.database.held = ["a"][: before or 0]
    running.database.at = before
    running.until(lambda: running.database.held == ["a", "b"])
    running.topic.content.append("c")
    running.until(lambda: running.database.held == ["a", "b", "c"])


@pytest.mark.parametrize("left", [["d"], []])
def test_what_is_gone_is_counted_once_whatever_hinders_the_passing_over_it(
    running: Running, left: list[str]
) -> None:
    running.database.at, running.database.is_full = 1, True
    running.topic.content, running.topic.first = ["a", "b", "c", *left], 3
    running.thread.start()
    running.until(lambda: len(running.watch.retries) > 3)
    assert running.watch.lost == [], "it begins anew each time, and has passed nothing over"
    running.database.is_full = False
    running.until(lambda: running.watch.lags[-1:] == [0])
    assert (running.watch.lost, running.database.held, running.database.at) == ([2], left, 3 + len(left))


def test_another_that_reads_on_while_it_takes_its_place_makes_no_topic_another(running: Running) -> None:
    """How far the topic goes is asked when it is known how far the database has read, and not before."""
    ends, others = running.topic.end_offsets, ["b"]

    def end_offsets(asked: object, timeout_ms: int = 0) -> dict[TopicPartition, int]:
        found = ends(asked)
        while others:  # as soon as we have asked
            running.topic.content.append(others.pop())
            running.database.at = len(running.topic.content)
        return found

    running.topic.content.append("a")
    running.topic.end_offsets = end_offsets  # type: ignore[method-assign]
    running.thread.start()
    running.until(lambda: "overtaken" in running.watch.retries or not running.thread.is_alive())
    running.until_looked()
    assert running.thread.is_alive()


def test_another_topic_of_the_same_name_is_not_read_on_though_it_has_grown_past_what_was_read(
    running: Running,
) -> None:
    running.database.at, running.database.of = 1, "another"
    running.topic.content = ["of another", "life"]
    running.thread.start()
    running.thread.join(60)
    assert running.failed.startswith(
        "topic was made anew since it was read, or is another cluster's: its id is"
    )
    assert (running.database.held, running.database.at) == ([], 1)


def test_a_topic_that_is_made_anew_while_it_is_read_is_noticed(running: Running) -> None:
    running.topic.content = ["a"]
    running.thread.start()
    running.until(lambda: running.database.at == 1)
    running.topic.id = uuid4()
    running.thread.join(60)
    assert str(running.topic.id) in running.failed


def test_what_was_read_before_ids_were_kept_is_taken_for_the_topic_that_is_there(running: Running) -> None:
    running.topic.content = ["a"]
    running.database.at = 1
    running.thread.start()
    running.until(lambda: running.database.of == str(running.topic.id))
    assert (running.database.held, running.database.at, running.watch.retries) == ([], 1, [])


@pytest.mark.parametrize("id_", [None, UUID(int=0)])
def test_a_broker_that_tells_no_ids_is_read_as_ever(running: Running, id_: UUID | None) -> None:
    running.topic.id, running.topic.content = id_, ["a", "b"]
    running.database.at, running.database.of = 1, "as another broker of the cluster told"
    running.thread.start()
    running.until(lambda: running.database.held == ["b"])
    running.until_looked()
    assert running.failed == ""


def test_a_topic_that_is_cut_off_while_it_is_followed_is_found(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_SHORT_SECONDS", 0.05)
    running.topic.content = ["a", "b"]
    running.thread.start()
    running.until(lambda: running.watch.lags[-1:] == [0])
    running.topic.short = 1
    running.until(lambda: not running.thread.is_alive())
    assert (
        running.failed == "topic/0 ends at 1 and was read up to 2: it is another topic, or has lost records"
    )


def test_a_topic_that_seems_shorter_for_a_moment_is_the_one_that_was_read(running: Running) -> None:
    running.topic.content = ["a", "b"]
    running.thread.start()
    running.until(lambda: running.watch.lags[-1:] == [0])
    running.topic.short = 1
    told = len(running.watch.lags)
    sleep(0.1)
    running.topic.short = 0
    running.topic.content += ["c"]
    running.until(lambda: running.watch.lags[-1:] == [0] and running.database.held == ["a", "b", "c"])
    assert min(running.watch.lags[told:]) >= 0, "nobody is ahead of a topic"


def test_a_topic_that_is_deleted_is_waited_for(running: Running) -> None:
    running.topic.content = ["a"]
    running.thread.start()
    running.until(lambda: running.watch.lags[-1:] == [0])
    running.topic.is_deleted = True
    running.until(lambda: running.follower.why_off() == "broker_away")
    running.topic.is_deleted = False
    running.until(lambda: running.follower.why_off() == "")
