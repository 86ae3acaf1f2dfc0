"""The private names of Faust 0.15.3 and aiokafka 0.14 that the shell stands on: a test each, failing by name.

Where a version changes one, read the new source, mend the shell, then the test.
"""

import asyncio
import dataclasses
import gc
import inspect
import re
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.cluster import ClusterMetadata
from aiokafka.conn import AIOKafkaConnection
from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment, SubscriptionState, TopicPartitionState
from aiokafka.producer import message_accumulator, sender
from aiokafka.producer.producer import AIOKafkaProducer as ProducerClass
from aiokafka.structs import TopicPartition
from faust.app import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.tables import base as table_base
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer as faust_consumer
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.settings import Settings as FaustSettings

from engine.core.instants import Instant
from engine.stream import chunks
from engine.stream.app import FaustGroup


def source(of: Any) -> str:
    """The source in one line, so that the formatting does not matter.

    Without the collector: it may find a task of an earlier test whose error nobody asked for, and formatting
    its traceback parses too, which CPython 3.11 cannot do while it parses the source of a class.
    """
    gc.disable()
    try:
        return re.sub(r"\s+", " ", inspect.getsource(of))
    finally:
        gc.enable()


def parameters(of: Any) -> list[str]:
    return [name for name in inspect.signature(of).parameters if name != "self"]


def in_order(text: str, *parts: str) -> bool:
    places = [text.find(part) for part in parts]
    return -1 not in places and places == sorted(places)


def test_a_source_is_read_whatever_an_earlier_test_has_left_behind() -> None:
    async def fails() -> None:
        raise ValueError(1 + len([1, 2]))

    async def leaves_it() -> None:
        left: list[Any] = [asyncio.create_task(fails())]
        await asyncio.sleep(0)
        left.append(left)  # only the collector finds it

    threshold = gc.get_threshold()
    for _ in range(20):
        asyncio.run(leaves_it())
    gc.set_threshold(50, 2, 2)
    try:
        assert "class Consumer" in source(faust_consumer.Consumer)
    finally:
        gc.set_threshold(*threshold)


# Faust's consumer


def test_consumer_getmany_takes_partitions_and_timeout_and_gives_lists_by_partition() -> None:
    assert parameters(driver.Consumer._getmany) == ["active_partitions", "timeout"]
    assert "self._thread.getmany(active_partitions, timeout)" in source(driver.Consumer._getmany)
    assert "tp, to_message(tp, record)" in source(faust_consumer.Consumer.getmany)


def test_consumer_to_message_copies_what_a_chunk_offers() -> None:
    read = set(re.findall(r"record\.(\w+)", source(driver.Consumer._to_message)))
    chunk = chunks.Chunk(TP("t", 1), _records(3, 7), 5)
    assert read - set(dir(chunk)) == set()
    message = driver.Consumer._to_message(
        SimpleNamespace(app=SimpleNamespace(consumer_generation_id=5)),
        TP("t", 1),
        chunk,  # type: ignore[arg-type]
    )
    assert message.value is chunk
    assert (message.offset, message.tp) == (6, TP("t", 1))


def test_consumer_wait_next_records_asks_getmany_for_active_partitions_only() -> None:
    text = source(faust_consumer.Consumer._wait_next_records)
    assert parameters(faust_consumer.Consumer._wait_next_records) == ["timeout"]
    assert "self._get_active_partitions()" in text
    assert "await self._getmany(" in text


def test_consumer_add_gap_takes_partition_and_offsets() -> None:
    assert parameters(faust_consumer.Consumer._add_gap) == ["tp", "offset_from", "offset_to"]


def test_consumer_new_offset_reads_what_ack_appended() -> None:
    assert parameters(faust_consumer.Consumer._new_offset) == ["tp"]
    assert "self._acked[tp]" in source(faust_consumer.Consumer._new_offset)
    assert "offset = self._new_offset(tp)" in source(faust_consumer.Consumer._filter_committable_offsets)
    assert "for tp in self._acked" in source(faust_consumer.Consumer._filter_tps_with_pending_acks)


