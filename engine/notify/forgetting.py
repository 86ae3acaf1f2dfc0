"""What leaves the delivery record: a customer's personal data, and what is over and old."""

from collections.abc import Collection, Iterator, Sequence
from secrets import token_hex
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace as changed
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)

from engine.core.erasure import Erasure, erase_outcome, erasure, hash_of
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.notify import tables as t
from engine.notify.alert import FIRING, NOTE, PLACE, Alert
from engine.notify.conditions import LONGEST_KEY, fitting
from engine.notify.rows import (
    Found,
    Place,
    behind_row,
    chunks,
    group_row,
    pack,
    packed,
    read_alert,
    read_groups,
    read_letter,
    read_outcome,
    read_outcomes,
    read_silence,
    replace,
)
from engine.notify.telling import Group

_AT_ONCE = 1_000
_ERASED = "(erased)"


class Forgotten(NamedTuple):
    """What an erasure did."""

    pseudonym: str
    """The customer's name from now on."""
    subjects: list[str]
    """Its escalations."""
    firing: list[str]
    """Keys of its alerts that some receiver shows: what receivers need to end them is kept until then."""
    overwritten: bool = True
    """In the files of SQLite, too; False: somebody reads the older state, and it is to be done again."""


# -- a customer ---------------------------------------------------------------------------------------


def forget(connection: Connection, customer: str, now: Instant) -> Forgotten:
    """Erase a customer, in what is held and in what is read later. The same customer again has the same
    pseudonym."""
    hashed = hash_of(customer)
    by = _known(connection).get(hashed)
    if by is None:
        by = erasure(customer, token_hex(6))
        connection.execute(insert(t.erasures), {**by._asdict(), "at": now})
    subjects = _of(connection, customer)
    _erase(connection, by, subjects)
    _erase_silences(connection, customer, by)
    needed = forget_memory(connection)
    return Forgotten(by.pseudonym, subjects, sorted(needed & _keys(connection, subjects)))


def let_in(connection: Connection, said: Sequence[Outcome]) -> Sequence[Outcome]:
    """Outcomes as they may be kept. An escalation that turns out now to be of a customer who is erased is
    erased at once, with what is held of it."""
    known = _known(connection)
    if not known:
        return said
    erased: dict[str, dict[str, Erasure]] = {}
    for some in chunks(sorted({outcome.subject for outcome in said})):
        rows = connection.execute(select(t.erased).where(t.erased.c.subject.in_(some)))
        for row in rows:
            erased.setdefault(row.subject, {})[row.customer] = known[row.customer]
    new: dict[Erasure, list[str]] = {}
    for outcome in said:
        by = known.get(hash_of(outcome.customer_id))
        if by is not None and by.customer not in erased.get(outcome.subject, {}):
            new.setdefault(by, []).append(outcome.subject)
            erased.setdefault(outcome.subject, {})[by.customer] = by
    for by, subjects in new.items():
        _erase(connection, by, subjects)
    return [_clean(outcome, erased.get(outcome.subject, {}).values()) for outcome in said]


def holds_erased(connection: Connection, alerts: Collection[Alert]) -> bool:
    """Whether any of them is as it was before its customer was erased: it was being sent meanwhile."""
    known = _known(connection)
    for some in chunks(list(alerts)) if known else ():
        subjects = [alert.outcome.subject for alert in some]
        rows = connection.execute(select(t.erased).where(t.erased.c.subject.in_(subjects))).all()
        by = {row.subject: known[row.customer] for row in rows}
        if any(alert != _erased(alert, by[s]) for s, alert in zip(subjects, some, strict=True) if s in by):
            return True
    return False


def _clean(outcome: Outcome, erasures: Collection[Erasure]) -> Outcome:
    for by in erasures:
        outcome = erase_outcome(outcome, by)
    return outcome


def _known(connection: Connection) -> dict[str, Erasure]:
    """By the hash of the customer's id."""
    rows = connection.execute(select(t.erasures.c.customer, t.erasures.c.pseudonym))
    return {row.customer: Erasure(row.customer, row.pseudonym) for row in rows}


def _of(connection: Connection, customer: str) -> list[str]:
    """The escalations that ever were the customer's, as far as the record knows."""
    mark = customer.encode()
    found: set[str] = set()
    for row in _read(connection, select(t.cycles.c.subject, t.cycles.c.said)):
        if mark in row.said and any(one.customer_id == customer for one in read_outcomes(row.said)):
            found.add(row.subject)
    for row in _read(connection, select(t.behind.c.said)):
        if mark in row.said and (one := read_outcome(row.said)).customer_id == customer:
            found.add(one.subject)
    for row in _read(connection, select(t.alerts.c.subject, t.alerts.c.alert)):
        if mark in row.alert and read_alert(row.alert).outcome.customer_id == customer:
            found.add(row.subject)
    for row in _read(connection, select(t.dead)):
        if mark in row.alerts:
            found |= {a.outcome.subject for a in read_letter(row).alerts if a.outcome.customer_id == customer}
    return sorted(found)


