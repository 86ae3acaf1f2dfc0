"""The guards that end a worker in doubt, each made to bite by injection."""

import asyncio
import gc
import time
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.coordination import FindCoordinatorRequest
from counting import Deployment
from ended import Ended
from faust.types import TP
from kafka import KafkaProducer
from remaking import delete, make_anew
from structlog.testing import capture_logs

from engine.contract.records import Record
from engine.core.policy import Book
from engine.demo.broker import KafkaBroker
from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream import acknowledged, transactions
from engine.stream.acknowledged import Acknowledged, Pulse
from engine.stream.app import faust_app
from engine.stream.checks import Refused
from engine.stream.chunks import Chunk, PositionedRecords
from engine.stream.clock import RealClock
from engine.stream.delivery import Decision, Settled
from engine.stream.lost import state_must_be_there
from engine.stream.observer import Observer
from engine.stream.sender import Sender
from engine.stream.shell import Shell
from engine.stream.table import EPOCH, StateTable
from engine.stream.transactions import Transactions
from servers import create_topics


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left() -> Iterator[None]:
    """Tasks that were made to fail are collected here: where pytest parses meanwhile, CPython 3.11 fails."""
    yield
    gc.collect()


def decision(start: int, end: int, **what: Any) -> Decision:
    records = PositionedRecords()
    records.start, records.end = start, end
    made = Decision(Chunk(TP(what.pop("topic"), 0), records, 1))
    for name, value in what.items():
        setattr(made, name, value)
    return made


def state(*pairs: tuple[bytes, bytes]) -> list[tuple[bytes, bytes | None]]:
    return list(pairs)


# The suspension exit