def test_consumer_ack_takes_a_message_and_keeps_these_books() -> None:
    text = source(faust_consumer.Consumer.ack)
    assert parameters(faust_consumer.Consumer.ack) == ["message"]
    for name in ("message.acked", "self._unacked_messages.discard", "self._acked[tp]", "self._n_acked"):
        assert name in text


def test_consumer_commits_nothing_where_nothing_was_acknowledged() -> None:
    assert "if commit_offsets:" in source(faust_consumer.Consumer._commit_tps)


def test_consumer_on_partitions_revoked_drops_acknowledgements_before_its_callback_commits() -> None:
    text = source(faust_consumer.Consumer.on_partitions_revoked)
    assert in_order(text, "self._acked.pop(tp, None)", "self._on_partitions_revoked")


def test_consumer_commit_says_whether_it_committed_or_only_waited() -> None:
    assert "await self.maybe_wait_for_commit_to_finish(): # original commit finished" in source(
        faust_consumer.Consumer.commit
    )


def test_consumer_commits_only_what_is_above_the_last_where_should_commit_says_so() -> None:
    assert parameters(faust_consumer.Consumer._should_commit) == ["tp", "offset"]
    assert "self._should_commit(tp, offset)" in source(faust_consumer.Consumer._filter_committable_offsets)


def test_consumer_thread_commits_offsets_without_metadata_through_its_aiokafka_consumer() -> None:
    text = source(driver.AIOKafkaConsumerThread._commit)
    assert in_order(text, 'OffsetAndMetadata(offset, "")', "await consumer.commit(aiokafka_offsets)")


def test_consumer_passes_over_what_lies_before_its_read_offset_until_it_is_sought() -> None:
    assert "if r_offset is None or offset >= r_offset:" in source(faust_consumer.Consumer._drain_messages)
    assert "del self.consumer._read_offset[tp]" in source(driver.AIOKafkaConsumerThread._seek_wait)


def test_consumer_seek_wait_and_earliest_offsets_are_answered_by_the_thread() -> None:
    delegate = faust_consumer.ThreadDelegateConsumer
    assert parameters(delegate.seek_wait) == ["partitions"]
    assert "self._thread.seek_wait(partitions)" in source(delegate.seek_wait)
    assert "self._thread.earliest_offsets(*partitions)" in source(delegate.earliest_offsets)


def test_consumer_new_consumer_thread_is_made_once_by_the_consumer() -> None:
    assert "self._thread = self._new_consumer_thread()" in source(
        faust_consumer.ThreadDelegateConsumer.__init__
    )
    assert "AIOKafkaConsumerThread(self, loop=self.loop, beacon=self.beacon)" in source(
        driver.Consumer._new_consumer_thread
    )


def test_consumer_in_transaction_is_settable_and_starts_faust_transactions_elsewhere_only() -> None:
    text = source(driver.AIOKafkaConsumerThread._create_worker_consumer)
    assert in_order(text, 'isolation_level: str = "read_uncommitted"', "if self.consumer.in_transaction:")
    assert 'isolation_level = "read_committed"' in text
    assert parameters(driver.AIOKafkaConsumerThread._create_worker_consumer) == ["transport"]


def test_consumer_thread_last_commit_times_are_kept_by_partition() -> None:
    assert "self.tp_last_committed_at = {}" in source(driver.AIOKafkaConsumerThread.__post_init__)
    assert "self.tp_last_committed_at.get(tp)" in source(driver.AIOKafkaConsumerThread.verify_event_path)


def test_consumer_thread_has_its_aiokafka_consumer_and_call_thread() -> None:
    assert "self._consumer = self._create_consumer" in source(driver.AIOKafkaConsumerThread.on_start)
    assert parameters(driver.AIOKafkaConsumerThread.call_thread)[0] == "fun"
    assert inspect.iscoroutinefunction(driver.AIOKafkaConsumerThread.call_thread)


def test_consumer_thread_fetches_through_fetched_records() -> None:
    text = source(driver.AIOKafkaConsumerThread._fetch_records)
    assert "fetcher = consumer._fetcher" in text
    assert "await fetcher.fetched_records(" in text


