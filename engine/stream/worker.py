"""Runs one worker from its settings to its exit code."""

import asyncio
import signal
import time
from importlib.metadata import version
from typing import NoReturn

import structlog
from aiokafka.errors import InvalidSessionTimeoutError

from engine.core.deadlines import ACTION
from engine.core.decide import IS_COMPILED, Options
from engine.core.pace import Pace
from engine.core.policy import Book
from engine.core.rules import FLAG, ROLE
from engine.metrics import Metrics, labels
from engine.metrics.certificates import show_certificates
from engine.settings import Settings
from engine.stream.acknowledged import Acknowledged
from engine.stream.allowed import must_be_allowed
from engine.stream.app import FaustGroup, attach, faust_app
from engine.stream.checks import Refused, check_environment, check_horizon, check_topics, wait_for_broker
from engine.stream.clock import Clock, clock_of
from engine.stream.collector import spared_collector
from engine.stream.delivery import DurableStage
from engine.stream.desk import Desk
from engine.stream.duties import Duties
from engine.stream.ending import in_doubt, leave
from engine.stream.health import HealthServer
from engine.stream.lost import state_must_be_there
from engine.stream.observer import Observer
from engine.stream.readiness import of_worker
from engine.stream.rights import roles
from engine.stream.sender import Sender
from engine.stream.shell import Decides, Shell
from engine.stream.transactions import Transactions

log = structlog.stdlib.get_logger("vigil.stream")

STOP_SECONDS = 20.0
CRASH_POLL_SECONDS = 0.2


def may_be_breached(book: Book) -> list[str]:
    """The metrics of these policies that may pass a due time, in the policies' order.

    An action item may bring its own due time.
    """
    policies = (*book.policies, *book.withdrawn)
    clocks = [rule.metric for policy in policies for rule in policy.clocks]
    roles = [ROLE for policy in policies if policy.war_room]
    flags = [FLAG for policy in policies if policy.recurrence]
    return list(dict.fromkeys([*clocks, ACTION, *roles, *flags]))


