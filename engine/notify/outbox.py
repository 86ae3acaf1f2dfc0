"""What receivers are sent, in the record: noted before it is sent, and how it ended after."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, CursorResult, insert

from engine.core.instants import HOUR, Instant, Span
from engine.notify import forgetting
from engine.notify import tables as t
from engine.notify.alert import FIRING, Notification
from engine.notify.routing import Route
from engine.notify.rows import pack, silences_since, storable
from engine.notify.telling import MAYBE, NO, step
from engine.notify.turn import Turn

_LATE = Span(1 * HOUR)
"""Longer than a mail server greylists."""


class Attempt(NamedTuple):
    """A notification that is noted as being sent, and what it takes to undo the note."""

    notification: Notification
    before: dict[str, int]
    """By key, what the receiver showed before."""


class Outbox:
    """Of one transaction: nothing of it stands unless all does. Made by `Record.outbox`."""

    def __init__(self, connection: Connection, root: Route) -> None:
        self._connection, self._root = connection, root

    def begin(self, receiver: str, groups: Iterable[str], now: Instant) -> list[Attempt]:
        """What the groups are to be told now, noted as being sent; else it is noted when one is due next."""
        self._silenced_until = silences_since(self._connection, now)
        begun = (self._begin(self._turn(receiver, group), now) for group in groups)
        return [attempt for attempt in begun if attempt is not None]

    def _begin(self, one: Turn, now: Instant) -> Attempt | None:
        if one.route is None:
            one.rest(now)
            return None
        what = step(one.group, one.members.values(), one.route, self._silenced_until, now)
        one.drop(what.dropped)
        if not what.tell:
            one.group.due, one.group.held = what.due, what.held
            one.store_group()
            return None
        before = {alert.key: one.members[alert.key].shown for alert in what.tell}
        for alert in what.tell:
            member = one.members[alert.key]
            if alert.state == FIRING and member.shown == NO:
                member.shown = MAYBE
                one.store(member)
        one.group.due = now  # always written: what a full database cannot note would be sent again for ever
        one.keep_group()
        since = one.group.since
        is_late = since is not None and now - since >= min(_LATE, one.route.repeat_interval)
        n = Notification(
            one.receiver, one.name, tuple(what.tell), one.group.attempt, is_late, one.group.told_at
        )
        return Attempt(n, before)

    def told(self, attempt: Attempt, now: Instant) -> None:
        """The receiver has it."""
        one = self._turn_of(attempt)
        again = one.route.resolved_for if one.route is not None else 0
        one.tell(attempt.notification.alerts, Instant(now + again) if again else None)
        one.group.told_at = now
        one.rest(now)

    def failed(self, attempt: Attempt, why: str, again: Instant, now: Instant) -> None:
        """It is to be sent again."""
        one = self._turn_of(attempt)
        group = one.group
        group.attempt, group.since = group.attempt + 1, group.since or now
        group.why, group.due, group.held = storable(why), again, False
        one.keep_group()

    def refused(self, attempt: Attempt, why: str, now: Instant, keys: Collection[str] | None = None) -> int:
        """It will never be taken: a dead letter, and its number. `keys`: of the alerts that were refused, if
        not all: the receiver has the others. 0: a customer was erased meanwhile, and it is told once more."""
        if forgetting.holds_erased(self._connection, attempt.notification.alerts):
            self.failed(attempt, "", now, now)
            return 0
        n, one = attempt.notification, self._turn_of(attempt)
        letter = {"receiver": n.receiver, "grp": n.group, "at": now, "attempts": one.group.attempt + 1}
        dead = tuple(alert for alert in n.alerts if keys is None or alert.key in keys)
        letter |= {"reason": storable(why), "alerts": pack(dead)}
        made: CursorResult[Any] = self._connection.execute(insert(t.dead).values(letter))
        one.tell(n.alerts)
        one.group.told_at = now  # or a reminder that is refused would be due again at once
        for alert in dead:
            if (member := one.members.get(alert.key)) is not None and alert.state == FIRING:
                member.shown = attempt.before[alert.key]
                one.store(member)
        one.rest(now)
        (number,) = made.inserted_primary_key or (0,)
        return int(number)

    def _turn_of(self, attempt: Attempt) -> Turn:
        return self._turn(attempt.notification.receiver, attempt.notification.group)

    def _turn(self, receiver: str, group: str) -> Turn:
        return Turn(self._connection, receiver, group, self._root)