def test_rebalance_listener_sets_the_generation_before_it_tells_of_the_assignment() -> None:
    text = source(driver.ConsumerRebalanceListener.on_partitions_assigned)
    assert in_order(text, "app.consumer_generation_id = generation", "_thread.on_partitions_assigned(")


def test_rebalance_listener_announces_a_rebalance_before_it_waits() -> None:
    text = source(driver.ConsumerRebalanceListener.on_partitions_revoked)
    assert in_order(text, "thread.app.on_rebalance_start()", "thread.on_partitions_revoked(")


# Faust's application and tables


def test_app_transport_is_settable_and_makes_the_consumer() -> None:
    assert isinstance(inspect.getattr_static(App, "transport"), property)
    assert App.transport.fset is not None
    assert "self.Consumer(" in source(driver.Transport.create_consumer)


def test_app_flags_of_rebalance_and_recovery_are_attributes() -> None:
    assert "self.rebalancing = True" in source(App.on_rebalance_start)
    assert "self.rebalancing = False" in source(App.on_rebalance_end)
    assert "self.app.in_recovery = True" in source(Recovery._set_recovery_started)


def test_app_makes_its_directories_in_one_method() -> None:
    assert "self._create_directories()" in source(App.on_first_start)


def test_app_keeps_the_reason_of_a_crash() -> None:
    from mode.services import Service

    assert "self._crash_reason = " in source(Service)
    assert isinstance(inspect.getattr_static(Service, "crashed"), property)


def test_faust_settings_ask_getenv_for_every_variable() -> None:
    assert "self.getenv(param.env_name)" in source(FaustSettings._init_settings)
    assert parameters(FaustSettings.getenv) == ["env_name"]


def test_assignor_names_the_owned_changelog_partitions() -> None:
    assert parameters(PartitionAssignor.assigned_actives) == []


def test_tables_are_told_of_a_rebalance_before_recovery_reads_highwaters() -> None:
    text = source(TableManager.on_rebalance)
    assert in_order(text, "T(table.on_rebalance)(", "T(self.recovery.on_rebalance)(")
    assert "self.signal_recovery_start.set()" in source(Recovery.on_rebalance)


def test_table_on_rebalance_takes_the_assignment() -> None:
    assert parameters(table_base.Collection.on_rebalance) == [
        "assigned",
        "revoked",
        "newly_assigned",
        "generation_id",
    ]


def test_table_persisted_offset_is_where_recovery_starts() -> None:
    assert parameters(table_base.Collection.persisted_offset) == ["tp"]
    text = source(Recovery._add)
    assert in_order(text, "persisted_offset = table.persisted_offset(tp)", "if persisted_offset is not None:")
    assert "offsets[tp] = persisted_offset" in text


def test_table_on_changelog_event_is_awaited_once_an_offset_is_taken_for_read() -> None:
    assert parameters(table_base.Collection.on_changelog_event) == ["event"]
    text = source(Recovery._slurp_changelogs.fun)
    assert in_order(
        text,
        "if seen_offset is None or offset > seen_offset:",
        "offsets[tp] = offset",
        "await table.on_changelog_event(event)",
        "await _maybe_signal_recovery_end()",
    )
    assert "active_offsets = self.active_offsets" in text


def test_table_apply_changelog_batch_gets_whole_buffers_of_events() -> None:
    assert parameters(table_base.Collection.apply_changelog_batch) == ["batch"]
    assert "table.apply_changelog_batch(buf)" in source(Recovery._slurp_changelogs.fun)
    assert "table.apply_changelog_batch(buffer)" in source(Recovery.flush_buffers)


def test_recovery_that_is_interrupted_is_called_complete_while_the_next_start_is_signalled() -> None:
    text = source(Recovery._restart_recovery.fun)
    assert in_order(
        text,
        "self.signal_recovery_start.clear() generation_id",
        "await self._wait(self.signal_recovery_end.wait()) except Exception",
        "self.on_recovery_completed)(generation_id)",
    )
    assert text.count("signal_recovery_start.clear()") == 2, "the other: the service was stopped"
    assert "elif self.signal_recovery_start in wait_result.done: # another rebalance started" in source(
        Recovery._wait
    )


