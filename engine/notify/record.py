"""The delivery record: what stands, what each receiver was told, and what it is to be told, in SQL.

Every method is one transaction. An attempt is noted before it is made, and its result after: whoever is
killed between makes it again, with the same keys. SQLAlchemy's errors come through: OperationalError where
the database is away. Safe to share between threads, of which one at a time writes.
"""

import fcntl
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import IO, Any, NamedTuple, TypeAlias, TypeVar

import msgspec
from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Table,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)  # fmt: skip
from sqlalchemy.exc import DBAPIError

from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.notify import tables as t
from engine.notify.alert import FIRING, NOTE, Alert, Notification
from engine.notify.conditions import Standing, alerts_of, concerns, cycle_of
from engine.notify.routing import Matchers, Route, destinations, group_of, matches, route_of
from engine.notify.telling import (
    MAYBE,
    NO,
    Group,
    Member,
    after_telling,
    change,
    due_after_change,
    rest,
    step,
)  # fmt: skip
from engine.sql.database import connect, writing
from engine.sql.offsets import Advance, advance, stands

_T = TypeVar("_T")
SCHEMA = "1"
_ALONE = 0x4E4F5449
"""PostgreSQL's advisory lock of the one who sends ("NOTI")."""
_AT_ONCE = 500
"""Keys of one query: each is a parameter."""
_pack = msgspec.msgpack.Encoder().encode
_outcomes = msgspec.msgpack.Decoder(list[Outcome])
_alert = msgspec.msgpack.Decoder(Alert)
_alerts = msgspec.msgpack.Decoder(tuple[Alert, ...])

Found: TypeAlias = Any
"""A row of a query."""
_Place: TypeAlias = tuple[str, str]
"""Receiver and group, or receiver and key of an alert."""


class RecordRefused(Exception):
    """The database has the record of another release."""


class Due(NamedTuple):
    """What there is to do for a receiver."""

    groups: list[str]
    """The longest due first."""
    next: Instant | None
    """When the first of the others is due."""
    oldest: Instant | None
    """Since when the oldest of what is due, or has failed, waits."""


class Attempt(NamedTuple):
    """A notification that is noted as being sent, and what it takes to undo the note."""

    notification: Notification
    before: dict[str, int]
    """By key, what the receiver showed before."""


class Silence(NamedTuple):
    id: int
    author: str
    reason: str
    match: Matchers
    starts: Instant
    ends: Instant


class Letter(NamedTuple):
    """A notification that its receiver will not take as it is."""

    id: int
    receiver: str
    group: str
    at: Instant
    attempts: int
    reason: str
    alerts: tuple[Alert, ...]
    resent_at: Instant | None


