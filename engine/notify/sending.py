"""Tells one receiver what is due: one notification at a time, its result recorded before the next."""

import asyncio
import time
from collections.abc import Callable
from random import Random

import structlog

from engine.core.instants import SECOND, Instant
from engine.metrics.notify import DEAD, DELIVERED, FAILED, NotifyMetrics
from engine.notify.alert import Receiver, Refused, TryAgain
from engine.notify.circuit import CLOSED, Circuit, backoff
from engine.notify.record import Attempt, Record
from engine.notify.routing import Route
from engine.sql.database import reason
from engine.sql.following import AWAY

log = structlog.stdlib.get_logger("vigil.notify")

_AT_ONCE = 100
"""Groups of one look at what is due."""
_LOOK = 1.0
"""Seconds between two looks where nothing is due: others end silences and send dead letters again."""
_LONGEST_SEND = 120.0
"""Seconds; a receiver has limits of its own, and this is for one that has none."""
_AWAY_SECONDS = 2.0


class Remembered:
    """The memory of one receiver, in the record."""

    def __init__(self, record: Record, receiver: str, now: Callable[[], Instant]) -> None:
        self._record, self._receiver, self._now = record, receiver, now

    def get(self, key: str) -> str | None:
        return self._record.remembered(self._receiver, key)

    def put(self, key: str, value: str) -> None:
        self._record.remember(self._receiver, key, value, self._now())


class Sender:
    """One receiver's. Nothing that happens to it delays another."""

    def __init__(
        self,
        receiver: Receiver,
        record: Record,
        root: Route,
        metrics: NotifyMetrics,
        now: Callable[[], Instant],
        dice: Random,
    ) -> None:
        self._receiver, self._record, self._root = receiver, record, root
        self._metrics, self._now, self._dice = metrics, now, dice
        self._memory = Remembered(record, receiver.name, now)
        self._circuit = Circuit(dice)
        self._news = asyncio.Event()

    def wake(self) -> None:
        """There may be something due. From the loop's thread."""
        self._news.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set and what is being sent is sent."""
        while not stopping.is_set():
            self._news.clear()
            try:
                await self._wait(await self.round(stopping))
            except AWAY as error:
                log.warning("database_away", why=reason(error), again_in_seconds=_AWAY_SECONDS)
                self._metrics.retried("database_away")
                await asyncio.sleep(_AWAY_SECONDS)

    async def round(self, stopping: asyncio.Event) -> float:
        """Tell what is due; in how many seconds to look again."""
        name, now = self._receiver.name, self._now()
        due = await asyncio.to_thread(self._record.due, name, now, _AT_ONCE)
        self._metrics.waiting(name, 0.0 if due.oldest is None else (now - due.oldest) / SECOND)
        self._metrics.circuit(name, self._circuit.state(now))
        for group in due.groups:
            if stopping.is_set() or not self._circuit.may_try(self._now()):
                break
            await self._tell(group)
        now = self._now()
        if not self._circuit.may_try(now):
            return (self._circuit.until - now) / SECOND
        if due.groups:
            return 0.0
        return _LOOK if due.next is None else max((due.next - now) / SECOND, 0.0)

    async def _wait(self, seconds: float) -> None:
        if not seconds:
            return
        try:
            await asyncio.wait_for(self._news.wait(), min(seconds, _LOOK))
        except TimeoutError:
            return

    async def _tell(self, group: str) -> None:
        name = self._receiver.name
        attempt = await asyncio.to_thread(self._record.begin, name, group, self._root, self._now())
        if attempt is None:
            return
        began, failures = time.monotonic(), self._receiver.wording.failures
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                await self._receiver.send(attempt.notification, self._memory)
        except Refused as why:
            await self._refused(attempt, why.reason)
        except TryAgain as why:
            await self._failed(attempt, why.reason, why.after)
        except TimeoutError:
            await self._failed(attempt, f"not done within {_LONGEST_SEND:g} s", None)
        except AWAY:
            raise  # our own record, asked by the receiver
        except Exception as error:
            log.exception("receiver_broke", receiver=name, group=group)
            await self._failed(attempt, f"{type(error).__name__}: {error}", None)
        else:
            await self._told(attempt, time.monotonic() - began)
        self._metrics.worded_otherwise(name, self._receiver.wording.failures - failures)

    async def _told(self, attempt: Attempt, seconds: float) -> None:
        n = attempt.notification
        if self._circuit.state(self._now()) != CLOSED:
            log.info("receiver_is_back", receiver=n.receiver)
        self._circuit.succeeded()
        await asyncio.to_thread(self._record.told, attempt, self._root, self._now())
        self._metrics.sent(n.receiver, DELIVERED)
        log.info("told", **_line(attempt), seconds=round(seconds, 3))

    async def _failed(self, attempt: Attempt, why: str, after: float | None) -> None:
        n, now = attempt.notification, self._now()
        was = self._circuit.state(now)
        self._circuit.failed(now, after)
        wait = max(backoff(n.attempt + 1, self._dice), int((after or 0) * SECOND))
        again = Instant(now + wait)
        await asyncio.to_thread(self._record.failed, attempt, self._root, why, again, now)
        self._metrics.sent(n.receiver, FAILED)
        log.warning("not_told", **_line(attempt), why=why, again_in_seconds=round(wait / SECOND, 1))
        if was == CLOSED and self._circuit.state(now) != CLOSED:
            log.error("receiver_is_down", receiver=n.receiver, why=why)

    async def _refused(self, attempt: Attempt, why: str) -> None:
        self._circuit.succeeded()  # it answers
        number = await asyncio.to_thread(self._record.refused, attempt, self._root, why, self._now())
        self._metrics.sent(attempt.notification.receiver, DEAD)
        log.error("dead_letter", **_line(attempt), why=why, number=number)


def _line(attempt: Attempt) -> dict[str, object]:
    n = attempt.notification
    states = [alert.state for alert in n.alerts]
    return {
        "receiver": n.receiver,
        "group": n.group,
        "firing": states.count("firing"),
        "resolved": states.count("resolved"),
        "attempt": n.attempt + 1,
    }
