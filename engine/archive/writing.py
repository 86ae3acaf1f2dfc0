"""One write: facts and outcomes in any order, again or for the first time; all that follows from them with
them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, bindparam, case, delete, func, insert, select, update

from engine.archive import accounts
from engine.archive.accounts import fact_of, outcome_of
from engine.archive.rows import Key, Row, escalation_row, fact_row, outcome_row
from engine.archive.tables import (
    SEVERAL_LIVES,
    erased,
    erasures,
    escalations,
    facts,
    offsets,
    outcomes,
    pruned,
)
from engine.contract.codec import Received
from engine.core.case import precedence
from engine.core.erasure import Erasure, customer_in, erase_fact, erase_outcome, hash_of
from engine.core.facts import Fact, in_order
from engine.core.outcomes import Outcome
from engine.core.standing import is_of_several_lives, stand_of_one_life, stand_of_several_lives
from engine.sql.offsets import Advance, advance

_AT_ONCE = 500
"""Escalations that are looked at together: each is a parameter of a query."""
_MOST_IDS = 2_000
"""Of outcomes, in one query."""


class Written(NamedTuple):
    """How many rows are new or changed; what was known is none."""

    facts: int
    outcomes: int


def write(
    connection: Connection,
    happened: Iterable[Received],
    said: Iterable[Outcome],
    read: Collection[Advance] = (),
) -> Written:
    """Takes them up in the transaction of the connection, which `database.writing` has begun. Overtaken where
    what was read does not follow on what had been."""
    advance(connection, offsets, read)
    by_subject: defaultdict[str, _Arrived] = defaultdict(lambda: _Arrived([], []))
    for one in happened:
        by_subject[one.subject].facts.append(one.fact)
    for outcome in said:
        by_subject[outcome.subject].outcomes.append(outcome)
    changed = Written(0, 0)
    subjects = sorted(by_subject)
    for begin in range(0, len(subjects), _AT_ONCE):
        some = {subject: by_subject[subject] for subject in subjects[begin : begin + _AT_ONCE]}
        more = _take(connection, _let_in(connection, some))
        changed = Written(changed.facts + more.facts, changed.outcomes + more.outcomes)
    return changed


def erase(connection: Connection, by: Erasure, subjects: Collection[str]) -> None:
    """Takes what is personal out of these escalations, and of whatever is read of them later."""
    which = list(subjects)
    for begin in range(0, len(which), _AT_ONCE):
        _erase(connection, by, which[begin : begin + _AT_ONCE])


def _erase(connection: Connection, by: Erasure, subjects: Sequence[str]) -> None:
    clean: defaultdict[str, list[Fact]] = defaultdict(list)
    for row in connection.execute(select(facts).where(facts.c.subject.in_(subjects))):
        clean[row.subject].append(erase_fact(fact_of(row), by))
    said = connection.execute(select(outcomes).where(outcomes.c.subject.in_(subjects))).all()
    _replace(connection, facts, [fact_row(subject, fact) for subject in clean for fact in clean[subject]])
    _replace(connection, outcomes, [_erased(row, by) for row in said])
    standing: defaultdict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(_SAID.where(outcomes.c.subject.in_(subjects), outcomes.c.stands)):
        standing[row.subject].append(row)
    lines = [escalation_row(one, in_order(known), standing[one]) for one, known in clean.items()]
    _replace(connection, escalations, lines)
    _replace(connection, erased, [{"subject": one, "customer": by.customer} for one in subjects])


def derive(connection: Connection) -> None:
    """Make anew all that follows from facts and outcomes."""
    subjects = accounts.subjects(connection)
    connection.execute(delete(escalations))
    for begin in range(0, len(subjects), _AT_ONCE):
        held = _held(connection, subjects[begin : begin + _AT_ONCE])
        projected: list[Row] = []
        changed: list[Row] = []
        for subject, (known, said) in held.items():
            stands = _standing(connection, subject, said)
            changed += _changed(subject, said, stands)
            if known:
                projected.append(_line(subject, known, said, stands))
        if changed:
            connection.execute(_STANDS, changed)
        _replace(connection, escalations, projected)


class _Arrived(NamedTuple):
    facts: list[Fact]
    outcomes: list[Outcome]


# -- what is let in ---------------------------------------------------------------------------------


def _let_in(connection: Connection, arrived: Mapping[str, _Arrived]) -> Mapping[str, _Arrived]:
    """Without what was pruned; without what is personal, where a customer is erased."""
    rows = connection.execute(select(pruned).where(pruned.c.subject.in_(arrived)))
    through = {row.subject: row.through for row in rows}
    some = {subject: _later_than(through.get(subject), one) for subject, one in arrived.items()}
    for subject, erasing in _erasing(connection, some).items():
        for by in erasing:
            some[subject] = _Arrived(
                [erase_fact(fact, by) for fact in some[subject].facts],
                [erase_outcome(outcome, by) for outcome in some[subject].outcomes],
            )
    return {subject: one for subject, one in some.items() if one.facts or one.outcomes}


def _later_than(through: int | None, one: _Arrived) -> _Arrived:
    if through is None:
        return one
    return _Arrived(
        [fact for fact in one.facts if fact.recorded > through],
        [outcome for outcome in one.outcomes if outcome.detected_at > through],
    )


def _erasing(connection: Connection, arrived: Mapping[str, _Arrived]) -> dict[str, list[Erasure]]:
    """Whose data are erased, by subject. One that turns out now to be of such a customer is erased at once,
    what is held of it too."""
    known = {
        row.customer: Erasure(row.customer, row.pseudonym)
        for row in connection.execute(select(erasures.c.customer, erasures.c.pseudonym))
    }
    found: defaultdict[str, list[Erasure]] = defaultdict(list)
    if not known:
        return found
    rows = connection.execute(
        select(erased.c.subject, erased.c.customer).where(erased.c.subject.in_(arrived))
    )
    for row in rows:
        found[row.subject].append(known[row.customer])
    for subject, one in arrived.items():
        names = {customer_in(fact) for fact in one.facts} | {each.customer_id for each in one.outcomes}
        for by in (known[hashed] for name in sorted(names) if (hashed := hash_of(name)) in known):
            if by not in found[subject]:
                erase(connection, by, [subject])
                found[subject].append(by)
    return found


def _erased(row: Any, by: Erasure) -> Row:
    clean = erase_outcome(outcome_of(row.name, row.id, row.record), by)
    return outcome_row(clean, stands=row.stands)


# -- what follows -----------------------------------------------------------------------------------


class _Held(NamedTuple):
    """What the archive has of one escalation."""

    facts: dict[tuple[str, str], Fact]
    outcomes: dict[Key, Any]
    """Rows of what `rows.Said` wants, and whether they stand."""


_SAID = select(
    outcomes.c.subject,
    outcomes.c.seq,
    outcomes.c.id,
    outcomes.c.name,
    outcomes.c.corrects,
    outcomes.c.severity,
    outcomes.c.fingerprint,
    outcomes.c.effective.label("effective_at"),
    outcomes.c.stands,
)


def _take(connection: Connection, arrived: Mapping[str, _Arrived]) -> Written:
    added = _added(connection, arrived)
    held = _held(connection, arrived.keys() - added)
    changed_facts: list[Row] = []
    new_outcomes = [outcome_row(o, stands=True) for said in added.values() for o in said]
    changed: list[Row] = []
    projected: list[Row] = []
    for subject, (known, said) in held.items():
        one = arrived[subject]
        told = _settled(known, one.facts)
        changed_facts += [fact_row(subject, fact) for fact in told]
        new = {(o.seq, o.id): o for o in reversed(one.outcomes) if (o.seq, o.id) not in said}
        if not (told or new):
            continue
        stands = _standing(connection, subject, said, new)
        new_outcomes += [outcome_row(o, stands=key in stands) for key, o in sorted(new.items())]
        changed += _changed(subject, said, stands)
        if known:
            projected.append(_line(subject, known, {**said, **new}, stands))
    _replace(connection, facts, changed_facts)
    if new_outcomes:
        connection.execute(insert(outcomes), new_outcomes)
    if changed:
        connection.execute(_STANDS, changed)
    _replace(connection, escalations, projected)
    return Written(len(changed_facts), len(new_outcomes))


def _added(connection: Connection, arrived: Mapping[str, _Arrived]) -> dict[str, list[Outcome]]:
    """Of escalations to which nothing happened: what changes nothing but that it is said. For that nothing of
    what is held of them is read one by one: who is forgotten for a year says thousands of things."""
    found: dict[str, list[Outcome]] = {}
    room = _MOST_IDS
    for subject, one in arrived.items():
        if _may_add(one) and len(one.outcomes) <= room:
            found[subject] = one.outcomes
            room -= len(one.outcomes)
    if not found:
        return {}
    before, lines = _said_before(connection, found), _lines(connection, found)
    return {
        subject: said
        for subject, said in found.items()
        if _follows(said, before.get(subject)) and _is_known(said, lines.get(subject))
    }


def _said_before(connection: Connection, found: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    o = outcomes.c
    ids = [one.id for said in found.values() for one in said]
    query = select(
        o.subject,
        SEVERAL_LIVES.label("anew"),
        func.max(o.seq).label("last"),
        func.count(case((o.id.in_(ids), 1))).label("again"),
    ).where(o.subject.in_(found))
    return {row.subject: row for row in connection.execute(query.group_by(o.subject))}


def _lines(connection: Connection, subjects: Collection[str]) -> dict[str, Any]:
    e = escalations.c
    query = select(e.subject, e.severity, e.fingerprint).where(e.subject.in_(subjects))
    return {row.subject: row for row in connection.execute(query)}


def _may_add(one: _Arrived) -> bool:
    said = one.outcomes
    is_once = len(said) == len({o.seq for o in said}) == len({o.id for o in said})
    return not one.facts and is_once and not any(o.corrects or o.name == "retracted" for o in said)


def _follows(said: Sequence[Outcome], before: Any) -> bool:
    """Whether it comes after all that was said, of which nothing is said again, by one life of the worker."""
    if before is None:
        return True
    return not before.anew and not before.again and all(one.seq > before.last for one in said)


def _is_known(said: Sequence[Outcome], line: Any) -> bool:
    """Whether its row of `escalations` would be the same after it."""
    return line is not None and all(
        one.severity in ("", line.severity) and one.fingerprint in ("", line.fingerprint) for one in said
    )


def _standing(
    connection: Connection, subject: str, said: Mapping[Key, Any], new: Mapping[Key, Outcome] | None = None
) -> set[Key]:
    """Which stand of what is held and what is new of an escalation."""
    more = new or {}
    if not is_of_several_lives([seq for seq, _ in (*said, *more)]):
        stands, _ = stand_of_one_life([*said.values(), *more.values()])
        return {(one.seq, one.id) for one in stands}
    o = outcomes.c
    rows = connection.execute(select(o.name, o.id, o.record).where(o.subject == subject))
    held = [outcome_of(row.name, row.id, row.record) for row in rows]
    return {(one.seq, one.id) for one in stand_of_several_lives([*held, *more.values()])}


def _line(
    subject: str, known: Mapping[tuple[str, str], Fact], said: Mapping[Key, Any], stands: Collection[Key]
) -> Row:
    """Of `escalations`, from its facts and from what stands of its outcomes."""
    standing = [one for key, one in said.items() if key in stands]
    return escalation_row(subject, in_order(list(known.values())), standing)


def _changed(subject: str, said: Mapping[Key, Any], stands: Collection[Key]) -> list[Row]:
    """Those that stand now and did not, and the other way round: parameters of `_STANDS`."""
    return [
        {"of": subject, "which": key[0], "named": key[1], "stands": key in stands}
        for key, row in said.items()
        if row.stands != (key in stands)
    ]


_STANDS = (
    update(outcomes)
    .where(
        outcomes.c.subject == bindparam("of"),
        outcomes.c.seq == bindparam("which"),
        outcomes.c.id == bindparam("named"),
    )
    .values(stands=bindparam("stands"))
)


def _settled(known: dict[tuple[str, str], Fact], arrived: Sequence[Fact]) -> list[Fact]:
    """Those that are new, or stand instead of another under their identity: the one that was recorded first
    (`precedence`). `known` has them afterwards."""
    changed: dict[tuple[str, str], Fact] = {}
    for fact in arrived:
        identity = (fact.source, fact.id)
        other = known.get(identity)
        if other is None or (fact != other and precedence(fact) < precedence(other)):
            known[identity] = changed[identity] = fact
    return list(changed.values())


def _held(connection: Connection, subjects: Collection[str]) -> dict[str, _Held]:
    found = {subject: _Held({}, {}) for subject in subjects}
    if not found:
        return found
    for row in connection.execute(select(facts).where(facts.c.subject.in_(subjects))):
        found[row.subject].facts[row.source, row.id] = fact_of(row)
    for row in connection.execute(_SAID.where(outcomes.c.subject.in_(subjects))):
        found[row.subject].outcomes[row.seq, row.id] = row
    return found


def _replace(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Writes the rows, instead of those with their keys."""
    if rows:
        keys = [column.name for column in table.primary_key]
        connection.execute(
            delete(table).where(*(table.c[name] == bindparam(f"key_{name}") for name in keys)),
            [{f"key_{name}": row[name] for name in keys} for row in rows],
        )
        connection.execute(insert(table), list(rows))