def _read(connection: Connection, query: Select[Any]) -> Iterator[Found]:
    """A table of any size, some rows at a time."""
    return iter(connection.execute(query.execution_options(yield_per=_AT_ONCE)))


def _erase(connection: Connection, by: Erasure, subjects: Sequence[str]) -> None:
    """Take what is personal out of all that is held of escalations; what is read later follows suit."""
    for subject in subjects:
        _erase_one(connection, by, subject)
    _erase_letters(connection, by, subjects)


def _erase_one(connection: Connection, by: Erasure, subject: str) -> None:
    replace(connection, t.erased, [{"subject": subject, "customer": by.customer}])
    c, a, m = t.cycles.c, t.alerts.c, t.members.c
    for row in connection.execute(select(c.id, c.said).where(c.subject == subject)).all():
        said = pack([erase_outcome(one, by) for one in read_outcomes(row.said)])
        connection.execute(update(t.cycles).where(c.id == row.id).values(said=said))
    _erase_behind(connection, by, subject)
    for row in connection.execute(select(a.key, a.alert).where(a.subject == subject)).all():
        before = read_alert(row.alert)
        after = _erased(before, by)
        connection.execute(update(t.alerts).where(a.key == row.key).values(alert=pack(after)))
        for member in connection.execute(select(t.members).where(m.key == row.key)).all():
            fired = None if member.fired is None else _erased(read_alert(member.fired), by)
            grp = _renamed(member.grp, before, after)
            mine = and_(m.receiver == member.receiver, m.key == member.key)
            connection.execute(update(t.members).where(mine).values(grp=grp, fired=packed(fired)))
            _move(connection, (member.receiver, member.grp), (member.receiver, grp))


def _erase_behind(connection: Connection, by: Erasure, subject: str) -> None:
    b = t.behind.c
    its = b.cycle.in_(select(t.cycles.c.id).where(t.cycles.c.subject == subject))
    rows = connection.execute(select(t.behind).where(its)).all()
    clean = [(row.cycle, erase_outcome(read_outcome(row.said), by)) for row in rows]
    replace(connection, t.behind, [behind_row(*one) for one in clean])


def _erased(alert: Alert, by: Erasure) -> Alert:
    """What its receiver knows it by stays: its key, and how often it has changed."""
    outcome = erase_outcome(alert.outcome, by)
    labels = alert.labels | {"customer": outcome.customer_id, "fingerprint": outcome.fingerprint}
    labels = {name: value for name, value in labels.items() if value}
    return changed(alert, outcome=outcome, labels=labels, title="", customer_name="")


def _renamed(group: str, before: Alert, after: Alert) -> str:
    """The group's name, which has the values of labels."""
    if group == before.key:
        return group
    if len(group) >= LONGEST_KEY:  # cut, perhaps within the name
        return fitting(f"{{{_ERASED}}}{hash_of(group)}")
    for label in ("customer", "fingerprint"):
        old = before.labels.get(label, "")
        if old:
            group = group.replace(f"{label}={old}", f"{label}={after.labels.get(label, '')}")
    return group


def _move(connection: Connection, old: Place, new: Place) -> None:
    """The group's row, to its new name, and away from the old one once nobody is in it; what its receiver
    answered goes, it may quote what was sent."""
    groups, g, m = read_groups(connection, [old, new]), t.groups.c, t.members.c
    group = groups.get(old)
    if group is None:
        return
    there = groups.get(new, Group())
    group.due = min((due for due in (group.due, there.due) if due is not None), default=None)
    group.why = _ERASED if group.why else ""
    left = exists().where(m.receiver == g.receiver, m.grp == g.grp)
    connection.execute(delete(t.groups).where(g.receiver == old[0], g.grp == old[1], ~left))
    replace(connection, t.groups, [group_row(*new, group)])
    _move_progress(connection, old, new)


def _move_progress(connection: Connection, old: Place, new: Place) -> None:
    """How far telling the group has come: nothing is told again for having been erased."""
    m = t.memory.c
    if old == new:
        return
    keys = {PLACE + old[1], PLACE + new[1]}
    mine = and_(m.receiver == old[0], m.key.in_(keys))
    rows = connection.execute(select(m.value, m.at).where(mine)).all()
    connection.execute(delete(t.memory).where(mine))
    if rows:
        values = {"value": " ".join(row.value for row in rows), "at": max(row.at for row in rows)}
        connection.execute(insert(t.memory), {"receiver": old[0], "key": PLACE + new[1], **values})


