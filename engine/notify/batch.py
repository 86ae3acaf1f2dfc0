"""Outcomes that are taken up together: which alerts they change, and whose business that is."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, delete

from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.notify import held
from engine.notify import tables as t
from engine.notify.alert import FIRING, Alert
from engine.notify.conditions import Retold, alerts_of, key_of
from engine.notify.routing import Route, destinations, group_of, route_of
from engine.notify.rows import (
    Place,
    chunks,
    cycle_id,
    group_row,
    insert_all,
    member_row,
    read_alerts,
    read_groups,
    read_members,
    replace,
    silences_since,
    store_alerts,
)
from engine.notify.telling import NO, Group, Member, change, due_after_change


class Batch:
    """Outcomes that are taken up together."""

    def __init__(self, connection: Connection, root: Route, now: Instant, since: Instant) -> None:
        self._connection, self._root, self._now, self._since = connection, root, now, since

    def take(self, said: Sequence[Outcome]) -> int:
        self._silenced_until = silences_since(self._connection, Instant(0))
        cycles = {outcome.id: cycle_id(outcome) for outcome in said}
        self._subjects = {cycles[outcome.id]: outcome.subject for outcome in said}
        of_cycle: defaultdict[str, list[Outcome]] = defaultdict(list)
        for outcome in said:
            of_cycle[cycles[outcome.id]].append(outcome)
        self._held = held.load(self._connection, of_cycle)
        self._load(said)
        touched: set[str] = set()
        for outcome in said:
            cycle = cycles[outcome.id]
            before, now = self._held[cycle].take(outcome)
            for alert in alerts_of(before, now, self._known):
                self._change(alert, outcome.detected_at)
                self._cycle_of[alert.key] = cycle
                touched.add(alert.key)
        self._store(touched)
        return len(touched)

    def take_again(self, retold: Mapping[str, Retold]) -> int:
        """What a whole topic says, by cycle: an alert changes by what is new in the end, not on the way."""
        self._silenced_until = silences_since(self._connection, Instant(0))
        self._subjects = {}
        self._held = held.load_whole(self._connection, retold)
        self._load([one for told in retold.values() for one in told.said.said.values()])
        touched: set[str] = set()
        for cycle, told in retold.items():
            before = self._held[cycle].all
            now = told.upon(before)
            if now == before:
                del self._held[cycle]  # it keeps when it changed last
                continue
            self._held[cycle].become(now)
            self._subjects[cycle] = next(iter((now.said or before.said).values())).subject
            last = max(one.detected_at for one in (now.said or before.said).values())
            for alert in alerts_of(before, now, self._known):
                self._change(alert, alert.outcome.detected_at if alert.state == FIRING else last)
                self._cycle_of[alert.key] = cycle
                touched.add(alert.key)
        self._store(touched)
        return len(touched)

    def _load(self, said: Iterable[Outcome]) -> None:
        """The alerts that what is said may change."""
        keys = {key_of(outcome) for outcome in said}
        keys |= {key_of(outcome) for one in self._held.values() for outcome in one.all.said.values()}
        self._cycle_of: dict[str, str] = {}
        self._alerts = read_alerts(self._connection, sorted(keys))
        self._known = {key: alert.changed for key, alert in self._alerts.items()}
        self._members: defaultdict[str, dict[str, tuple[str, Member]]] = defaultdict(dict)
        for (receiver, key), found in read_members(self._connection, sorted(self._alerts)).items():
            self._members[key][receiver] = found
        self._moved: dict[Place, Route] = {}

    def _change(self, alert: Alert, at: Instant) -> None:
        self._alerts[alert.key], self._known[alert.key] = alert, alert.changed
        old = alert.state == FIRING and at < self._since
        mine = self._members[alert.key]
        if alert.state == FIRING:
            for route in destinations(self._root, alert.labels):
                group = group_of(route, alert.labels, alert.key)
                known = mine.get(route.receiver)
                if known is None or (known[0] != group and known[1].shown == NO):
                    mine[route.receiver] = (group, Member(alert, alert.changed if old else 0))
        for receiver, (group, member) in list(mine.items()):
            route = route_of(self._root, receiver, group, alert)
            now = change(member, alert, at, route, self._silenced_until)
            if old and now.shown == NO:
                now.told = alert.changed
            mine[receiver] = (group, now)
            self._moved[receiver, group] = route

    def _store(self, touched: set[str]) -> None:
        held.store(self._connection, self._held, self._subjects, self._now)
        store_alerts(self._connection, {key: self._alerts[key] for key in touched}, self._now, self._cycle_of)
        m = t.members.c
        for keys in chunks(sorted(touched)):
            self._connection.execute(delete(t.members).where(m.key.in_(keys)))
        insert_all(
            self._connection,
            t.members,
            [
                member_row(receiver, group, member)
                for key in touched
                for receiver, (group, member) in self._members[key].items()
                if not member.over
            ],
        )
        self._wake(touched)

    def _wake(self, touched: set[str]) -> None:
        """The groups of what changed, and when they are due."""
        groups = read_groups(self._connection, list(self._moved))
        waiting = {
            (receiver, group)
            for key in touched
            for receiver, (group, member) in self._members[key].items()
            if member.waits
        }
        rows = []
        for place, route in self._moved.items():
            group = groups.get(place, Group())
            if place in waiting:
                group.due, group.held = due_after_change(group, route, self._now), False
                rows.append(group_row(*place, group))
        replace(self._connection, t.groups, rows)
