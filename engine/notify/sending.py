"""Tells one receiver what is due, as many groups at a time as it takes; how that ended is recorded before the
next."""

import asyncio
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import structlog

from engine.core.instants import SECOND, Instant, Span
from engine.metrics.notify import DEAD, DELIVERED, FAILED, NotifyMetrics
from engine.notify.alert import Receiver, Refused, TryAgain
from engine.notify.circuit import CLOSED, Circuit, backoff
from engine.notify.outbox import Attempt, Outbox
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.sql.database import reason
from engine.sql.following import AWAY

log = structlog.stdlib.get_logger("vigil.notify")

_LOOKED_AT = 100
"""Groups of one look at what is due."""
_LOOK = 1.0
"""Seconds between two looks where nothing is due: others end silences and send dead letters again."""
_LONGEST_SEND = 120.0
"""Seconds; a receiver has limits of its own, and this is for one that has none."""
_AWAY_SECONDS = 2.0
_LONGEST_WHERE_UP = 30 * SECOND
"""What is new in the group waits for its next try, and others are told there."""


class Remembered:
    """The memory of one receiver, in the record, for one attempt."""

    def __init__(self, record: Record, receiver: str, now: Callable[[], Instant]) -> None:
        self._record, self._receiver, self._now = record, receiver, now
        self.has_grown = False
        """Something of the attempt has arrived, and the next one goes on from there."""

    async def get(self, key: str) -> str | None:
        return await asyncio.to_thread(self._record.remembered, self._receiver, key)

    async def put(self, key: str, value: str) -> None:
        self.has_grown = True  # first: what is written is written, though whoever waits for it is cancelled
        await asyncio.to_thread(self._record.remember, self._receiver, key, value, self._now())


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
        self._circuit = Circuit(dice)
        self._news = asyncio.Event()
        self._measured = self._seen = Instant(0)

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
        if not self._seen:  # whoever sent before may have had another clock
            self._seen = await asyncio.to_thread(self._record.noted_last, name)
        if (by := Span(self._seen - now)) > _LOOK * SECOND:
            log.warning("clock_went_back", receiver=name, by_seconds=by / SECOND)
            await asyncio.to_thread(self._record.clock_went_back, name, by)
            self._circuit.clock_went_back(by)
        self._seen = now
        due = await asyncio.to_thread(self._record.due, name, now, _LOOKED_AT)
        await self._measure(now)
        left = due.groups
        while left and not stopping.is_set() and self._circuit.may_try(self._now()):
            number = self._receiver.at_once if self._circuit.state(self._now()) == CLOSED else 1
            await self._tell(left[:number])
            left = left[number:]
            await self._measure(self._now())
        now = self._now()
        if not self._circuit.may_try(now):
            return (self._circuit.until - now) / SECOND
        if due.groups:
            return 0.0
        return _LOOK if due.next is None else max((due.next - now) / SECOND, 0.0)

    async def _measure(self, now: Instant) -> None:
        self._metrics.circuit(self._receiver.name, self._circuit.state(now))
        if 0 <= now - self._measured < _LOOK * SECOND:
            return
        self._measured = now
        oldest = await asyncio.to_thread(self._record.oldest, self._receiver.name, now)
        self._metrics.waiting(self._receiver.name, 0.0 if oldest is None else (now - oldest) / SECOND)

    async def _wait(self, seconds: float) -> None:
        if not seconds:
            return
        try:
            await asyncio.wait_for(self._news.wait(), min(seconds, _LOOK))
        except TimeoutError:
            return

    async def _tell(self, groups: Sequence[str]) -> None:
        """The groups at once. Each is noted as being sent before any is, and all results are noted together:
        whoever is killed between sends again what this had sent."""
        attempts = await asyncio.to_thread(self._begin, groups)
        failures = self._receiver.wording.failures
        sent = await asyncio.gather(*map(self._send, attempts), return_exceptions=True)
        ends = [one for one in sent if isinstance(one, _End)]
        notes = [self._judged(end) for end in ends]
        numbers = await asyncio.to_thread(self._note, notes) if notes else []
        for note, number in zip(notes, numbers, strict=True):
            self._say(note, number)
        self._metrics.worded_otherwise(self._receiver.name, self._receiver.wording.failures - failures)
        for one in sent:
            if isinstance(one, BaseException):
                raise one  # our own record is away, which the receiver asked

    def _begin(self, groups: Sequence[str]) -> list[Attempt]:
        with self._record.outbox(self._root) as outbox:
            return outbox.begin(self._receiver.name, groups, self._now())

    async def _send(self, attempt: Attempt) -> "_End":
        began = time.monotonic()
        memory = Remembered(self._record, self._receiver.name, self._now)
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                await self._receiver.send(attempt.notification, memory)
        except Refused as why:
            return _End(attempt, DEAD, why.reason, refused=why.keys)
        except TryAgain as why:
            return _End(attempt, FAILED, why.reason, why.after, went_on=memory.has_grown, is_up=why.is_up)
        except TimeoutError:
            return _End(attempt, FAILED, f"not done within {_LONGEST_SEND:g} s", went_on=memory.has_grown)
        except AWAY:
            raise
        except Exception as error:
            n = attempt.notification
            log.exception("receiver_broke", receiver=n.receiver, group=n.group)
            return _End(attempt, FAILED, f"{type(error).__name__}: {error}")
        return _End(attempt, DELIVERED, seconds=time.monotonic() - began)

    def _judged(self, end: "_End") -> "_Note":
        """What the end says of the receiver, and when what failed is sent again."""
        now, name = self._now(), self._receiver.name
        was = self._circuit.state(now)
        if end.how != FAILED or end.went_on or end.is_up:
            self._circuit.succeeded()  # also where it refuses: it answers
        if end.how == FAILED and not end.is_up:
            self._circuit.failed(now, end.after)
        if was == CLOSED and self._circuit.state(now) != CLOSED:
            log.error("receiver_is_down", receiver=name, why=end.why)
        elif was != CLOSED and self._circuit.state(now) == CLOSED:
            log.info("receiver_is_back", receiver=name)
        if end.how != FAILED:
            return _Note(end, now, now)
        # A large group, of which each attempt tells a part, does not wait longer each time.
        failures = 1 if end.went_on else end.attempt.notification.attempt + 1
        wait = max(backoff(failures, self._dice), int((end.after or 0) * SECOND))
        if end.is_up:
            wait = min(wait, _LONGEST_WHERE_UP)
        return _Note(end, now, Instant(now + wait))

    def _note(self, notes: "Sequence[_Note]") -> list[int]:
        """The numbers of dead letters; 0 for what is none."""
        with self._record.outbox(self._root) as outbox:
            return [_noted(outbox, note) for note in notes]

    def _say(self, note: "_Note", number: int) -> None:
        end = note.end
        line = _line(end.attempt)
        self._metrics.sent(self._receiver.name, end.how)
        if end.how == DELIVERED:
            log.info("told", **line, seconds=round(end.seconds, 3))
        elif end.how == FAILED:
            again = round((note.again - note.at) / SECOND, 1)
            log.warning("not_told", **line, why=end.why, again_in_seconds=again)
        else:
            log.error("dead_letter", **line, why=end.why, number=number)


class _End(NamedTuple):
    """How the sending of one notification ended."""

    attempt: Attempt
    how: str
    """DELIVERED, FAILED or DEAD."""
    why: str = ""
    after: float | None = None
    """Seconds that the receiver asked for."""
    seconds: float = 0.0
    went_on: bool = False
    """A part of what failed has arrived."""
    is_up: bool = False
    """What failed keeps nothing else from being told there."""
    refused: frozenset[str] | None = None
    """Keys of the alerts that were, if others were taken."""


class _Note(NamedTuple):
    end: _End
    at: Instant
    again: Instant
    """When to send again what failed."""


def _noted(outbox: Outbox, note: _Note) -> int:
    end = note.end
    if end.how == DELIVERED:
        outbox.told(end.attempt, note.at)
    elif end.how == FAILED:
        outbox.failed(end.attempt, end.why, note.again, note.at)
    else:
        return outbox.refused(end.attempt, end.why, note.at, end.refused)
    return 0


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