def _erase_letters(connection: Connection, by: Erasure, subjects: Collection[str]) -> None:
    """In one look at all letters: meanwhile nobody is told anything."""
    d, wanted = t.dead.c, set(subjects)
    for row in connection.execute(select(t.dead)).all() if wanted else ():
        letter = read_letter(row)
        clean = {a.key: _erased(a, by) for a in letter.alerts if a.outcome.subject in wanted}
        if not clean:
            continue
        alerts = tuple(clean.get(alert.key, alert) for alert in letter.alerts)
        names = [_renamed(letter.group, *both) for both in zip(letter.alerts, alerts, strict=True)]
        grp = next((name for name in names if name != letter.group), letter.group)
        values = {"alerts": pack(alerts), "grp": grp, "reason": _ERASED}
        connection.execute(update(t.dead).where(d.id == letter.id).values(values))


def _erase_silences(connection: Connection, customer: str, by: Erasure) -> None:
    """One that names the customer holds back the pseudonym from now on; why it was made goes."""
    for row in connection.execute(select(t.silences)).all():
        match = read_silence(row).match
        clean = [
            (label, [by.pseudonym if label == "customer" and one == customer else one for one in values])
            for label, values in match
        ]
        if any(label == "customer" and customer in values for label, values in match):
            values = {"match": msgspec.json.encode(clean).decode(), "reason": _ERASED}
            connection.execute(update(t.silences).where(t.silences.c.id == row.id).values(values))


def forget_memory(connection: Connection) -> set[str]:
    """What receivers remember of groups that are no more; and of erased escalations, as soon as nothing of
    them is to be ended any more: a thread, or the labels of an alert. Keys of alerts for which it is kept."""
    m, a, e, g = t.memory.c, t.alerts.c, t.erased.c, t.groups.c
    its = exists().where(g.receiver == m.receiver, literal(PLACE) + g.grp == m.key)
    connection.execute(delete(t.memory).where(m.key.startswith(PLACE), ~its))
    # In one statement, however many were ever erased: meanwhile nobody is told anything, and it is each hour.
    erased = a.subject.in_(select(e.subject))
    names = union(
        select(e.subject).where(~_shows(e.subject)), select(a.key).where(erased, ~_shows(a.subject))
    )
    connection.execute(delete(t.memory).where(~m.key.startswith(PLACE), _of_what().in_(names)))
    shown = exists().where(t.members.c.key == a.key)
    return set(connection.scalars(select(a.key).where(erased, a.level != NOTE, shown)))


def _shows(subject: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether an alert of the escalation is to be ended at some receiver."""
    a = t.alerts.alias().c
    return exists().where(a.subject == subject, a.level != NOTE, exists().where(t.members.c.key == a.key))


def _of_what() -> ColumnElement[str]:
    """Of which alert or escalation a receiver remembers something, by the key of that."""
    return func.substr(t.memory.c.key, func.length(t.memory.c.receiver) + 2)


def _keys(connection: Connection, subjects: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for some in chunks(subjects):
        found.update(connection.scalars(select(t.alerts.c.key).where(t.alerts.c.subject.in_(some))))
    return found


# -- what is old --------------------------------------------------------------------------------------


def prunable(connection: Connection, before: Instant) -> list[str]:
    """Keys of the alerts that changed last before, and are over or said once, and of which nobody is to be
    told any more."""
    a, m = t.alerts.c, t.members.c
    over = and_(a.changed < before, or_(a.state != FIRING, a.level == NOTE))
    untold = exists().where(m.key == a.key, or_(a.state != FIRING, m.told == 0, m.fired.is_not(None)))
    return list(connection.scalars(select(a.key).where(over, ~untold)))


def _is_needed() -> ColumnElement[bool]:
    """Whether what a receiver remembers is of an alert that is held, which it may have to end by it; or of a
    group, which goes with the group."""
    m, a, of = t.memory.c, t.alerts.c, _of_what()
    return or_(m.key.startswith(PLACE), exists().where(a.key == of), exists().where(a.subject == of))


def prune(connection: Connection, before: Instant) -> int:
    """Forget them, and what belongs to them; how many."""
    a, m, c, g = t.alerts.c, t.members.c, t.cycles.c, t.groups.c
    old = prunable(connection, before)
    for keys in chunks(old):
        connection.execute(delete(t.members).where(m.key.in_(keys)))
        connection.execute(delete(t.alerts).where(a.key.in_(keys)))
    over = and_(c.changed < before, ~exists().where(a.cycle == c.id))
    connection.execute(delete(t.behind).where(t.behind.c.cycle.in_(select(c.id).where(over))))
    connection.execute(delete(t.cycles).where(over))
    mine = exists().where(m.receiver == g.receiver, m.grp == g.grp)
    connection.execute(delete(t.groups).where(g.due.is_(None), ~mine))
    connection.execute(delete(t.silences).where(t.silences.c.ends < before))
    connection.execute(delete(t.memory).where(t.memory.c.at < before, ~_is_needed()))
    connection.execute(delete(t.dead).where(t.dead.c.resent_at < before))
    return len(old)
