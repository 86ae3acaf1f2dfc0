"""The Faust application: Faust's settings, and the wiring of agent, table and shell."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import faust
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.auth import SASLCredentials, SSLCredentials
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.types import TP
from faust.types.auth import CredentialsT
from faust.types.settings import Settings as FaustSettings
from yarl import URL

from engine.core.instants import MILLISECOND, Instant
from engine.settings import TABLE, Settings
from engine.stream.chunks import ChunkTransport, note_positions
from engine.stream.ending import in_doubt
from engine.stream.shell import Shell
from engine.stream.table import StateTable

REBALANCE_SECONDS = 20.0
REQUEST_SECONDS = 40.0
NO_LEADER = -1
METADATA_MS = 30_000
"""Of Kafka's five minutes: partitions that are added meanwhile are read by nobody, and nothing shows it."""
FETCH_BYTES = 4 * 1024 * 1024
"""Of a partition and fetch. A larger record still comes, alone: the broker never holds back the first one."""


class OurSettings(FaustSettings):
    """Faust lets the environment overrule the program: an APP_ID that is meant for another one, say."""

    def getenv(self, env_name: str) -> Any:
        return None


class VigilApp(faust.App):
    """Faust's application with our transport; `shell` is what the transport asks."""

    Settings = OurSettings
    shell: Shell

    def _create_directories(self) -> None:
        """None: the state is in memory and in the changelog."""


