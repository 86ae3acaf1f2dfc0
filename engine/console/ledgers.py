"""Rows that follow from single escalations of an archive, kept: only what has changed is read again."""

import time
from collections.abc import Callable, Collection, Iterable
from threading import Lock
from typing import Any, Generic, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select

from engine.archive.account import Account
from engine.archive.accounts import accounts_of
from engine.archive.tables import erased, erasures, escalations, facts, outcomes, pruned
from engine.console.answers import Head
from engine.core import attributes as attrs

Row = TypeVar("Row")
Mark: TypeAlias = tuple[Any, ...]
"""Another one: something of the escalation may have changed."""

LOOK_SECONDS = 1.0
ANEW_SECONDS = 600.0
"""After so long everything is read again: a fact may be replaced by another of its identity, which no mark
shows."""
_AT_ONCE = 500
_LATEST = 20
"""Escalations that are looked at for a customer's name: not each source tells one."""


class Ledger(Generic[Row]):
    """The rows of every escalation that `wanted` selects. Safe to share between threads.

    SQLAlchemy's errors come through where the database is away.
    """

    def __init__(
        self,
        archive: Engine,
        wanted: Select[tuple[str]],
        rows_of: Callable[[Account, Head], list[Row]],
        metrics: ColumnElement[bool] | None = None,
    ) -> None:
        """`wanted`: subjects. `rows_of` must follow from the account and its head alone; of the outcomes from
        those of `metrics`, where they are given."""
        self._archive, self._wanted, self._rows_of, self._metrics = archive, wanted, rows_of, metrics
        self._known: dict[str, tuple[Mark, list[Row]]] = {}
        self._removed: Mark = ()
        self._looked, self._begun = -LOOK_SECONDS, 0.0
        self._turn = Lock()

    def rows(self) -> list[Row]:
        """All of them, at most a second old."""
        with self._turn:
            moment = time.monotonic()
            if moment - self._looked >= LOOK_SECONDS:
                with self._archive.connect() as connection:
                    self._look(connection, moment)
                self._looked = moment
            return [row for _, rows in self._known.values() for row in rows]

    def _look(self, connection: Connection, moment: float) -> None:
        gone = removed(connection)
        if gone != self._removed or moment - self._begun >= ANEW_SECONDS:
            self._known, self._removed, self._begun = {}, gone, moment
        marks = _marks(connection, self._wanted)
        for subject in self._known.keys() - marks.keys():
            del self._known[subject]
        changed = [one for one, mark in marks.items() if self._known.get(one, ((),))[0] != mark]
        heads = heads_of(connection, changed)
        for found in accounts_of(connection, changed, self._metrics):
            head = heads.get(found.subject) or _told_head(found)
            self._known[found.subject] = marks[found.subject], self._rows_of(found, head)


def _told_head(found: Account) -> Head:
    """As its facts say: the archive has no row of it."""
    told = {name: attrs.text(found.attributes, name) for name in Head.model_fields}
    return Head(**{**told, "subject": found.subject, "status": ""})


def heads_of(connection: Connection, subjects: Collection[str]) -> dict[str, Head]:
    """Of those that the archive has a row of."""
    columns = [escalations.c[name] for name in Head.model_fields]
    in_order = sorted(subjects)
    return {
        row.subject: Head(**row._mapping)
        for begin in range(0, len(in_order), _AT_ONCE)
        for row in connection.execute(
            select(*columns).where(escalations.c.subject.in_(in_order[begin : begin + _AT_ONCE]))
        )
    }


def customer_names(connection: Connection, customers: Iterable[str]) -> dict[str, str]:
    """Id -> the name that the latest escalations give it, of those customers whom they name."""
    e = escalations.c
    found: dict[str, str] = {}
    for customer in {*customers} - {""}:
        latest = select(e.customer_name).where(e.customer == customer).order_by(e.opened.desc())
        name = next(filter(None, connection.scalars(latest.limit(_LATEST))), "")
        if name:
            found[customer] = name
    return found


def _marks(connection: Connection, wanted: Select[tuple[str]]) -> dict[str, Mark]:
    happened = select(
        facts.c.subject, func.count(), func.min(facts.c.recorded), func.max(facts.c.recorded)
    ).where(facts.c.subject.in_(wanted))
    said = select(outcomes.c.subject, func.count(), func.max(outcomes.c.seq)).where(
        outcomes.c.subject.in_(wanted)
    )
    found: dict[str, Mark] = {}
    for query, table in ((happened, facts), (said, outcomes)):
        for subject, *mark in connection.execute(query.group_by(table.c.subject)):
            found[subject] = (*found.get(subject, ()), table.name, *mark)
    return found


def removed(connection: Connection) -> Mark:
    """What an erasure or a pruning changes: what is erased must not be told any more."""
    counts = [connection.scalar(select(func.count()).select_from(one)) for one in (erasures, erased, pruned)]
    return (*counts, connection.scalar(select(func.max(pruned.c.through))))