def test_a_generation_is_known_to_the_application_before_the_table_and_to_recovery_with_its_signal() -> None:
    text = source(Recovery.on_rebalance)
    assert "self.signal_recovery_start.set() self._generation_id = generation_id" in text
    assert "generation_id = self._generation_id" in source(Recovery._restart_recovery.fun)
    text = source(driver.ConsumerRebalanceListener.on_partitions_assigned)
    assert in_order(
        text, "self._thread.app.consumer_generation_id = generation", "self._thread.on_partitions_assigned("
    )


def test_recovery_compares_message_offsets_with_highwaters_less_one() -> None:
    assert "tp: value - 1" in source(Recovery._build_highwaters)
    assert "highwater - offsets[tp]" in source(Recovery.active_remaining)


def test_recovery_calls_on_recover_before_it_resumes_the_sources() -> None:
    text = source(Recovery.on_recovery_completed)
    assert in_order(
        text, "table.on_recovery_completed(", "consumer.resume_partitions(", "consumer.perform_seek()"
    )
    assert "await fun()" in source(table_base.Collection.call_recover_callbacks)


def test_table_changelog_is_named_after_application_and_table() -> None:
    assert "{self.app.conf.id}-{self.name}-changelog" in source(table_base.Collection._changelog_topic_name)


def test_tables_changelog_topics_are_known() -> None:
    assert isinstance(inspect.getattr_static(TableManager, "changelog_topics"), property)


# aiokafka


def _records(start: int, end: int) -> chunks.PositionedRecords:
    records = chunks.PositionedRecords()
    records.start, records.end = start, end
    return records


class _OneByOne:
    """What aiokafka's PartitionRecords is to a FetchResult."""

    def __init__(self, offsets: list[int], end: int) -> None:
        self.offsets, self.end, self.next_fetch_offset = offsets, end, offsets[0] if offsets else 0

    def __iter__(self) -> "_OneByOne":
        return self

    def __next__(self) -> int:
        if not self.offsets:
            self.next_fetch_offset = self.end
            raise StopIteration
        offset = self.offsets.pop(0)
        self.next_fetch_offset = offset + 1
        return offset


def _fetch_result(offsets: list[int], start: int, end: int) -> Any:
    tp = TopicPartition("t", 0)
    assignment = Assignment({tp})
    assignment.state_value(tp).reset_to(start)
    records = _OneByOne(offsets, end)
    records.next_fetch_offset = start
    return fetcher.FetchResult(tp, assignment=assignment, partition_records=records, backoff=0)


async def test_fetch_result_getall_moves_the_position_of_its_assignment() -> None:
    chunks.note_positions()
    result = _fetch_result([5, 6, 9], 5, 12)
    first = result.getall(2)
    assert (list(first), first.start, first.end) == ([5, 6], 5, 7)
    rest = result.getall(10)
    assert (list(rest), rest.start, rest.end) == ([9], 7, 12)


async def test_fetch_result_getall_of_markers_alone_is_true_and_of_nothing_false() -> None:
    chunks.note_positions()
    markers = _fetch_result([], 5, 6).getall(10)
    assert (list(markers), markers.start, markers.end, bool(markers)) == ([], 5, 6, True)
    gone = _fetch_result([5], 5, 6)
    gone._assignment.state_value(TopicPartition("t", 0)).seek(100)
    assert not gone.getall(10)


async def test_partition_state_position_is_guarded_by_has_valid_position() -> None:
    state = TopicPartitionState(Assignment({TopicPartition("t", 0)}))
    assert not state.has_valid_position
    state.reset_to(4)
    assert state.has_valid_position
    assert state.position == 4