class FaustGroup:
    """What the shell asks about the consumer group, answered by Faust and aiokafka."""

    def __init__(self, app: VigilApp, sources: frozenset[str]) -> None:
        self._app = app
        self._sources = sources

    def generation(self) -> int:
        return self._app.consumer_generation_id

    def settled_assignment(self) -> bool:
        return not (self._app.rebalancing or self._app.in_recovery)

    def recovers_again(self) -> bool:
        # The generation is told first, then the table, then recovery, which signals; then it starts.
        begun = self._recovery._generation_id == self._app.consumer_generation_id
        return not begun or self._recovery.signal_recovery_start.is_set()

    def changelog_ends(self) -> dict[int, int]:
        return {tp.partition: last for tp, last in self._recovery.active_highwaters.items()}

    async def changelog_ends_now(self) -> dict[int, int]:
        ends = await self.latest(self._recovery.active_tps)
        return {tp.partition: end - 1 for tp, end in ends.items()}

    @property
    def _recovery(self) -> Recovery:
        return cast(TableManager, self._app.tables).recovery

    def source_partitions(self) -> set[TP]:
        return {tp for tp in self._app.consumer.assignment() if tp.topic in self._sources}

    async def committed_of(self, tp: TP) -> int | None:
        thread = self._app.consumer._thread  # type: ignore[attr-defined]
        committed: int | None = await thread.call_thread(thread._consumer.committed, tp)
        return committed

    async def earliest(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        return await self._app.consumer.earliest_offsets(*self._led(tps))

    async def latest(self, tps: Iterable[TP]) -> Mapping[TP, int]:
        return await self._app.consumer.highwaters(*self._led(tps))

    def _led(self, tps: Iterable[TP]) -> list[TP]:
        """Those that have a leader: for want of one the client waits, with what it asks of the others too."""
        cluster = self._app.consumer._thread._consumer._client.cluster  # type: ignore[attr-defined]
        return [tp for tp in tps if cluster.leader_for_partition(tp) != NO_LEADER]

    def end_of(self, tp: TP) -> int | None:
        try:
            return self._app.consumer.highwater(tp)
        except (AssertionError, AttributeError):  # a rebalance took the partition between two lines
            return None

    def told_at(self, tp: TP) -> int | None:
        consumer = self._app.consumer._thread._consumer  # type: ignore[attr-defined]
        try:
            told: int | None = consumer.last_poll_timestamp(tp)
        except (AssertionError, AttributeError):
            return None
        return told

    async def first_since(self, tp: TP, at: Instant) -> tuple[int, int] | None:
        thread = self._app.consumer._thread  # type: ignore[attr-defined]
        if not self._led((tp,)):
            return None
        asked = {tp: at // MILLISECOND}
        found = (await thread.call_thread(thread._consumer.offsets_for_times, asked))[tp]
        return None if found is None else (found.offset, found.timestamp)

    def position_of(self, tp: TP) -> int | None:
        consumer = self._app.consumer._thread._consumer  # type: ignore[attr-defined]
        subscription = consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        if assignment is None or tp not in assignment.tps:
            return None
        state = assignment.state_value(tp)
        return state.position if state.has_valid_position else None

    def given_up(self) -> BaseException | None:
        """Why the client takes part in the group or fetches no more, which it keeps to itself; None while it
        does both."""
        consumer = self._app.consumer._thread._consumer  # type: ignore[attr-defined]
        coordinator = None if consumer is None else consumer._coordinator
        if not isinstance(coordinator, GroupCoordinator):
            return None  # not started yet
        for task in (coordinator._coordination_task, consumer._fetcher._fetch_task):
            if task.done() and not task.cancelled() and (error := task.exception()):
                return cast(BaseException, error)
        return cast("BaseException | None", coordinator._pending_exception)

    async def seek(self, tp: TP, offset: int) -> None:
        await self._app.consumer.seek_wait({tp: offset})


def faust_app(settings: Settings, partitions: int) -> tuple[VigilApp, StateTable]:
    """The application and its only table. The agent comes with `attach`."""
    note_positions()
    app = VigilApp(
        settings.app_id,
        broker=[URL(f"kafka://{server}") for server in settings.bootstrap_servers.split(",")],
        broker_credentials=credentials(settings),
        store="memory://",
        Table=StateTable,
        topic_partitions=partitions,
        topic_replication_factor=settings.replication_factor,
        topic_allow_declare=False,  # `vigil topics create` makes them, `checks` has looked at them
        topic_disable_leader=True,
        web_enabled=False,
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.instance_id or None,
        consumer_max_fetch_size=FETCH_BYTES,
        consumer_metadata_max_age_ms=METADATA_MS,
        broker_max_poll_records=settings.poll_records,
        broker_commit_interval=1.0,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 4,
        broker_rebalance_timeout=max(REBALANCE_SECONDS, 2 * settings.drain_timeout),
        broker_request_timeout=max(REQUEST_SECONDS, settings.session_timeout + 1),
        table_standby_replicas=0,
        stream_wait_empty=False,  # `surrender` waits, for what is ours alone
        stream_buffer_maxsize=16,  # chunks, not records
    )
    app.transport = ChunkTransport(app.conf.broker_consumer, app)
    table = app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=partitions, recovery_buffer_size=4)
    assert isinstance(table, StateTable)  # noqa: S101  (narrows the type)
    return app, table


def attach(app: VigilApp, table: StateTable, shell: Shell, settings: Settings) -> None:
    """One agent over all inputs and the commands: one order of work a partition number, one table."""
    app.shell = shell
    table.on_recover(shell.recovered)
    sources = app.topic(*settings.input_topics, key_serializer="raw", value_serializer="raw", internal=False)

    @app.agent(sources, name="vigil.escalations")
    async def escalations(stream: faust.StreamT[Any]) -> None:
        # noack: an event that leaves this loop, by whatever way, is not acknowledged by that.
        async for event in stream.noack().events():  # type: ignore[attr-defined]  # of Stream, not of StreamT
            try:
                await shell.take(event)
            except Exception as error:
                in_doubt("agent", error, topic=event.message.topic, partition=event.message.partition)


def credentials(settings: Settings) -> CredentialsT | None:
    """Faust's form of the security settings."""
    context = settings.tls_context()
    if settings.security_protocol.startswith("SASL"):
        return SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password.get_secret_value(),
            mechanism=settings.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context=context) if context is not None else None
