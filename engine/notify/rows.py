"""Rows of the record's tables ↔ what they mean, and the few statements that all of the record needs."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple, TypeAlias, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, insert, select

from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.notify import tables as t
from engine.notify.alert import Alert
from engine.notify.conditions import cycle_of
from engine.notify.routing import Matchers, matches
from engine.notify.telling import Group, Member, SilencedUntil

Found: TypeAlias = Any
"""A row of a query."""
Place: TypeAlias = tuple[str, str]
"""Receiver and group, or receiver and key of an alert."""

_T = TypeVar("_T")
_AT_ONCE = 500
"""Keys of one query: each is a parameter."""
_SILENCES = select(t.silences).where(t.silences.c.ends > bindparam("since"))

pack = msgspec.msgpack.Encoder().encode
read_outcome = msgspec.msgpack.Decoder(Outcome).decode
read_outcomes = msgspec.msgpack.Decoder(list[Outcome]).decode
read_alert = msgspec.msgpack.Decoder(Alert).decode
_alerts = msgspec.msgpack.Decoder(tuple[Alert, ...])


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


def cycle_id(outcome: Outcome) -> str:
    return blake2b(pack(cycle_of(outcome)), digest_size=16).hexdigest()


def behind_row(cycle: str, outcome: Outcome) -> dict[str, Any]:
    return {"cycle": cycle, "id": outcome.id, "said": pack(outcome)}


def read_member(row: Found) -> Member:
    fired = None if row.fired is None else read_alert(row.fired)
    return Member(read_alert(row.alert), row.told, row.shown, fired, row.again_until)


def read_members(connection: Connection, keys: Sequence[str]) -> dict[Place, tuple[str, Member]]:
    """(receiver, key) -> the group it is in there, and the member."""
    m, a = t.members.c, t.alerts.c
    query = select(m.receiver, m.key, m.grp, m.told, m.shown, m.fired, m.again_until, a.alert)
    found: dict[Place, tuple[str, Member]] = {}
    for some in chunks(keys):
        for row in connection.execute(query.join(t.alerts, m.key == a.key).where(m.key.in_(some))):
            found[row.receiver, row.key] = (row.grp, read_member(row))
    return found


def member_row(receiver: str, group: str, member: Member) -> dict[str, Any]:
    row: dict[str, Any] = {"receiver": receiver, "key": member.alert.key, "grp": group}
    row |= {"again_until": member.again_until, "quiet": member.quiet}
    return row | {"told": member.told, "shown": member.shown, "fired": packed(member.fired)}


def packed(alert: Alert | None) -> bytes | None:
    return None if alert is None else pack(alert)


def read_group(row: Found) -> Group:
    return Group(row.due, row.held, row.told_at, row.attempt, row.since, row.why)


def read_groups(connection: Connection, places: Sequence[Place]) -> dict[Place, Group]:
    found: dict[Place, Group] = {}
    for these in _with_keys(t.groups, places):
        for row in connection.execute(select(t.groups).where(these)):
            found[row.receiver, row.grp] = read_group(row)
    return found


def group_row(receiver: str, name: str, group: Group) -> dict[str, Any]:
    return {"receiver": receiver, "grp": name, **msgspec.structs.asdict(group)}


def read_alerts(connection: Connection, keys: Sequence[str]) -> dict[str, Alert]:
    a = t.alerts.c
    rows = (connection.execute(select(a.key, a.alert).where(a.key.in_(some))) for some in chunks(keys))
    return {row.key: read_alert(row.alert) for some in rows for row in some}


def store_alerts(
    connection: Connection, alerts: Mapping[str, Alert], now: Instant, cycles: Mapping[str, str] | None = None
) -> None:
    rows = [
        {
            "key": alert.key,
            "cycle": (cycles or {}).get(key) or cycle_id(alert.outcome),
            "state": alert.state,
            "level": alert.level,
            "alert": pack(alert),
            "changed": now,
            "subject": alert.outcome.subject,
        }
        for key, alert in alerts.items()
    ]
    replace(connection, t.alerts, rows)


def read_silence(row: Found) -> Silence:
    match = msgspec.json.decode(row.match, type=tuple[tuple[str, tuple[str, ...]], ...])
    return Silence(row.id, row.author, row.reason, match, row.starts, row.ends)


def silences_since(connection: Connection, since: Instant) -> SilencedUntil:
    """What those say that had not ended at `since`, of any later moment."""
    found = [read_silence(row) for row in connection.execute(_SILENCES, {"since": since})]

    def until(labels: Mapping[str, str], at: Instant) -> Instant | None:
        holding = (one for one in found if one.starts <= at < one.ends and matches(one.match, labels))
        return max((one.ends for one in holding), default=None)

    return until


def read_letter(row: Found) -> Letter:
    alerts = _alerts.decode(row.alerts)
    return Letter(row.id, row.receiver, row.grp, row.at, row.attempts, row.reason, alerts, row.resent_at)


def replace(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Rows with these primary keys, whether there were any before."""
    names = [column.name for column in table.primary_key.columns]
    for these in _with_keys(table, [tuple(row[name] for name in names) for row in rows]):
        connection.execute(delete(table).where(these))
    insert_all(connection, table, rows)


def _with_keys(table: Table, keys: Sequence[tuple[str, ...]]) -> Iterator[ColumnElement[bool]]:
    """Whether a row has one of these primary keys, for some of them at a time. Of two columns the first is
    said apart: for `(a, b) IN (…)` SQLite reads all of the table."""
    *first, last = table.primary_key.columns
    together: dict[tuple[str, ...], list[str]] = {}
    for *begin, end in keys:
        together.setdefault(tuple(begin), []).append(end)
    for begins, ends in together.items():
        same = [column == value for column, value in zip(first, begins, strict=True)]
        for some in chunks(ends):
            yield and_(*same, last.in_(some))


def insert_all(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), list(rows))


def chunks(items: Sequence[_T]) -> Iterator[list[_T]]:
    for start in range(0, len(items), _AT_ONCE):
        yield list(items[start : start + _AT_ONCE])


def storable(text: str) -> str:
    """What another system said, without what PostgreSQL keeps in no text."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