async def test_the_position_of_a_partition_is_read_from_the_consumers_subscription() -> None:
    mine, other = TP("t", 0), TP("t", 1)
    subscriptions = SubscriptionState()
    client = SimpleNamespace(_subscription=subscriptions)
    app: Any = SimpleNamespace(consumer=SimpleNamespace(_thread=SimpleNamespace(_consumer=client)))
    group = FaustGroup(app, frozenset("t"))
    assert group.position_of(mine) is None, "nothing is subscribed"
    subscriptions.subscribe({"t"})
    assert group.position_of(mine) is None, "nothing is assigned"
    subscriptions.assign_from_subscribed([TopicPartition("t", 0)])
    assert group.position_of(mine) is None, "it is not known yet"
    assignment = subscriptions.subscription.assignment
    assert assignment is not None
    assignment.state_value(TopicPartition("t", 0)).reset_to(7)
    assert (group.position_of(mine), group.position_of(other)) == (7, None)
    assert "self._subscription = SubscriptionState(" in source(AIOKafkaConsumer)
    assert "self._consumer = self._create_consumer" in source(driver.AIOKafkaConsumerThread)


async def test_who_has_no_leader_is_read_from_the_consumers_client() -> None:
    led, unled, unknown = TP("t", 0), TP("t", 1), TP("t", 2)
    cluster = ClusterMetadata()
    cluster._partitions = {"t": {0: SimpleNamespace(leader=3), 1: SimpleNamespace(leader=-1)}}
    thread = SimpleNamespace(_consumer=SimpleNamespace(_client=SimpleNamespace(cluster=cluster)))
    asked: list[TP] = []

    async def offsets(*tps: TP) -> dict[TP, int]:
        asked.extend(tps)
        return dict.fromkeys(tps, 5)

    consumer = SimpleNamespace(_thread=thread, earliest_offsets=offsets, highwaters=offsets)
    tables = SimpleNamespace(recovery=SimpleNamespace(active_tps={led, unled}))
    app: Any = SimpleNamespace(consumer=consumer, tables=tables)
    group = FaustGroup(app, frozenset("t"))
    assert await group.changelog_ends_now() == {0: 4}
    assert await group.earliest((led, unled, unknown)) == {led: 5, unknown: 5}
    assert await group.latest((unled, led)) == {led: 5}
    assert await group.first_since(unled, Instant(0)) is None
    assert unled not in asked
    assert "self._client = AIOKafkaClient(" in source(AIOKafkaConsumer)
    assert "self.cluster = ClusterMetadata(" in source(AIOKafkaClient)
    waits = source(fetcher.Fetcher._proc_offset_requests)
    assert "elif node_id == -1:" in waits
    assert "raise Errors.LeaderNotAvailableError(partition)" in waits


def test_fetched_records_keeps_what_is_true_and_asks_getall() -> None:
    text = source(fetcher.Fetcher.fetched_records)
    assert "records = res_or_error.getall(max_records)" in text
    assert "if not records: continue" in text
    assert "type(res_or_error) is FetchResult" in text


def test_fetched_records_are_made_by_position_in_this_order() -> None:
    names = [field.name for field in dataclasses.fields(ConsumerRecord)]
    assert names == [field.name for field in msgspec.structs.fields(chunks.Fetched)]
    assert "return ConsumerRecord( tp.topic, tp.partition, record.offset," in source(
        fetcher.PartitionRecords._consumer_record
    )


def test_fetch_max_wait_is_read_at_each_fetch() -> None:
    assert "self._fetch_max_wait_ms" in source(fetcher.Fetcher)
    text = source(AIOKafkaConsumer)
    assert "self._fetch_max_wait_ms = fetch_max_wait_ms" in text
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in text, "set after the constructor, before start"