def test_a_loop_that_stood_still_for_too_long_ends_the_worker(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(acknowledged, "time", SimpleNamespace(monotonic=lambda: now[0]))
    pulse = Pulse(limit=3.0)
    now[0] += 2.9
    pulse.check()
    pulse.beat()
    now[0] += 2.9
    pulse.check()
    assert ends == []
    now[0] += 0.2
    with pytest.raises(Ended):
        pulse.check()
    assert ends == [70]


class Silent(Sender):
    """Connects to nothing."""

    async def start(self) -> None: ...


async def test_standing_still_in_the_middle_of_a_recovery_ends_the_worker(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(acknowledged, "time", SimpleNamespace(monotonic=lambda: now[0]))
    settings = Settings(session_timeout=5.0)
    _, table = faust_app(settings, 1)
    stage = Acknowledged(settings, table, Silent(settings), lambda _: None)
    now[0] += 100.0
    await stage.own({0})
    now[0] += 2.9
    await stage.begin(1)
    assert ends == [], "what was before the assignment does not count"
    await stage.own({0})
    now[0] += 3.1
    with pytest.raises(Ended):
        await stage.begin(2)
    assert ends == [70]


async def test_a_partition_that_cannot_be_taken_is_named(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting:
        client = SimpleNamespace(coordinator_lookup=None)

        def __init__(self, **_: Any) -> None: ...

        async def start(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(transactions, "AIOKafkaProducer", Waiting)
    monkeypatch.setattr(transactions, "OPEN_SECONDS", 0.01)
    stage = Transactions(Settings(), lambda _: None)
    with capture_logs() as said, pytest.raises(Ended):
        await stage.own({7})
    assert ends == [70]
    doubt = said[0]
    assert (doubt["why"], doubt["partition"], doubt["hint"]) == (
        "taking_partitions", 7, transactions.NOT_TAKEN,
    )  # fmt: skip


async def test_a_late_write_into_a_partition_that_was_kept_loses_too(ends: list[int]) -> None:
    settings = Settings()
    _, table = faust_app(settings, 1)
    table.hold_only({0})
    table.take(changelog((0, b"a", b"old", 4)))
    stage = Acknowledged(settings, table, Silent(settings), lambda _: None)
    await stage.own({0})
    await stage.begin(5)
    table.held(0)[b"a"] = b"ours"  # what a chunk led to
    table.last_offset[0] = 1  # where it was written
    table.hold_only({0})  # the next assignment keeps it
    table.take(changelog((2, b"a", b"zombie", 4)))
    assert table.held(0) == {b"a": b"ours"}
    assert table.to_repair == {0: {b"a"}}
    table.take(changelog((3, b"a", b"newer owner", 6)))
    assert table.held(0) == {b"a": b"newer owner"}
    assert ends == []


async def test_a_late_write_is_found_without_a_write_of_our_own(ends: list[int]) -> None:
    settings = Settings()
    _, table = faust_app(settings, 2)
    table.hold_only({0, 1})
    table.last_offset[0] = 7
    stage = Acknowledged(settings, table, Silent(settings), lambda _: None)
    before = stage.written()
    assert before == {0: 7, 1: -1}
    stage.compare(before, {0: 7, 1: -1})
    table.last_offset[0] = 9
    stage.compare(before, {0: 8, 1: -1})
    stage.compare({0: 9}, {0: 9, 1: 0})
    assert ends == [], "what we have written ourselves meanwhile is no foreign write"
    with pytest.raises(Ended):
        stage.compare(stage.written(), {0: 10, 1: -1})
    with pytest.raises(Ended):
        stage.compare(stage.written(), {0: 9, 1: 0})
    assert ends == [70, 70]


# The end of a recovery


class Recovery:
    """What the shell asks of the group when a recovery is called complete."""

    def __init__(self, ends: dict[int, int], again: bool = False) -> None:
        self._ends, self._again = ends, again
        self.sources = {TP(topic, 0) for topic in Settings().input_topics}

    def generation(self) -> int:
        return 1

    def recovers_again(self) -> bool:
        return self._again

    def changelog_ends(self) -> dict[int, int]:
        return self._ends

    def source_partitions(self) -> set[TP]:
        return self.sources

    async def committed_of(self, tp: TP) -> int | None:
        return None

    async def earliest(self, tps: Iterable[TP]) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    async def latest(self, tps: Iterable[TP]) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)


def shell_of(recovery: Any) -> Shell:
    """A shell that owns partition 0 and holds its changelog up to offset 0."""
    settings, metrics = Settings(delivery="acknowledged"), Metrics()
    _, table = faust_app(settings, 1)
    table.hold_only({0})
    table.take(changelog((0, b"a\0count", b"1", 4)))
    sender, clock, unused = Silent(settings), RealClock(), cast(Any, None)
    return Shell(
        settings, Book(policies=(), calendars={}), unused, clock, metrics, Observer(metrics, clock), table,
        recovery, lambda shell: Acknowledged(settings, table, sender, shell.settled), sender,
    )  # fmt: skip


async def test_a_recovery_that_left_something_out_ends_the_worker(
    ends: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    await (whole := shell_of(Recovery({0: 0}))).recovered()
    assert whole.accepting
    assert ends == []
    with pytest.raises(Ended):
        await shell_of(Recovery({0: 1})).recovered()
    assert ends == [70]


async def test_a_changelog_whose_beginning_was_deleted_is_told_of(ends: list[int]) -> None:
    class CutOff(Recovery):
        async def earliest(self, tps: Iterable[TP]) -> dict[TP, int]:
            return {tp: 5 for tp in tps if tp.topic == Settings().changelog_topic}

    for recovery, told in ((Recovery({0: 0}), []), (CutOff({0: 0}), [(0, 5)])):
        with capture_logs() as said:
            await (shell := shell_of(recovery)).recovered()
        cut_off = [line for line in said if line["event"] == "state_cut_off"]
        assert [(line["partition"], line["begins"]) for line in cut_off] == told
        assert shell.accepting, "it goes on by what is left"
    assert ends == []


async def test_a_record_that_is_no_state_is_told_with_its_place(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, object] = {}

    def end(code: int, event: str, **keys: object) -> None:
        said.update(keys, code=code, event=event)
        raise Ended

    monkeypatch.setattr("engine.stream.shell.end", end)
    shell = shell_of(Recovery({0: 1}))
    shell.table.take(changelog((1, b"T-9", b"{}", 4)))
    with pytest.raises(Ended):
        await shell.recovered()
    assert (said["code"], said["event"]) == (78, "state_damaged")
    assert said["where"] == "vigil-escalations-changelog/0, key T-9"


async def test_a_topic_that_has_gone_from_the_assignment_ends_the_worker(ends: list[int]) -> None:
    """It was deleted: without its changelog what comes would be judged anew, and a source is not read."""
    for numbers in ({0}, {0, 1}):
        recovery = Recovery({0: 0})
        recovery.sources = {TP(topic, n) for topic in Settings().input_topics for n in numbers}
        if numbers == {0}:
            recovery.sources.discard(TP(Settings().tickets_topic, 0))
        shell = shell_of(recovery)
        with pytest.raises(Ended):
            await shell.recovered()
        assert not shell.accepting
    assert ends == [70, 70]


async def test_a_recovery_that_a_rebalance_interrupted_is_not_over(ends: list[int]) -> None:
    """Faust says so all the same: what it had read passed for the state, and was written as such."""
    shell = shell_of(Recovery({0: 7}, again=True))
    await shell.recovered()
    assert not shell.accepting
    assert shell.table.own_epochs == {}, "no epoch is begun"
    assert ends == []


async def test_what_was_surrendered_is_not_accepted_before_it_is_owned_again(ends: list[int]) -> None:
    shell = shell_of(Recovery({0: 0}))
    await shell.surrender()
    await shell.recovered()
    assert not shell.accepting
    assert shell.table.before_recovery is not None
    await shell.table.before_recovery({0})
    await shell.recovered()
    assert shell.accepting
    assert ends == []


# Acknowledged delivery on a real broker


@pytest.fixture
def deployment(kafka: KafkaBroker, tmp_path: Any) -> Deployment:
    made = Deployment(kafka.bootstrap, tmp_path)
    made.create_topics()
    return made


def table_of(deployment: Deployment) -> StateTable:
    _, table = faust_app(deployment.settings, 4)
    table.hold_only({0})
    return table


async def test_a_foreign_changelog_write_ends_the_worker(deployment: Deployment, ends: list[int]) -> None:
    table, settled = table_of(deployment), list[Settled]()
    stage = Acknowledged(deployment.settings, table, Sender(deployment.settings), settled.append)
    await stage.own({0})
    await stage.begin(1)
    topic = deployment.settings.tickets_topic
    stage.put(decision(0, 5, topic=topic, state=state((b"a", b"1"))))
    stage.put(decision(5, 6, topic=topic, state=state((b"a", b"2"))))
    await stage.drain()
    assert [each.last_state_offset for each in settled] == [0, 1]
    assert ends == [], "two writes of our own are no foreign ones"

    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    producer.send(deployment.settings.changelog_topic, partition=0, key=b"a", value=b"foreign").get(10)
    producer.close()
    stage.put(decision(6, 7, topic=topic, state=state((b"a", b"3"))))
    with pytest.raises(Ended):
        await stage.drain()
    assert ends[0] == 70
    assert len(settled) == 2, "nothing is acknowledged after the doubt"
    await stage.close()


async def test_without_an_acknowledged_outcome_no_state_is_written(
    deployment: Deployment, ends: list[int]
) -> None:
    """The order: a crash between may give an outcome twice, and loses none."""
    small = deployment.settings.model_copy(update={"outcomes_topic": deployment.settings.app_id + "-small"})
    create_topics(deployment.bootstrap, small.outcomes_topic, configs={"max.message.bytes": "2000"})
    table = table_of(deployment)
    stage = Acknowledged(small, table, Sender(small), lambda _: None)
    await stage.own({0})
    refused = [Record(b"a", b"x" * 5_000)]
    stage.put(decision(0, 5, topic=small.tickets_topic, outcomes=refused, state=state((b"a", b"1"))))
    with pytest.raises(Ended):
        await stage.drain()
    assert ends == [70]
    assert deployment.read(small.changelog_topic) == []
    await stage.close()


def changelog(*records: tuple[int, bytes, bytes | None, int | None]) -> Chunk:
    """A chunk of (offset, key, value, epoch)."""
    made = PositionedRecords(
        SimpleNamespace(
            offset=offset,
            key=key,
            value=value,
            headers=() if epoch is None else ((EPOCH, b"%d" % epoch),),
        )
        for offset, key, value, epoch in records
    )
    made.start, made.end = records[0][0], records[-1][0] + 1
    return Chunk(TP("changelog", 0), made, 1)


async def test_a_late_write_of_an_earlier_owner_loses_and_is_repaired(
    deployment: Deployment, ends: list[int]
) -> None:
    table = table_of(deployment)
    table.take(changelog((0, b"a", b"old", 4), (1, b"b", b"old", 4)))
    table.take(changelog((2, b"a", b"new", 5)))
    table.take(changelog((3, b"a", b"zombie", 4), (4, b"b", b"later", 5)))
    assert table.held(0) == {b"a": b"new", b"b": b"later"}
    assert table.to_repair == {0: {b"a"}}
    stage = Acknowledged(deployment.settings, table, Sender(deployment.settings), lambda _: None)
    await stage.own({0})
    table.last_offset.clear()
    await stage.begin(3)
    written = deployment.read(deployment.settings.changelog_topic)
    assert [(r.key, r.value, r.headers) for r in written] == [(b"a", b"new", [(EPOCH, b"6")])]
    assert ends == []
    await stage.close()


def test_without_epochs_the_last_record_stands(deployment: Deployment) -> None:
    """Written in transactions: the broker has fenced every late writer already."""
    table = table_of(deployment)
    table.take(changelog((0, b"a", b"1", None), (1, b"a", b"2", None), (2, b"b", None, None)))
    assert table.held(0) == {b"a": b"2"}
    assert table.to_repair == {}
    assert table.last_offset == {0: 2}


# Transactions on a real broker


async def test_whoever_initialised_last_is_right_and_the_other_ends(
    deployment: Deployment, ends: list[int]
) -> None:
    settled: list[Settled] = []
    zombie = Transactions(deployment.settings, settled.append)
    owner = Transactions(deployment.settings, settled.append)
    topic = deployment.settings.tickets_topic
    await zombie.own({0})
    zombie.put(decision(0, 5, topic=topic, state=state((b"a", b"1"))))
    await zombie.drain()
    await owner.own({0})
    zombie.put(decision(5, 9, topic=topic, state=state((b"a", b"zombie"))))
    with pytest.raises(Ended):
        await zombie.drain()
    assert ends == [70]
    owner.put(decision(5, 9, topic=topic, state=state((b"a", b"2"))))
    await owner.drain()
    await owner.close()
    assert [r.value for r in deployment.read(deployment.settings.changelog_topic)] == [b"1", b"2"]
    assert [each.last_state_offset for each in settled] == [1, 3], "the commit marker counts"


async def test_a_changelog_that_was_made_anew_under_a_worker_ends_it(
    deployment: Deployment, ends: list[int]
) -> None:
    """Kafka takes the next write for the first of an empty log: all that was in the old one is gone."""
    table = table_of(deployment)

    def settled(one: Settled) -> None:
        assert one.last_state_offset is not None
        table.last_offset[0] = one.last_state_offset

    stage, topic = (
        Transactions(deployment.settings, settled, table.last_of),
        deployment.settings.tickets_topic,
    )
    await stage.own({0})
    for number in range(3):
        stage.put(decision(number, number + 1, topic=topic, state=state((b"a", b"%d" % number))))
        await stage.drain()
    assert ends == []
    make_anew(deployment.bootstrap, deployment.settings.changelog_topic, 4, {"cleanup.policy": "compact"})
    stage.put(decision(3, 4, topic=topic, state=state((b"a", b"3"))))
    with pytest.raises(Ended):
        await stage.drain()
    assert ends[0] == 70
    assert deployment.positions()[0][0] == 3, "nothing is committed after the doubt"
    await Transactions(deployment.settings, lambda _: None).own({0})  # aborts what is open
    with pytest.raises(Refused, match="held offset"):
        await asyncio.to_thread(state_must_be_there, deployment.settings)


async def test_a_connection_that_breaks_while_a_coordinator_is_looked_for_is_ridden_out(
    deployment: Deployment, ends: list[int]
) -> None:
    """What a broker's restart does to a transaction whose offsets are just being sent."""
    settled: list[Settled] = []
    stage = Transactions(deployment.settings, settled.append)
    await stage.own({0})
    client = stage._lanes[0]._producer.client  # type: ignore[union-attr]
    send, broken = client.send, list[Any]()

    async def breaks_twice(node: int, request: Any, **options: Any) -> Any:
        if isinstance(request, FindCoordinatorRequest) and len(broken) < 2:
            broken.append(request)
            raise KafkaConnectionError("closed")
        return await send(node, request, **options)

    client.send = breaks_twice
    stage.put(decision(0, 5, topic=deployment.settings.tickets_topic, state=state((b"a", b"1"))))
    await stage.drain()
    await stage.close()
    assert len(broken) == 2
    assert ends == []
    assert [each.last_state_offset for each in settled] == [1]
    assert [r.value for r in deployment.read(deployment.settings.changelog_topic)] == [b"1"]


async def test_a_refused_batch_commits_nothing_of_its_transaction(
    deployment: Deployment, ends: list[int]
) -> None:
    small = deployment.settings.model_copy(update={"outcomes_topic": deployment.settings.app_id + "-small"})
    create_topics(deployment.bootstrap, small.outcomes_topic, configs={"max.message.bytes": "2000"})
    stage = Transactions(small, lambda _: None)
    await stage.own({0})
    refused = [Record(b"a", b"x" * 5_000)]
    stage.put(decision(0, 5, topic=small.tickets_topic, outcomes=refused, state=state((b"a", b"1"))))
    with pytest.raises(Ended):
        await stage.drain()
    assert ends == [70]
    await Transactions(small, lambda _: None).own({0})
    await asyncio.sleep(0.1)
    assert deployment.read(small.changelog_topic) == []


async def test_a_transaction_that_does_not_end_ends_the_worker(
    deployment: Deployment, ends: list[int]
) -> None:
    """The client asks for ever after a topic that was deleted, and the worker would wait as long."""
    settings = deployment.settings.model_copy(update={"transaction_timeout": 5.0})
    stage, said = Transactions(settings, lambda _: None), [Record(b"a", b"x")]
    await stage.own({0})
    stage.put(decision(0, 5, topic=settings.tickets_topic, outcomes=said, state=state((b"a", b"1"))))
    await stage.drain()
    assert ends == []
    delete(deployment.bootstrap, settings.outcomes_topic)
    stage.put(decision(5, 6, topic=settings.tickets_topic, outcomes=said, state=state((b"a", b"2"))))
    with capture_logs() as lines, pytest.raises(Ended):
        await asyncio.wait_for(stage.drain(), 60)
    assert ends == [70]
    (doubt,) = [line for line in lines if line["event"] == "worker_in_doubt"]
    assert (doubt["why"], doubt["seconds"], doubt["hint"]) == ("transaction", 5.0, transactions.NOT_TAKEN)


async def test_what_queues_up_shares_a_transaction_with_one_state_record_a_key(
    deployment: Deployment,
) -> None:
    settled: list[Settled] = []
    stage = Transactions(deployment.settings, settled.append)
    await stage.own({0})
    for number in range(20):
        said = [Record(b"a", b"%d" % number)]
        stage.put(
            decision(
                number,
                number + 1,
                topic=deployment.settings.tickets_topic,
                outcomes=said,
                state=state((b"a", b"%d" % number)),
            )
        )
    await stage.drain()
    await stage.close()
    assert [len(each.decisions) for each in settled] == [20]
    assert [r.value for r in deployment.read(deployment.settings.changelog_topic)] == [b"19"]
    outcomes = [r.value for r in deployment.read(deployment.settings.outcomes_topic)]
    assert outcomes == [b"%d" % number for number in range(20)], "in the order in which they were said"


async def test_a_dead_owner_with_an_open_transaction_holds_nobody_up(deployment: Deployment) -> None:
    """The next owner's initialisation aborts it, before recovery looks."""
    dead = Transactions(deployment.settings, lambda _: None)
    await dead.own({0})
    producer = dead._lanes[0]._producer
    assert producer is not None
    await producer.begin_transaction()
    batch = producer.create_batch()
    batch.append(timestamp=None, key=b"a", value=b"never committed", headers=[])
    await (await producer.send_batch(batch, deployment.settings.changelog_topic, partition=0))
    began = time.monotonic()
    owner = Transactions(deployment.settings, lambda _: None)
    await owner.own({0})
    assert time.monotonic() - began < 5
    owner.put(decision(0, 1, topic=deployment.settings.tickets_topic, state=state((b"a", b"1"))))
    await owner.drain()
    await owner.close()
    assert [r.value for r in deployment.read(deployment.settings.changelog_topic)] == [b"1"]
