"""How far a notification of many parts has come: a retry goes on from there, and no part hides another."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b

import structlog

from engine.core.instants import Instant
from engine.notify.alert import Alert, Memory, Notification, Refused, TryAgain

log = structlog.stdlib.get_logger("vigil.notify")


BROKEN_IN_A_ROW = 3
"""Parts at which the other side may break before it is taken to be down."""


class Progress:
    """What the other side has answered of one notification, until that has ended. Made by `of`.

    It is remembered of each alert as it was: what has changed since is told again.
    """

    def __init__(self, notification: Notification, memory: Memory, known: Iterable[str]) -> None:
        self._notification, self._memory = notification, memory
        self._known = dict.fromkeys(known)
        self._kept = len(self._known)
        self._reasons: list[str] = []
        self._broken: list[str] = []
        """Why parts are to be sent again, at which the other side broke."""
        self._in_a_row = 0

    @classmethod
    async def of(cls, notification: Notification, memory: Memory) -> "Progress":
        kept = None
        if notification.attempt or len(notification.alerts) > 1:  # or there is nothing to go on from
            kept = await memory.get(notification.place)
        return cls(notification, memory, (kept or "").split())

    @property
    def after(self) -> Instant | None:
        return self._notification.after

    @property
    def left(self) -> list[Alert]:
        """Those that were neither taken nor refused."""
        return [alert for alert in self._notification.alerts if not self.knows([alert])]

    def knows(self, alerts: Iterable[Alert], who: str = "") -> bool:
        """Whether all were taken or refused; by one of those who are told, if there are several."""
        return all(self._known.keys() & {_mark(alert, who), _refused(alert, who)} for alert in alerts)

    def has_taken(self, alerts: Iterable[Alert], who: str) -> bool:
        return all(_mark(alert, who) in self._known for alert in alerts)

    def add(self, alerts: Iterable[Alert], who: str = "", why: str = "") -> None:
        """Note that they were taken or, with a reason, refused."""
        mark = _refused if why else _mark
        self._known |= dict.fromkeys(mark(alert, who) for alert in alerts)
        if why and not who:
            self._reasons.append(why)

    async def keep(self) -> None:
        """For the next try."""
        if len(self._known) > self._kept:
            self._kept = len(self._known)
            await self._memory.put(self._notification.place, " ".join(self._known))

    @asynccontextmanager
    async def telling(self, alerts: Sequence[Alert], *, is_all: bool = True) -> AsyncIterator[None]:
        """Send them in the block. What is refused for its content keeps nothing else from being sent; by any
        other refusal all that is left is refused, and it ends. Nor does what the other side breaks at, a few
        times in a row. `is_all`: only alerts are to be sent."""
        try:
            yield
        except TryAgain as error:
            self._in_a_row += 1
            if not error.is_for_content or self._in_a_row >= BROKEN_IN_A_ROW:
                raise
            self._broken.append(error.reason)
            return
        except Refused as error:
            if not error.is_for_content:
                self.add([*alerts, *self.left], why=error.reason)
                self._broken.clear()
                self.end()
            self.add(alerts, why=error.reason)
            n = self._notification
            log.warning(
                "part_refused", receiver=n.receiver, group=n.group, alerts=len(alerts), why=error.reason
            )
        else:
            self.add(alerts)
        self._in_a_row = 0
        if not is_all or len(alerts) < len(self._notification.alerts):
            await self.keep()

    def end(self) -> None:
        """TryAgain where the other side broke; Refused, with the keys of what was."""
        if self._broken:
            raise TryAgain("; ".join(dict.fromkeys(self._broken)))
        keys = [alert.key for alert in self._notification.alerts if _refused(alert, "") in self._known]
        if keys:
            reason = "; ".join(dict.fromkeys(self._reasons)) or "refused at an earlier try"
            raise Refused(reason, keys=frozenset(keys))


def _mark(alert: Alert, who: str) -> str:
    """By which it is known again: no more is kept of what was sent."""
    parts = (alert.key, alert.state, str(alert.changed), *filter(None, [who]))
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def _refused(alert: Alert, who: str) -> str:
    return f"!{_mark(alert, who)}"
