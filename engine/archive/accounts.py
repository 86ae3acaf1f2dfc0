"""The accounts that an archive holds, one escalation after the other."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, or_, select

from engine.archive.account import Account
from engine.archive.tables import LINKS, SEVERAL_LIVES, facts, outcomes
from engine.contract.outcomes import TYPES, decode_outcome
from engine.core.facts import Fact, Value
from engine.core.outcomes import Outcome

_AT_ONCE = 100
"""Accounts that are read together: of each that is held in memory, and a database may be far away."""

PassedOn: TypeAlias = Callable[[Mapping[str, list[Fact]]], Mapping[str, list[Fact]]]
"""From those who link or merge, each with all its facts, to what each target is passed."""
_decode = msgspec.json.Decoder(dict[str, Value]).decode


def accounts(connection: Connection) -> Iterator[Account]:
    """Every escalation that has a fact or an outcome, by subject; read some at a time."""
    yield from accounts_of(connection, subjects(connection))


def subjects(connection: Connection) -> list[str]:
    """Of every escalation that has a fact or an outcome, sorted by code point on every database."""
    known = select(facts.c.subject).union(select(outcomes.c.subject))
    return sorted(connection.scalars(known))


def linking(connection: Connection) -> Iterator[Account]:
    """Those that may pass anything on to others."""
    some = select(facts.c.subject).where(LINKS).distinct()
    yield from accounts_of(connection, connection.scalars(some.order_by(facts.c.subject)).all())


def linking_to(connection: Connection, subject: str) -> dict[str, list[Fact]]:
    """The facts of those that may pass anything on to the subject, themselves or by each other."""
    found: dict[str, list[Fact]] = {}
    asked = [subject]
    while asked:
        written = msgspec.json.encode(asked.pop()).decode()  # as in `data`, which is JSON
        some = select(facts.c.subject).where(LINKS, facts.c.data.contains(written, autoescape=True))
        for one in sorted({*connection.scalars(some)} - {subject} - found.keys()):
            found[one] = list(account(connection, one).facts)
            asked.append(one)
    return found


def account(connection: Connection, subject: str) -> Account:
    """Empty where the archive knows nothing of the subject."""
    (found,) = accounts_of(connection, [subject])
    return found


def accounts_of(
    connection: Connection, subjects: Sequence[str], metrics: ColumnElement[bool] | None = None
) -> Iterator[Account]:
    """One a subject, in their order, empty where nothing is known of it; read some at a time.

    `metrics`: of these alone the outcomes are wanted, where they are a part of what was said. A correction is
    of the metric of what it corrects, so what stands of them is the same.
    """
    for begin in range(0, len(subjects), _AT_ONCE):
        some = subjects[begin : begin + _AT_ONCE]
        happened: defaultdict[str, list[Fact]] = defaultdict(list)
        for row in connection.execute(select(facts).where(facts.c.subject.in_(some))):
            happened[row.subject].append(fact_of(row))
        said = _said(connection, some, metrics)
        for subject in some:
            yield Account(subject, happened.pop(subject, ()), said.pop(subject, ()))


def _said(
    connection: Connection, subjects: Sequence[str], metrics: ColumnElement[bool] | None
) -> dict[str, list[Outcome]]:
    o = outcomes.c
    wanted: ColumnElement[bool] = o.subject.in_(subjects)
    if metrics is not None:
        wanted &= or_(metrics, o.subject.in_(_of_several_lives(connection, subjects)))
    said: defaultdict[str, list[Outcome]] = defaultdict(list)
    for row in connection.execute(select(o.subject, o.name, o.id, o.record).where(wanted)):
        said[row.subject].append(outcome_of(row.name, row.id, row.record))
    return said


def _of_several_lives(connection: Connection, subjects: Sequence[str]) -> Sequence[str]:
    """Those whose outcomes were counted from 1 more than once (`engine.core.standing`): that all of them
    tell, so all are read."""
    o = outcomes.c
    anew = select(o.subject).where(o.subject.in_(subjects)).group_by(o.subject)
    return connection.scalars(anew.having(SEVERAL_LIVES)).all()


def account_with(connection: Connection, subject: str, passed_on: PassedOn) -> Account:
    """With what others pass on to it: that is not archived, and follows from their events. Empty where the
    archive knows nothing that happened to the subject itself."""
    own = account(connection, subject)
    if not own.facts:
        return own
    passed = passed_on(linking_to(connection, subject)).get(subject, [])
    return Account(subject, [*own.facts, *passed], own.outcomes)


def fact_of(row: Row[Any]) -> Fact:
    """Of a row of `facts`."""
    return Fact(row.source, row.id, row.kind, row.at, row.recorded, row.sequence, _decode(row.data))


def outcome_of(name: str, identity: str, record: str) -> Outcome:
    """Of a row of `outcomes`: what its record does not say are the name and the id."""
    headers = [("ce_type", TYPES[name].encode()), ("ce_id", identity.encode())]
    return decode_outcome(record.encode(), headers)