async def test_who_hangs_is_given_up_sooner_unless_a_group_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    async def create_conn(*_: object, request_timeout_ms: int, **__: object) -> Any:
        return SimpleNamespace(_request_timeout=request_timeout_ms / 1000, connected=lambda: True)

    monkeypatch.setattr("aiokafka.client.create_conn", create_conn)
    client = AIOKafkaClient(request_timeout_ms=40_000)
    client.cluster._brokers = {7: SimpleNamespace(host="127.0.0.1", port=9092)}
    chunks.give_up_who_hangs(client)
    waits = {}
    for group in ConnectionGroup:
        assert await client.ready(7, group=group)
        waits[group] = client._conns[7, group]._request_timeout
    assert waits == {ConnectionGroup.DEFAULT: 15, ConnectionGroup.COORDINATION: 40}
    assert "return wait_for(fut, self._request_timeout)" in source(AIOKafkaConnection.send)
    assert "group=ConnectionGroup.COORDINATION" in source(GroupCoordinator._send_req)
    assert "await self._coordinator._send_req(request)" in source(CoordinatorGroupRebalance)


def test_coordinator_keeps_to_itself_why_it_has_given_up_the_group() -> None:
    assert "self._coordination_task = create_task(self._coordination_routine())" in source(GroupCoordinator)
    assert "self._pending_exception = exc" in source(GroupCoordinator._push_error_to_user)
    assert "raise kafka_exc from exc" in source(GroupCoordinator._coordination_routine)
    assert "self._coordinator = GroupCoordinator(" in source(AIOKafkaConsumer)


def test_fetcher_keeps_to_itself_why_it_fetches_no_more() -> None:
    assert "self._fetch_task = create_task(self._fetch_requests_routine())" in source(fetcher.Fetcher)
    assert "raise Errors.KafkaError(" in source(fetcher.Fetcher._fetch_requests_routine)
    assert in_order(source(AIOKafkaConsumer.start), "self._fetcher = Fetcher(", "GroupCoordinator(")


def test_sender_backoff_override_is_read_from_its_module() -> None:
    assert isinstance(sender.BACKOFF_OVERRIDE, float)
    assert "BACKOFF_OVERRIDE" in source(sender.AddPartitionsToTxnHandler)


def test_sender_looks_for_a_coordinator_again_where_a_node_is_not_ready() -> None:
    text = source(sender.Sender._find_coordinator)
    assert "await self.client.coordinator_lookup( coordinator_type, coordinator_key )" in text
    assert in_order(text, "Errors.NodeNotReadyError", "continue", "raise KafkaError(repr(err)) from err")
    assert "self._sender = Sender( self.client," in source(ProducerClass)


async def test_producer_batches_are_built_and_sent_ready_made() -> None:
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", max_batch_size=1_000)
    batch = producer.create_batch()
    assert batch.append(timestamp=1, key=b"k", value=b"v", headers=[("a", b"b")]) is not None
    assert batch.append(timestamp=1, key=b"k", value=b"v" * 2_000, headers=[]) is None
    assert batch.record_count() == 1
    assert parameters(ProducerClass.send_batch) == ["batch", "topic", "partition"]


def test_producer_send_batch_times_out_without_having_taken_the_batch() -> None:
    text = source(message_accumulator.MessageAccumulator.add_batch)
    assert in_order(text, "await pending[-1].wait_drain(timeout=timeout)", "self._append_batch(builder, tp)")
    assert text.rstrip().endswith("raise KafkaTimeoutError()")


def test_producer_idempotent_batches_never_expire() -> None:
    assert "self._sender._txn_manager is None and batch.expired()" in source(
        sender.SendProduceReqHandler._can_retry
    )


async def test_record_overhead_is_no_less_than_the_batch_format_needs() -> None:
    from engine.contract.records import Record
    from engine.stream.delivery import size_of

    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", max_batch_size=10_000_000)
    for headers in ([], [("name", b"value")] * 20):
        record = Record(b"k" * 100, b"v" * 100_000, headers)
        batch = producer.create_batch()
        batch.append(timestamp=1, key=record.key, value=record.value, headers=record.headers)
        assert batch.size() <= size_of(record)


@pytest.fixture(autouse=True)
async def _no_leftover_tasks() -> None:
    await asyncio.sleep(0)


def test_consumer_books_are_made_for_any_partition() -> None:
    assert "self._acked = defaultdict(list)" in source(faust_consumer.Consumer.__init__)
    assert defaultdict(list)[TP("t", 0)] == []
