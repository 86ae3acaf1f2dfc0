"""Between the outcomes topic and the receivers: what `vigil notify run` is made of."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from random import SystemRandom
from threading import Event, Thread

import structlog

from engine.cli.databases import at_work, when_there
from engine.cli.exits import ExitCode, Failure, until_told
from engine.cli.inputs import now
from engine.cli.reading import partitions_of, reader
from engine.cli.serving import Health, health_served
from engine.cli.topics import broker_errors
from engine.core.instants import DAY, SECOND, Instant, Span
from engine.metrics.certificates import show_certificates
from engine.metrics.notify import NotifyMetrics
from engine.notify.configuration import Configuration, configuration
from engine.notify.record import Record
from engine.notify.sending import Sender
from engine.notify.taking import IntoRecord
from engine.policies import load
from engine.settings import Settings
from engine.sql.database import give_up_on_silence, reason, shown
from engine.sql.following import AWAY, Follower, TopicMadeAnew
from engine.stream.allowed import must_be_allowed
from engine.stream.rights import roles
from engine.stream.topics import let_in

log = structlog.stdlib.get_logger("vigil.notify")

_AT_ONCE = 100
"""Outcomes of one transaction: who tells waits for the whole of it, and more cost as much each."""
_HELD_SECONDS = 5.0
"""Between two looks whether this process is still the one that sends."""
_PRUNE_SECONDS = 3_600.0
_THREADS = 3
"""Of each sending: what it asks of the network, and of the record; and a name's lookup that it has given up,
which goes on for as long as the system's resolver likes."""
_TAKE_OVER_SECONDS = 1.0
"""Between two looks whether the process that sends has gone."""


def configured(settings: Settings) -> Configuration:
    """What the settings' file says. NotifyErrors; PolicyErrors where it names a calendar."""
    return configuration(settings.notify_config, lambda: load(settings.policies).calendars)


def notify(settings: Settings) -> None:
    """Until SIGTERM or SIGINT. Failure where it cannot begin or go on."""
    said = configured(settings)
    with broker_errors():
        let_in(settings, settings.start_timeout)
        must_be_allowed(settings, roles(settings)["notify"].rights)
    with contextlib.closing(reader(settings, "none")) as consumer:
        partitions_of(consumer, [settings.outcomes_topic])  # later a topic that is not there is waited for
    stopping = until_told()  # until here a signal ends it at once: `ends_when_told`
    metrics = NotifyMetrics(said.receivers)
    show_certificates(metrics.registry, settings.certificates)
    health = Health(settings.ready_lag, metrics)
    with health_served(settings, metrics.registry, health) as port:
        url = settings.notify_url.get_secret_value()
        record = when_there(lambda: Record.open(url, now()), stopping, settings.start_timeout)
        if record is None:
            return
        give_up_on_silence(record.engine)
        with record:
            log.info(
                "notifying",
                record=shown(record.engine),
                receivers=list(said.receivers),
                metrics_port=port,
            )
            process = _Process(settings, said, record, metrics, health, stopping)
            with at_work():
                _alone(process, said.receivers, record, health, stopping)
    log.info("stopped")


def _alone(
    process: "_Process", receivers: Collection[str], record: Record, health: Health, stopping: Event
) -> None:
    """Once no other process sends from this record. Until then it is ready: to take over."""
    waits = False
    while not stopping.is_set():
        with contextlib.ExitStack() as stack:
            try:
                held = stack.enter_context(record.alone())
                if held is not None:
                    record.has_receivers(receivers)
            except AWAY as error:
                health.why_off = lambda: "database_away"
                log.warning("database_away", why=reason(error), again_in_seconds=_TAKE_OVER_SECONDS)
            else:
                if held is not None:
                    asyncio.run(process.run(held))
                    return
                health.why_off = lambda: ""
                if not waits:
                    log.info("waiting", why="another process sends from this record; this one takes over")
                    waits = True
        stopping.wait(_TAKE_OVER_SECONDS)


class _Process:
    """One that follows the topic in a thread of its own, and has a task a receiver."""

    def __init__(
        self,
        settings: Settings,
        said: Configuration,
        record: Record,
        metrics: NotifyMetrics,
        health: Health,
        stopping: Event,
    ) -> None:
        self._settings, self._said, self._record = settings, said, record
        self._metrics, self._health, self._stopping = metrics, health, stopping
        self._failure: BaseException | None = None

    async def run(self, held: Callable[[], bool]) -> None:
        loop, ending = asyncio.get_running_loop(), asyncio.Event()
        loop.set_default_executor(self._threads())
        dice = SystemRandom()
        senders = [
            Sender(one, self._record, self._said.root, self._metrics, now, dice)
            for one in self._said.receivers.values()
        ]

        def news() -> None:
            for sender in senders:
                loop.call_soon_threadsafe(sender.wake)

        follower = Thread(target=self._follow, args=(news,), name="follower")
        follower.start()
        tasks = [asyncio.create_task(sender.run(ending)) for sender in senders]
        try:
            await self._watch(held, tasks)
        finally:
            self._stopping.set()
            ending.set()
            news()
            _, late = await asyncio.wait(tasks, timeout=self._settings.drain_timeout)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            await asyncio.to_thread(follower.join)
        for task in tasks:
            if task not in late:
                task.result()
        if self._failure is not None:
            raise self._failure

    def _threads(self) -> ThreadPoolExecutor:
        """For all that waits in a thread. Of asyncio's own few, mail servers that hang would hold up all."""
        sendings = sum(receiver.at_once for receiver in self._said.receivers.values())
        return ThreadPoolExecutor(_THREADS * (sendings + 1))

    async def _watch(self, held: Callable[[], bool], tasks: "list[asyncio.Task[None]]") -> None:
        """Until it is stopped, or something has ended that should not have."""
        looked = pruned = time.monotonic() - _PRUNE_SECONDS
        while not self._stopping.is_set() and not any(task.done() for task in tasks):
            at = time.monotonic()
            if at - looked >= _HELD_SECONDS:
                looked = at
                if not await asyncio.to_thread(held):
                    why = "the database has let go of the lock of the one who sends"
                    raise Failure(why, ExitCode.IN_DOUBT, "start it again")
            if at - pruned >= _PRUNE_SECONDS:
                pruned = at
                before = Instant(now() - int(self._settings.notify_keep_days * DAY))
                try:
                    await asyncio.to_thread(self._record.prune, before)
                except AWAY as error:
                    log.warning("not_pruned", why=reason(error), again_in_seconds=_PRUNE_SECONDS)
            await asyncio.sleep(0.1)

    def _follow(self, news: Callable[[], None]) -> None:
        settings, metrics = self._settings, self._metrics
        try:
            not_older = Span(int(settings.notify_not_older * SECOND))
            into = IntoRecord(self._record, self._said.root, not_older, metrics, now, news)
            topics = (settings.outcomes_topic,)
            connect = lambda: reader(settings, "none")  # noqa: E731
            follower = Follower(into, topics, connect, self._stopping, self._health, _AT_ONCE)
            self._health.why_off = follower.why_off
            follower.run()
        except TopicMadeAnew as error:
            hint = "`vigil notify reread` reads it into this record; or name the topic that this one is of"
            self._failure = Failure(str(error), ExitCode.REFUSED, hint)
        except BaseException as error:
            self._failure = error
        finally:
            self._stopping.set()