class Record:
    """Made by `Record.open`; a context manager."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.began = Instant(0)
        """When the record was opened for the first time."""
        self._turn = Lock()
        """SQLite lets a second writer of this process wait by polling, and starve; this is a queue."""

    @classmethod
    def open(cls, url: str, now: Instant) -> "Record":
        """Connect, and make the tables where there are none. NoDatabase, RecordRefused; OperationalError."""
        record = cls(connect(url))
        try:
            with record._writing() as connection:
                t.metadata.create_all(connection)
                found = {row.name: row.value for row in connection.execute(select(t.about))}
                if not found:
                    found = {"schema": SCHEMA, "began": str(now)}
                    rows = [{"name": name, "value": value} for name, value in found.items()]
                    connection.execute(insert(t.about), rows)
                if found["schema"] != SCHEMA:
                    raise RecordRefused(
                        f"the delivery record's schema is {found['schema']}; this release has {SCHEMA}"
                    )
                record.began = Instant(int(found["began"]))
        except BaseException:
            record.close()
            raise
        return record

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._turn, writing(self.engine) as connection:
            yield connection

    # -- outcomes come in ---------------------------------------------------------------------------

    def offsets(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the offset to read next."""
        with self.engine.connect() as connection:
            return stands(connection, t.offsets)

    def take(
        self, said: Sequence[Outcome], read: Collection[Advance], root: Route, now: Instant, since: Instant
    ) -> int:
        """Outcomes in the order of their topic, and how far it is read by them; how many alerts changed.

        What was found before `since` is noted and told to nobody. Overtaken: nothing is written.
        """
        with self._writing() as connection:
            advance(connection, t.offsets, read)
            batch = _Batch(connection, root, now, since)
            return batch.take([outcome for outcome in said if concerns(outcome) or outcome.corrects])

    # -- alerts go out ------------------------------------------------------------------------------

    def due(self, receiver: str, now: Instant, at_most: int) -> Due:
        g = t.groups.c
        mine = and_(g.receiver == receiver, g.due.is_not(None))
        with self.engine.connect() as connection:
            query = select(g.grp).where(mine, g.due <= now).order_by(g.due).limit(at_most)
            found = list(connection.scalars(query))
            next_ = connection.scalar(select(func.min(g.due)).where(mine, g.due > now))
            waiting = and_(mine, or_(g.due <= now, g.attempt > 0))
            oldest = connection.scalar(
                select(func.min(case((g.attempt > 0, g.since), else_=g.due))).where(waiting)
            )
        return Due(found, next_, oldest)

    def begin(self, receiver: str, group: str, root: Route, now: Instant) -> Attempt | None:
        """What the group is to be told now, noted as being sent; None: nothing, and it is noted when next."""
        with self._writing() as connection:
            one = _One(connection, receiver, group, root)
            if one.route is None:
                one.rest(now)
                return None
            silences = _silences(connection, now)
            what = step(
                one.group, one.members.values(), one.route, lambda labels: _until(silences, labels), now
            )
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
            notification = Notification(receiver, group, tuple(what.tell), one.group.attempt)
            return Attempt(notification, before)

    def told(self, attempt: Attempt, root: Route, now: Instant) -> None:
        """The receiver has it."""
        with self._writing() as connection:
            one = _One(connection, attempt.notification.receiver, attempt.notification.group, root)
            one.tell(attempt.notification.alerts)
            one.group.told_at = now
            one.rest(now)

    def failed(self, attempt: Attempt, root: Route, why: str, again: Instant, now: Instant) -> None:
        """It is to be sent again."""
        with self._writing() as connection:
            one = _One(connection, attempt.notification.receiver, attempt.notification.group, root)
            group = one.group
            group.attempt, group.since = group.attempt + 1, group.since or now
            group.why, group.due, group.held = why, again, False
            one.store_group()

    def refused(self, attempt: Attempt, root: Route, why: str, now: Instant) -> int:
        """It will never be taken: a dead letter, and its number."""
        n = attempt.notification
        with self._writing() as connection:
            one = _One(connection, n.receiver, n.group, root)
            letter = {"receiver": n.receiver, "grp": n.group, "at": now, "attempts": one.group.attempt + 1}
            letter |= {"reason": why, "alerts": _pack(n.alerts)}
            made: CursorResult[Any] = connection.execute(insert(t.dead).values(letter))
            one.tell(n.alerts)
            one.group.told_at = now  # or a reminder that is refused would be due again at once
            for alert in n.alerts:
                if (member := one.members.get(alert.key)) is not None and alert.state == FIRING:
                    member.shown = attempt.before[alert.key]
                    one.store(member)
            one.rest(now)
            (number,) = made.inserted_primary_key or (0,)
            return int(number)

    # -- what a receiver remembers ------------------------------------------------------------------

    def remembered(self, receiver: str, key: str) -> str | None:
        m = t.memory.c
        with self.engine.connect() as connection:
            found = connection.scalar(select(m.value).where(m.receiver == receiver, m.key == key))
        return None if found is None else str(found)

    def remember(self, receiver: str, key: str, value: str, now: Instant) -> None:
        with self._writing() as connection:
            row = {"receiver": receiver, "key": key, "value": value, "at": now}
            _replace(connection, t.memory, [row])

    # -- silences and dead letters ------------------------------------------------------------------

    def silence(self, author: str, reason: str, match: Matchers, starts: Instant, ends: Instant) -> int:
        """Its number."""
        row = {"author": author, "reason": reason, "match": msgspec.json.encode(match).decode()}
        with self._writing() as connection:
            made = connection.execute(insert(t.silences).values(row | {"starts": starts, "ends": ends}))
            (number,) = made.inserted_primary_key or (0,)
            return int(number)

    def silences(self, now: Instant) -> list[Silence]:
        """Those that have not ended, by their end."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                select(t.silences).where(t.silences.c.ends > now).order_by(t.silences.c.ends)
            )
            return [_silence(row) for row in rows]

    def expire(self, number: int, now: Instant) -> bool:
        """End a silence now, and look at what it may have held; whether there was one."""
        s, g = t.silences.c, t.groups.c
        with self._writing() as connection:
            done = connection.execute(update(t.silences).where(s.id == number, s.ends > now).values(ends=now))
            connection.execute(update(t.groups).where(g.held).values(due=now))
            return bool(done.rowcount)

    def letters(self, *, everything: bool = False) -> list[Letter]:
        """Dead letters, the oldest first; those sent again only if everything is asked for."""
        d = t.dead.c
        query = select(t.dead).order_by(d.id)
        with self.engine.connect() as connection:
            rows = connection.execute(query if everything else query.where(d.resent_at.is_(None)))
            return [_letter(row) for row in rows]

    def resend(self, number: int, now: Instant) -> bool:
        """Tell the receiver of a dead letter's alerts, as they are now; whether there was such a letter.

        What was over meanwhile is told as it fired, and then as over.
        """
        d = t.dead.c
        with self._writing() as connection:
            row = connection.execute(select(t.dead).where(d.id == number, d.resent_at.is_(None))).first()
            if row is None:
                return False
            letter = _letter(row)
            connection.execute(update(t.dead).where(d.id == number).values(resent_at=now))
            found = _alerts_by_key(connection, [alert.key for alert in letter.alerts])
            members = _members(connection, [alert.key for alert in letter.alerts])
            for sent in letter.alerts:
                alert = found.get(sent.key, sent)
                known = members.get((letter.receiver, sent.key))
                _store_alerts(connection, {sent.key: alert}, now)
                fired = sent if alert.state != FIRING and sent.state == FIRING else None
                shown = known[1].shown if known else NO
                told = 0 if sent.state == FIRING or alert.state == FIRING else alert.changed - 1
                again = Member(alert, told, shown if sent.state == FIRING else MAYBE, fired)
                grp = known[0] if known else letter.group
                _replace(connection, t.members, [_member_row(letter.receiver, grp, again)])
                group = _groups(connection, [(letter.receiver, grp)]).get((letter.receiver, grp), Group())
                group.due = now
                _replace(connection, t.groups, [_group_row(letter.receiver, grp, group)])
            return True

    # -- looking after ------------------------------------------------------------------------------

    def prune(self, before: Instant) -> int:
        """Forget what changed last before, and is over or said once; how many cycles."""
        a, m, c = t.alerts.c, t.members.c, t.cycles.c
        with self._writing() as connection:
            over = and_(a.changed < before, or_(a.state != FIRING, a.level == NOTE))
            untold = exists().where(m.key == a.key, or_(m.told == 0, m.fired.is_not(None)))
            old = list(connection.scalars(select(a.key).where(over, ~untold)))
            for keys in _chunks(old):
                connection.execute(delete(t.members).where(m.key.in_(keys)))
                connection.execute(delete(t.alerts).where(a.key.in_(keys)))
            rest_ = exists().where(a.cycle == c.id)
            gone = connection.execute(delete(t.cycles).where(c.changed < before, ~rest_))
            connection.execute(delete(t.silences).where(t.silences.c.ends < before))
            connection.execute(delete(t.memory).where(t.memory.c.at < before))
            connection.execute(delete(t.dead).where(t.dead.c.resent_at < before))
            return gone.rowcount

    @contextmanager
    def alone(self) -> "Iterator[Callable[[], bool] | None]":
        """Hold, until the block ends or the process dies, that only this process sends from this record.

        None where another does; else what says whether it is held still.
        """
        if self.engine.dialect.name == "sqlite":
            path = Path(f"{self.engine.url.database}.lock")
            with path.open("w") as file:
                yield (lambda: True) if _locked(file) else None
            return
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            got = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _ALONE})
            yield (lambda: _answers(connection)) if got else None
            if _answers(connection):  # given back to the pool, its session would go on and hold the lock
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _ALONE})


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _answers(connection: Connection) -> bool:
    try:
        connection.execute(text("SELECT 1"))
    except DBAPIError:
        return False
    return not connection.invalidated


class _Batch:
    """Outcomes that are taken up together."""

    def __init__(self, connection: Connection, root: Route, now: Instant, since: Instant) -> None:
        self._connection, self._root, self._now, self._since = connection, root, now, since

    def take(self, said: Sequence[Outcome]) -> int:
        cycles = {outcome.id: _cycle_id(outcome) for outcome in said}
        self._load(set(cycles.values()))
        touched: set[str] = set()
        for outcome in said:
            cycle = cycles[outcome.id]
            before = self._standing.get(cycle, Standing({}))
            now = self._standing[cycle] = before.with_(outcome)
            for alert in alerts_of(before, now, self._known):
                self._change(alert, outcome.detected_at)
                self._cycle_of[alert.key] = cycle
                touched.add(alert.key)
        self._store(touched)
        return len(touched)

    def _load(self, cycles: set[str]) -> None:
        c, a = t.cycles.c, t.alerts.c
        self._standing: dict[str, Standing] = {}
        self._cycle_of: dict[str, str] = {}
        self._alerts: dict[str, Alert] = {}
        for ids in _chunks(sorted(cycles)):
            for row in self._connection.execute(select(c.id, c.said).where(c.id.in_(ids))):
                self._standing[row.id] = Standing({o.id: o for o in _outcomes.decode(row.said)})
            query = select(a.key, a.cycle, a.alert).where(a.cycle.in_(ids))
            for key, cycle, alert in self._connection.execute(query):
                self._alerts[key] = _alert.decode(alert)
                self._cycle_of[key] = cycle
        self._known = {key: alert.changed for key, alert in self._alerts.items()}
        self._members: defaultdict[str, dict[str, tuple[str, Member]]] = defaultdict(dict)
        for (receiver, key), found in _members(self._connection, sorted(self._alerts)).items():
            self._members[key][receiver] = found
        self._moved: dict[_Place, Route] = {}

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
            now = change(member, alert, at, route)
            if old and now.shown == NO:
                now.told = alert.changed
            mine[receiver] = (group, now)
            self._moved[receiver, group] = route

    def _store(self, touched: set[str]) -> None:
        rows = [
            {"id": cycle, "said": _pack(list(standing.said.values())), "changed": self._now}
            for cycle, standing in self._standing.items()
        ]
        _replace(self._connection, t.cycles, rows)
        _store_alerts(
            self._connection, {key: self._alerts[key] for key in touched}, self._now, self._cycle_of
        )
        m = t.members.c
        for keys in _chunks(sorted(touched)):
            self._connection.execute(delete(t.members).where(m.key.in_(keys)))
        _insert(
            self._connection,
            t.members,
            [
                _member_row(receiver, group, member)
                for key in touched
                for receiver, (group, member) in self._members[key].items()
                if not member.over
            ],
        )
        self._wake(touched)

    def _wake(self, touched: set[str]) -> None:
        """The groups of what changed, and when they are due."""
        groups = _groups(self._connection, list(self._moved))
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
                rows.append(_group_row(*place, group))
        _replace(self._connection, t.groups, rows)


class _One:
    """A group of a receiver, in a transaction. There are two of them a notification, so the statements are
    made once."""

    def __init__(self, connection: Connection, receiver: str, group: str, root: Route) -> None:
        self._connection, self._place = connection, {"r": receiver, "g": group}
        row = connection.execute(_GROUP, self._place).first()
        self.group = Group() if row is None else _group(row)
        found = [_member(row) for row in connection.execute(_MEMBERS, self._place)]
        self.members = {member.alert.key: member for member in found}
        self.route = route_of(root, receiver, group, found[0].alert) if found else None

    def store(self, member: Member) -> None:
        row = {"k": member.alert.key, "m_told": member.told, "m_shown": member.shown}
        self._connection.execute(_STORE_MEMBER, self._place | row | {"m_fired": _packed(member.fired)})

    def drop(self, keys: Collection[str]) -> None:
        if keys:
            self._connection.execute(_DROP_MEMBER, [self._place | {"k": key} for key in keys])
        for key in keys:
            self.members.pop(key, None)

    def tell(self, sent: Iterable[Alert]) -> None:
        """Note that these were told."""
        for alert in sent:
            if (member := self.members.get(alert.key)) is not None:
                self.members[alert.key] = after_telling(member, alert)
                self.store(self.members[alert.key])

    def rest(self, now: Instant) -> None:
        """Note that nothing is to be told at this moment; gone is what is over."""
        self.drop([key for key, member in self.members.items() if member.over])
        group = self.group
        group.attempt, group.since, group.why, group.held = 0, None, "", False
        group.due = None if self.route is None else rest(group, self.members.values(), self.route, now)
        if self.members:
            self.store_group()
        else:
            self._connection.execute(_DROP_GROUP, self._place)

    def store_group(self) -> None:
        values = {f"g_{name}": value for name, value in msgspec.structs.asdict(self.group).items()}
        self._connection.execute(_STORE_GROUP, self._place | values)


_g, _m, _s = t.groups.c, t.members.c, t.silences.c
_THIS_GROUP = and_(_g.receiver == bindparam("r"), _g.grp == bindparam("g"))
_THIS_MEMBER = and_(_m.receiver == bindparam("r"), _m.key == bindparam("k"))
_GROUP = select(t.groups).where(_THIS_GROUP)
_MEMBERS = (
    select(_m.told, _m.shown, _m.fired, t.alerts.c.alert)
    .join(t.alerts, _m.key == t.alerts.c.key)
    .where(_m.receiver == bindparam("r"), _m.grp == bindparam("g"))
    .order_by(t.alerts.c.changed, _m.key)
)
_STORE_MEMBER = (
    update(t.members)
    .where(_THIS_MEMBER)
    .values(told=bindparam("m_told"), shown=bindparam("m_shown"), fired=bindparam("m_fired"))
)
_DROP_MEMBER = delete(t.members).where(_THIS_MEMBER)
_STORE_GROUP = (
    update(t.groups)
    .where(_THIS_GROUP)
    .values({name: bindparam(f"g_{name}") for name in Group.__struct_fields__})
)
_DROP_GROUP = delete(t.groups).where(_THIS_GROUP)
_SILENCES = select(t.silences).where(_s.starts <= bindparam("now"), _s.ends > bindparam("now"))


# -- rows -------------------------------------------------------------------------------------------


def _cycle_id(outcome: Outcome) -> str:
    return blake2b(_pack(cycle_of(outcome)), digest_size=16).hexdigest()


def _member(row: Found) -> Member:
    fired = None if row.fired is None else _alert.decode(row.fired)
    return Member(_alert.decode(row.alert), row.told, row.shown, fired)


def _members(connection: Connection, keys: Sequence[str]) -> dict[_Place, tuple[str, Member]]:
    """(receiver, key) -> the group it is in there, and the member."""
    m, a = t.members.c, t.alerts.c
    query = select(m.receiver, m.key, m.grp, m.told, m.shown, m.fired, a.alert)
    found: dict[_Place, tuple[str, Member]] = {}
    for some in _chunks(keys):
        for row in connection.execute(query.join(t.alerts, m.key == a.key).where(m.key.in_(some))):
            found[row.receiver, row.key] = (row.grp, _member(row))
    return found


def _member_row(receiver: str, group: str, member: Member) -> dict[str, Any]:
    row = {"receiver": receiver, "key": member.alert.key, "grp": group}
    return row | {"told": member.told, "shown": member.shown, "fired": _packed(member.fired)}


def _packed(alert: Alert | None) -> bytes | None:
    return None if alert is None else _pack(alert)


def _group(row: Found) -> Group:
    return Group(row.due, row.held, row.told_at, row.attempt, row.since, row.why)


def _groups(connection: Connection, places: Sequence[_Place]) -> dict[_Place, Group]:
    g = t.groups.c
    found: dict[_Place, Group] = {}
    for some in _chunks(places):
        for row in connection.execute(select(t.groups).where(tuple_(g.receiver, g.grp).in_(some))):
            found[row.receiver, row.grp] = _group(row)
    return found


def _group_row(receiver: str, name: str, group: Group) -> dict[str, Any]:
    return {"receiver": receiver, "grp": name, **msgspec.structs.asdict(group)}


def _alerts_by_key(connection: Connection, keys: Sequence[str]) -> dict[str, Alert]:
    a = t.alerts.c
    rows = (connection.execute(select(a.key, a.alert).where(a.key.in_(some))) for some in _chunks(keys))
    return {row.key: _alert.decode(row.alert) for some in rows for row in some}


def _store_alerts(
    connection: Connection, alerts: Mapping[str, Alert], now: Instant, cycles: Mapping[str, str] | None = None
) -> None:
    rows = [
        {
            "key": alert.key,
            "cycle": (cycles or {}).get(key) or _cycle_id(alert.outcome),
            "state": alert.state,
            "level": alert.level,
            "alert": _pack(alert),
            "changed": now,
        }
        for key, alert in alerts.items()
    ]
    _replace(connection, t.alerts, rows)


def _silence(row: Found) -> Silence:
    match = msgspec.json.decode(row.match, type=tuple[tuple[str, tuple[str, ...]], ...])
    return Silence(row.id, row.author, row.reason, match, row.starts, row.ends)


def _silences(connection: Connection, now: Instant) -> list[Silence]:
    """Those that are in force."""
    return [_silence(row) for row in connection.execute(_SILENCES, {"now": now})]


def _until(silences: Iterable[Silence], labels: Mapping[str, str]) -> Instant | None:
    return max((one.ends for one in silences if matches(one.match, labels)), default=None)


def _letter(row: Found) -> Letter:
    alerts = _alerts.decode(row.alerts)
    return Letter(row.id, row.receiver, row.grp, row.at, row.attempts, row.reason, alerts, row.resent_at)


def _replace(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Rows with these primary keys, whether there were any before."""
    columns = list(table.primary_key.columns)
    for some in _chunks(rows):
        keys = [tuple(row[column.name] for column in columns) for row in some]
        wanted = columns[0].in_([k[0] for k in keys]) if len(columns) == 1 else tuple_(*columns).in_(keys)
        connection.execute(delete(table).where(wanted))
    _insert(connection, table, rows)


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), list(rows))


def _chunks(items: Sequence[_T]) -> Iterator[list[_T]]:
    for start in range(0, len(items), _AT_ONCE):
        yield list(items[start : start + _AT_ONCE])