class Worker:
    """All parts of one worker, made from settings and policies."""

    def __init__(
        self,
        settings: Settings,
        book: Book,
        partitions: int,
        clock: Clock,
        desk: Decides | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.settings = settings
        clocks = may_be_breached(book)
        mode = labels.MODES[settings.clock] if settings.shadow is None else labels.SHADOW
        self.metrics = Metrics(clocks, mode=mode)
        # Of ticks, one too many changes nothing, and where a partition has no leader many are given up.
        self._sender = Sender(settings, idempotent=False)
        self.app, table = faust_app(settings, partitions)
        self._group = group = FaustGroup(self.app, frozenset(settings.input_topics))
        options = Options(
            open_on_first_event=settings.open_on_first_event,
            say_movements=settings.say_movements,
            relay_again=settings.delivery == "acknowledged",
            event_time=clock.event_time,
            pace=pace,
        )

        def stage_of(shell: Shell) -> DurableStage:
            if settings.delivery == "acknowledged":
                return Acknowledged(settings, table, Sender(settings), shell.settled)
            return Transactions(settings, shell.settled, table.last_of, partitions)

        self.shell = Shell(
            settings,
            book,
            desk or Desk(book, options, settings),
            clock,
            self.metrics,
            Observer(self.metrics, clock, pace),
            table,
            group,
            stage_of,
            self._sender,
        )
        attach(self.app, table, self.shell, settings)
        self.readiness = of_worker(
            settings.ready_lag,
            lambda: self.shell.accepting,
            lambda: bool(table.partitions_held),
            self.shell.is_stuck,
        )
        self.health = HealthServer(settings.metrics_host, settings.metrics_port, self.metrics, self.readiness)
        self._duties = Duties(
            settings, self.shell, group, clock, self.metrics, self._sender, self.readiness, book
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then drain, commit and leave the group."""
        try:
            await self.health.start()
        except OSError as error:
            raise Refused(
                "metrics_port_taken",
                f"{self.settings.metrics_host}:{self.settings.metrics_port}: {error.strerror}",
                "set VIGIL_METRICS_PORT to another port, or to 0 for any",
            ) from error
        self._duties.start()
        starting = asyncio.create_task(self.app.start())
        try:
            await self._watch(stop, starting)
        finally:
            has_left = await self._leave(starting)
        if not has_left:
            leave()

    async def _watch(self, stop: asyncio.Event, starting: asyncio.Task[None]) -> None:
        """Faust and aiokafka keep a crash to themselves: look for it."""
        while not stop.is_set():
            if starting.done() and not starting.cancelled() and (error := starting.exception()):
                in_doubt("faust_start", error)
            if self.app.crashed:
                in_doubt("faust_crashed", self.app._crash_reason)
            if error := self._group.given_up():
                self._no_member(error)
            try:
                await asyncio.wait_for(stop.wait(), CRASH_POLL_SECONDS)
            except TimeoutError:
                continue

    def _no_member(self, error: BaseException) -> NoReturn:
        if isinstance(error.__cause__ or error, InvalidSessionTimeoutError):
            raise Refused(
                "session_timeout_refused",
                f"the broker takes no VIGIL_SESSION_TIMEOUT={self.settings.session_timeout:g}",
                "choose one between its group.min.session.timeout.ms (6 s, unless set) and"
                " group.max.session.timeout.ms",
            ) from error
        in_doubt("group_given_up", error)

    async def _commit(self) -> None:
        """What Faust has been told is done. It would wait for a broker that is away, for however long."""
        seconds = self.settings.drain_timeout
        try:
            await asyncio.wait_for(self.app.consumer.commit(), seconds)
        except TimeoutError as error:
            in_doubt("commit", error, seconds=seconds)

    async def _leave(self, starting: asyncio.Task[None]) -> bool:
        """Stop in order; False: the group could not be told."""
        log.info("stopping")
        await self.shell.surrender()
        await self._duties.stop()
        if not self.shell.commits_offsets:
            await self._commit()
        parting = asyncio.create_task(self._part())
        await asyncio.wait((parting,), timeout=STOP_SECONDS)
        has_left = parting.done() and not isinstance(parting.exception(), TimeoutError)
        if has_left:
            parting.result()
        else:
            # Everything is committed; only the group learns of it later, by the session timeout. Not
            # cancelled: Faust keeps that to itself, and waits on.
            log.warning("stop_took_too_long", seconds=STOP_SECONDS)
        starting.cancel()
        await self.health.stop()
        log.info("stopped")
        return has_left

    async def _part(self) -> None:
        await self.app.stop()
        await self.shell.stage.close()
        await self._sender.stop()


async def run(settings: Settings, book: Book, desk: Decides | None = None, pace: Pace | None = None) -> None:
    """Check, then work until SIGTERM or SIGINT. Raises Refused or Unreachable; in doubt ends the process."""
    clock = clock_of(settings)
    check_environment()
    check_horizon(book, clock.now())
    await wait_for_broker(settings)
    await asyncio.to_thread(must_be_allowed, settings, roles(settings)["worker"].rights)
    partitions = await check_topics(settings)
    await asyncio.to_thread(state_must_be_there, settings)
    # Until here a signal ends the process at once, for nothing is begun: a broker may let us wait for long.
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    worker = Worker(settings, book, partitions, clock, desk, pace)
    worker.metrics.started(time.time())
    show_certificates(worker.metrics.registry, settings.certificates)
    worker.metrics.build_info(
        version=version("vigil-sla"),
        faust=version("faust-streaming"),
        aiokafka=version("aiokafka"),
        tzdata=book.tzdata,
        holidays=book.holidays,
        delivery=settings.delivery,
        clock=settings.clock,
        shadow="false" if settings.shadow is None else "true",
        compiled=str(IS_COMPILED).lower(),
    )
    log.info(
        "worker_starts",
        app_id=settings.app_id,
        bootstrap_servers=settings.bootstrap_servers,
        partitions=partitions,
        delivery=settings.delivery,
        guarantee="exactly once" if settings.delivery == "transactions" else "at least once",
        clock=settings.clock,
        shadow=settings.shadow is not None,
        pace=None if pace is None else f"{settings.pace}@{pace.hash}",
        policies=[f"{policy.name}@{policy.version}" for policy in book.policies],
        withdrawn=[f"{policy.name}@{policy.version}" for policy in book.withdrawn],
    )
    with spared_collector():
        await worker.run(stop)


def main(settings: Settings, book: Book, desk: Decides | None = None, pace: Pace | None = None) -> None:
    """`run`, in an event loop of its own. `desk`: another than the core's, for tests of the shell alone."""
    asyncio.run(run(settings, book, desk, pace))
