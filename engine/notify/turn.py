"""One group of a receiver, in a transaction in which something is told of it, or noted as told."""

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, delete, select, update

from engine.core.instants import Instant
from engine.notify import tables as t
from engine.notify.alert import PLACE, Alert
from engine.notify.routing import Route, route_of
from engine.notify.rows import packed, read_group, read_member
from engine.notify.telling import Group, Member, after_telling, rest


class Turn:
    """Two of them for each notification: so the statements below are made once."""

    def __init__(self, connection: Connection, receiver: str, group: str, root: Route) -> None:
        self.receiver, self.name = receiver, group
        self._connection, self._place = connection, {"r": receiver, "g": group}
        row = connection.execute(_GROUP, self._place).first()
        self.group = Group() if row is None else read_group(row)
        self._root = root

    @cached_property
    def members(self) -> dict[str, Member]:
        """By key, without the quiet ones. Read when asked for: of a large group they are thousands."""
        found = [read_member(row) for row in self._connection.execute(_MEMBERS, self._place)]
        for member in found:
            if member.quiet:  # of a record of before
                self.store(member)
        return {member.alert.key: member for member in found if not member.quiet}

    @cached_property
    def route(self) -> Route | None:
        """None where nothing is in the group that may be told."""
        first = next(iter(self.members.values()), None)
        return None if first is None else route_of(self._root, self.receiver, self.name, first.alert)

    def store(self, member: Member) -> None:
        row: dict[str, Any] = {"k": member.alert.key, "m_told": member.told, "m_shown": member.shown}
        row |= {"m_fired": packed(member.fired), "m_again": member.again_until, "m_quiet": member.quiet}
        self._connection.execute(_STORE_MEMBER, self._place | row)

    def drop(self, keys: Collection[str]) -> None:
        if keys:
            self._connection.execute(_DROP_MEMBER, [self._place | {"k": key} for key in keys])
        for key in keys:
            self.members.pop(key, None)

    def tell(self, sent: Iterable[Alert], again_until: Instant | None = None) -> None:
        """Note that these were told; until when to say again which of them are over."""
        for alert in sent:
            if (member := self.members.get(alert.key)) is not None:
                self.members[alert.key] = after_telling(member, alert, again_until)
                self.store(self.members[alert.key])

    def rest(self, now: Instant) -> None:
        """Note that nothing is to be told at this moment; gone is what is over, and how far a try came."""
        self.drop([key for key, member in self.members.items() if member.over])
        group = self.group
        group.attempt, group.since, group.why, group.held = 0, None, "", False
        group.due = None if self.route is None else rest(group, self.members.values(), self.route, now)
        self._connection.execute(_DROP_PROGRESS, self._place | {"p": PLACE + self.name})
        self.store_group()

    def store_group(self) -> None:
        """Gone, where nothing is in it, nor quiet."""
        if not self.members and self._connection.scalar(_ANY_MEMBER, self._place) is None:
            self._connection.execute(_DROP_GROUP, self._place)
            return
        self.keep_group()

    def keep_group(self) -> None:
        """As `store_group`, whatever is in it."""
        values = {f"g_{name}": value for name, value in msgspec.structs.asdict(self.group).items()}
        self._connection.execute(_STORE_GROUP, self._place | values)


_g, _m = t.groups.c, t.members.c
_THIS_GROUP = and_(_g.receiver == bindparam("r"), _g.grp == bindparam("g"))
_THIS_MEMBER = and_(_m.receiver == bindparam("r"), _m.key == bindparam("k"))
_GROUP = select(t.groups).where(_THIS_GROUP)
_MEMBERS = (
    select(_m.told, _m.shown, _m.fired, _m.again_until, t.alerts.c.alert)
    .join(t.alerts, _m.key == t.alerts.c.key)
    .where(_m.receiver == bindparam("r"), _m.grp == bindparam("g"), _m.quiet.is_(False))
    .order_by(t.alerts.c.changed, _m.key)
)
_ANY_MEMBER = select(_m.key).where(_m.receiver == bindparam("r"), _m.grp == bindparam("g")).limit(1)
_STORE_MEMBER = (
    update(t.members)
    .where(_THIS_MEMBER)
    .values(
        told=bindparam("m_told"),
        shown=bindparam("m_shown"),
        fired=bindparam("m_fired"),
        again_until=bindparam("m_again"),
        quiet=bindparam("m_quiet"),
    )
)
_DROP_MEMBER = delete(t.members).where(_THIS_MEMBER)
_STORE_GROUP = (
    update(t.groups)
    .where(_THIS_GROUP)
    .values({name: bindparam(f"g_{name}") for name in Group.__struct_fields__})
)
_DROP_GROUP = delete(t.groups).where(_THIS_GROUP)
_DROP_PROGRESS = delete(t.memory).where(
    t.memory.c.receiver == bindparam("r"), t.memory.c.key == bindparam("p")
)
