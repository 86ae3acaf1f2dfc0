"""The delivery record: what stands, what each receiver was told, and what it is to be told, in SQL.

Every method is one transaction, and so is an outbox. An attempt is noted before it is made, and its result
after: whoever is killed between makes it again, with the same keys. SQLAlchemy's errors come through:
OperationalError where the database is away. Safe to share between threads, of which one at a time writes.
"""

import fcntl
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, NamedTuple

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from engine.core.instants import Instant, Span
from engine.core.outcomes import Outcome
from engine.notify import forgetting, schema
from engine.notify import tables as t
from engine.notify.alert import FIRING, NOTE
from engine.notify.batch import Batch
from engine.notify.conditions import Retold, Standing, by_now, concerns
from engine.notify.forgetting import Forgotten
from engine.notify.outbox import Outbox
from engine.notify.routing import Matchers, Route
from engine.notify.rows import (
    Letter,
    Silence,
    chunks,
    cycle_id,
    group_row,
    member_row,
    read_alerts,
    read_groups,
    read_letter,
    read_members,
    read_silence,
    replace,
    storable,
    store_alerts,
)
from engine.notify.telling import MAYBE, NO, Group, Member
from engine.sql.database import connect, overwritten, writing
from engine.sql.offsets import Advance, advance, stands, topic_ids

_WRITERS = 0x4E4F5457
"""PostgreSQL's advisory lock of the writers ("NOTW"); an archive in the same database has one of its own, for
nobody is to wait for an alert until it is rebuilt."""
_ALONE = 0x4E4F5449
"""PostgreSQL's advisory lock of the one who sends ("NOTI")."""
_AT_ONCE = 5_000
"""Outcomes of a topic that is read again."""


class Due(NamedTuple):
    """What there is to do for a receiver."""

    groups: list[str]
    """The longest due first."""
    next: Instant | None
    """When the first of the others is due."""


class Failing(NamedTuple):
    """A receiver that has not taken what it was sent last."""

    receiver: str
    attempts: int
    """Since it last took the groups that wait for it."""
    since: Instant
    why: str


class State(NamedTuple):
    """What a record holds."""

    schema: str | None
    """None: there are no tables yet."""
    newest: str
    """The schema of this release."""
    failing: list[Failing]
    """The longest first."""
    shown: dict[str, int]
    """How many alerts each receiver shows as firing, or may."""
    letters: int
    """Dead letters that wait."""


