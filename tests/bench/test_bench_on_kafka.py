"""The measurements themselves, small, on a real Apache Kafka."""

import asyncio
import sys
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer

from engine.bench.backlog import preload
from engine.bench.console import Board, measure_console
from engine.bench.lateness import Promises, measure_lateness
from engine.bench.loop import Size, Where, measure_loop, on_own_topics, settings_for_bench, summary
from engine.bench.sizing import measure_sizes
from engine.bench.standard import standard_policies
from engine.bench.watching import NotTaken, Taken, watch
from engine.bench.workload import events, record
from engine.demo.broker import KafkaBroker
from engine.demo.child import Child
from servers import unique

SMALL = Size(events=30_000, escalations=3_000, partitions=4, peer_events=30_000, patience=90)


def where(kafka: KafkaBroker) -> Where:
    return Where(kafka.bootstrap, standard_policies())


def test_a_backlog_lies_whole_and_in_order_where_its_keys_belong(kafka: KafkaBroker) -> None:
    settings = settings_for_bench(where(kafka), 3, "events")
    made = [record(event) for event in events(50, 500)]
    with on_own_topics(settings):
        counts = asyncio.run(preload(settings, settings.tickets_topic, made))
        consumer = KafkaConsumer(
            settings.tickets_topic,
            bootstrap_servers=kafka.bootstrap,
            auto_offset_reset="earliest",
            consumer_timeout_ms=4_000,
        )
        found = list(consumer)
        consumer.close()
    assert [sum(one.partition == at for one in found) for at in range(3)] == counts
    assert sum(counts) == len(found) == 500
    for key in {one.key for one in made}:
        sent = [one.value for one in made if one.key == key]
        assert [one.value for one in found if one.key == key] == sent


@pytest.mark.timeout(240)
def test_the_loop_takes_all_of_both_backlogs_and_leaves_no_topic_behind(kafka: KafkaBroker) -> None:
    loop = measure_loop(where(kafka), SMALL, lambda _: None)
    for taken, events_ in ((loop.typed, SMALL.peer_events), (loop.vigil, SMALL.events)):
        assert 0 < taken.records < events_, "what is committed when the clock starts does not count"
    assert loop.outcomes > SMALL.events / 2
    told = summary(loop)
    assert (told["ratio"], told["ratio_untyped"]) == (loop.ratio, loop.ratio_untyped)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    left = [topic for topic in admin.list_topics() if topic.startswith("vigil-bench-")]
    admin.close()
    assert left == []


@pytest.mark.timeout(180)
def test_every_promise_that_comes_due_is_seen_within_a_second(kafka: KafkaBroker) -> None:
    size = Promises(escalations=300, traffic=50, lead_seconds=12, spread_seconds=4)
    found = measure_lateness(where(kafka), size, lambda _: None)
    assert found.outcomes == 300
    assert 0 <= found.p50 <= found.p99 <= found.worst
    assert found.p99 < 3, "a second is the target; here other tests share the machine"


@pytest.mark.timeout(240)
def test_a_board_with_readers_is_measured_beside_the_worker_that_it_follows(kafka: KafkaBroker) -> None:
    size = Board(readers=6, rate=100, escalations=300, phases=1, seconds=3)
    found = measure_console(where(kafka), size, lambda _: None)
    assert found.clocks > 600, "each escalation has some"
    assert 0 < found.p50 <= found.p99 <= found.worst
    assert found.messages_per_second > 0
    assert found.busy_core > 0, "below 1, even, where the loop alone had the machine to share"
    for pace in (found.without, found.beside):
        assert pace.events_per_second > 10
        assert pace.chunk > 0
        assert pace.waited > 0, "two cores, and more than two want them"
    assert found.chunk_ratio == found.beside.chunk / found.without.chunk


@pytest.mark.timeout(240)
def test_what_is_sized_by_is_counted_in_one_run(kafka: KafkaBroker) -> None:
    size = Size(events=10_000, escalations=1_000, partitions=4, patience=90)
    found = measure_sizes(where(kafka), size, lambda _: None)
    assert found.events == 10_000
    assert 200 < found.escalations < 1_000, "what was over for thirty days has left"
    assert 100 < found.event_bytes < 2_000
    assert 0.5 < found.outcomes_an_event < 2
    assert found.recovery_records >= found.state_records * found.escalations >= found.escalations
    assert 0 < found.recovery_seconds < 60
    assert found.changelog_bytes_an_event * found.events >= found.state_bytes * found.escalations


def test_a_backlog_that_is_in_one_commit_is_too_small_to_measure() -> None:
    with pytest.raises(NotTaken, match="the whole backlog was in the first commit"):
        _ = Taken(0, 1.0).rate


def test_a_worker_that_ends_is_told_with_its_last_words(kafka: KafkaBroker, tmp_path: Path) -> None:
    settings = settings_for_bench(where(kafka), 1, "events").model_copy(update={"app_id": unique("gone")})
    child = Child([sys.executable, "-c", "print('out of petrol')"], log=tmp_path / "log")
    try:
        with pytest.raises(NotTaken, match="out of petrol"):
            watch(settings, "no-topic", [10], child, patience=20)
    finally:
        child.stop()