class Record:
    """Made by `Record.open`; a context manager."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.began = Instant(0)
        """When the process that tells was started on it for the first time; known to that process alone."""
        self._turn = Lock()
        """SQLite lets a second writer of this process wait by polling, and starve; this is a queue."""

    @classmethod
    def open(cls, url: str, now: Instant | None) -> "Record":
        """Connect, and bring the schema up to date. NoDatabase, SchemaRefused; OperationalError.

        `now`: of a start of the process that tells, the first of which is when it began. None: somebody looks
        into a record, which must be there (NotThere).
        """
        record = cls(connect(url, must_exist=now is None))
        try:
            record.upgrade(must_exist=now is None)
            if now is not None:
                record.begin(now)
        except BaseException:
            record.close()
            raise
        return record

    def begin(self, now: Instant) -> None:
        """Know when the process that tells began; now, where it never has."""
        with self._writing() as connection:
            began = connection.scalar(select(t.about.c.value).where(t.about.c.name == "began"))
            if began is None:
                began = str(now)
                connection.execute(insert(t.about), {"name": "began", "value": began})
            self.began = Instant(int(began))

    def upgrade(self, *, must_exist: bool = False) -> tuple[str | None, str]:
        """Bring the schema up to date; the versions before and after."""
        with self._writing() as connection:
            return schema.upgrade(connection, must_exist=must_exist)

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._turn, writing(self.engine, _WRITERS) as connection:
            yield connection

    def state(self) -> "State":
        """What it holds, whatever its schema. SchemaRefused where that is no record of this release."""
        g, m, a = t.groups.c, t.members.c, t.alerts.c
        with self.engine.connect() as connection:
            found = schema.version(connection)
            if found is None:
                return State(None, schema.SCHEMA.newest(), [], {}, 0)
            failing = select(g.receiver, g.attempt, g.since, g.why).where(g.attempt > 0).order_by(g.since)
            by: dict[str, Failing] = {}
            for receiver, attempt, since, why in connection.execute(failing):
                before = by.get(receiver, Failing(receiver, 0, since, why))
                by[receiver] = before._replace(attempts=before.attempts + attempt, why=why)
            shows = select(m.receiver, func.count().label("number")).join(t.alerts, m.key == a.key)
            shows = shows.where(m.shown != NO, a.level != NOTE).group_by(m.receiver)
            shown = {row.receiver: row.number for row in connection.execute(shows)}
            letters = select(func.count()).select_from(t.dead).where(t.dead.c.resent_at.is_(None))
            waiting = connection.scalar(letters) or 0
        return State(found, schema.SCHEMA.newest(), list(by.values()), shown, waiting)

    # -- outcomes come in ---------------------------------------------------------------------------

    def offsets(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the offset to read next."""
        with self.engine.connect() as connection:
            return stands(connection, t.offsets)

    def topic_ids(self) -> dict[str, str]:
        """Topic -> the id of the one that was read, where it is known."""
        with self.engine.connect() as connection:
            return topic_ids(connection, t.offsets)

    def take(
        self, said: Sequence[Outcome], read: Collection[Advance], root: Route, now: Instant, since: Instant
    ) -> int:
        """Outcomes in the order of their topic, and how far it is read by them; how many alerts changed.

        What was found before `since` is noted and told to nobody. Overtaken: nothing is written.
        """
        with self._writing() as connection:
            advance(connection, t.offsets, read)
            ours = [outcome for outcome in said if concerns(outcome) or outcome.corrects]
            return Batch(connection, root, now, since).take(forgetting.let_in(connection, ours))

    def reread(
        self,
        said: Iterable[Outcome],
        read: Mapping[tuple[str, int], int],
        root: Route,
        now: Instant,
        since: Instant,
    ) -> int:
        """A whole topic upon what stands, as after another one that was read before; how many alerts changed.

        `read`: how far, once all is `said`. What was told of stays told; what was found before `since` and
        is new is told to nobody.
        """
        with self._writing() as connection:
            retold: dict[str, Retold] = {}
            ours = (outcome for outcome in said if concerns(outcome) or outcome.corrects)
            while some := list(islice(ours, _AT_ONCE)):
                for outcome in forgetting.let_in(connection, some):
                    retold.setdefault(cycle_id(outcome), Retold(Standing({}), set())).add(outcome)
            changed = 0
            for cycles in chunks(sorted(retold)):
                batch = Batch(connection, root, now, since)
                changed += batch.take_again({cycle: retold[cycle] for cycle in cycles})
            connection.execute(delete(t.offsets))
            advance(connection, t.offsets, [Advance(*place, at, at) for place, at in read.items()])
        return changed

    # -- alerts go out ------------------------------------------------------------------------------

    def due(self, receiver: str, now: Instant, at_most: int) -> Due:
        g = t.groups.c
        mine = and_(g.receiver == receiver, g.due.is_not(None))
        with self.engine.connect() as connection:
            query = select(g.grp).where(mine, g.due <= now).order_by(g.due).limit(at_most)
            found = list(connection.scalars(query))
            next_ = connection.scalar(select(func.min(g.due)).where(mine, g.due > now))
        return Due(found, next_)

    def oldest(self, receiver: str, now: Instant) -> Instant | None:
        """Since when the oldest of what is due, or has failed, waits. It looks at all that waits."""
        g = t.groups.c
        waiting = and_(g.receiver == receiver, g.due.is_not(None), or_(g.due <= now, g.attempt > 0))
        query = select(func.min(case((g.attempt > 0, g.since), else_=g.due))).where(waiting)
        with self.engine.connect() as connection:
            found: Instant | None = connection.scalar(query)
        return found

    def noted_last(self, receiver: str) -> Instant:
        """The latest time at which something was told to it, or failed; 0: never."""
        g = t.groups.c
        with self.engine.connect() as connection:
            row = connection.execute(
                select(func.max(g.told_at), func.max(g.since)).where(g.receiver == receiver)
            ).one()
        return Instant(max(at or 0 for at in row))

    def clock_went_back(self, receiver: str, by: Span) -> None:
        """What is due is due as much sooner, or it would wait for the time that the clock had shown."""
        g = t.groups.c
        shifted = {column.name: column - by for column in (g.due, g.told_at, g.since)}
        with self._writing() as connection:
            connection.execute(update(t.groups).where(g.receiver == receiver).values(shifted))

    @contextmanager
    def outbox(self, root: Route) -> Iterator[Outbox]:
        """What is sent, or how sending it ended: all that is noted in the block, in one transaction."""
        with self._writing() as connection:
            yield Outbox(connection, root)

    # -- what a receiver remembers ------------------------------------------------------------------

    def remembered(self, receiver: str, key: str) -> str | None:
        m = t.memory.c
        with self.engine.connect() as connection:
            found = connection.scalar(select(m.value).where(m.receiver == receiver, m.key == key))
        return None if found is None else str(found)

    def remember(self, receiver: str, key: str, value: str, now: Instant) -> None:
        with self._writing() as connection:
            row = {"receiver": receiver, "key": key, "value": storable(value), "at": now}
            replace(connection, t.memory, [row])

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
            return [read_silence(row) for row in rows]

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
            return [read_letter(row) for row in rows]

    def has_receivers(self, names: Collection[str]) -> None:
        """Note whom the process that sends tells: what is sent again to another waits for ever."""
        row = {"name": "receivers", "value": msgspec.json.encode(sorted(names)).decode()}
        with self._writing() as connection:
            replace(connection, t.about, [row])

    def receivers(self) -> list[str] | None:
        """Whom the process that sends tells, or the last one told; None where none has said so yet."""
        with self.engine.connect() as connection:
            found = connection.scalar(select(t.about.c.value).where(t.about.c.name == "receivers"))
        return None if found is None else msgspec.json.decode(found, type=list[str])

    def resend(self, number: int, now: Instant) -> bool:
        """Tell the receiver of a dead letter's alerts, as they are now; whether there was such a letter.

        What was over meanwhile is told as it fired, and then as over.
        """
        d = t.dead.c
        with self._writing() as connection:
            row = connection.execute(select(t.dead).where(d.id == number, d.resent_at.is_(None))).first()
            if row is None:
                return False
            letter = read_letter(row)
            connection.execute(update(t.dead).where(d.id == number).values(resent_at=now))
            found = read_alerts(connection, [alert.key for alert in letter.alerts])
            members = read_members(connection, [alert.key for alert in letter.alerts])
            for sent in letter.alerts:
                alert = by_now(sent, found.get(sent.key))
                known = members.get((letter.receiver, sent.key))
                store_alerts(connection, {sent.key: alert}, now)
                fired = sent if alert.state != FIRING and sent.state == FIRING else None
                shown = known[1].shown if known else NO
                told = 0 if sent.state == FIRING or alert.state == FIRING else alert.changed - 1
                again = Member(alert, told, shown if sent.state == FIRING else MAYBE, fired)
                grp = known[0] if known else letter.group
                replace(connection, t.members, [member_row(letter.receiver, grp, again)])
                group = read_groups(connection, [(letter.receiver, grp)]).get((letter.receiver, grp), Group())
                group.due = now
                replace(connection, t.groups, [group_row(letter.receiver, grp, group)])
            return True

    # -- looking after ------------------------------------------------------------------------------

    def erasures(self) -> set[str]:
        """Who was erased, as hashes of the ids (`engine.core.erasure`)."""
        with self.engine.connect() as connection:
            return set(connection.scalars(select(t.erasures.c.customer)))

    def forget(self, customer: str, now: Instant) -> Forgotten:
        """Erase the personal data of a customer, for good: what is read of it again is erased, too."""
        with self._writing() as connection:
            done = forgetting.forget(connection, customer, now)
        return done._replace(overwritten=overwritten(self.engine))

    def prune(self, before: Instant) -> int:
        """Forget what changed last before, and is over or said once; how many alerts."""
        with self._writing() as connection:
            forgetting.forget_memory(connection)
            return forgetting.prune(connection, before)

    def prunable(self, before: Instant) -> int:
        """How many alerts `prune` would forget."""
        with self.engine.connect() as connection:
            return len(forgetting.prunable(connection, before))

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
