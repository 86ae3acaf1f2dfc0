"""What leaves an archive: a customer's personal data, escalations past their retention, all at a rebuild."""

from secrets import token_hex

import msgspec
from sqlalchemy import Connection, delete, exists, func, insert, select

from engine.archive.accounts import fact_of
from engine.archive.rows import STATUSES
from engine.archive.tables import erased, erasures, escalations, facts, offsets, outcomes, pruned
from engine.archive.writing import erase
from engine.core.erasure import Erasure, customer_in, erasure, hash_of
from engine.core.escalation import CANCELLED, CLOSED, MERGED, RESOLVED
from engine.core.instants import Instant

_ENDED = [STATUSES[status] for status in (RESOLVED, CLOSED, CANCELLED, MERGED)]
_HELD = (facts, outcomes, escalations)
_AT_ONCE = 500


def forget(connection: Connection, customer: str, now: Instant) -> tuple[Erasure, list[str]]:
    """Erase a customer; under which pseudonym, and which escalations were touched. The same customer again
    has the same pseudonym, and what an older release left of it goes."""
    hashed = hash_of(customer)
    pseudonym = connection.scalar(select(erasures.c.pseudonym).where(erasures.c.customer == hashed))
    by = erasure(customer, token_hex(6)) if pseudonym is None else Erasure(hashed, pseudonym)
    if pseudonym is None:
        connection.execute(insert(erasures), {**by._asdict(), "at": now})
    subjects = _of(connection, customer)
    erase(connection, by, subjects)
    return by, subjects


def _of(connection: Connection, customer: str) -> list[str]:
    """The escalations that ever were the customer's."""
    written = msgspec.json.encode(customer).decode()
    naming = select(facts).where(facts.c.data.contains(written, autoescape=True))
    found = {row.subject for row in connection.execute(naming) if customer_in(fact_of(row)) == customer}
    found.update(connection.scalars(select(outcomes.c.subject).where(outcomes.c.customer == customer)))
    found.update(connection.scalars(select(erased.c.subject).where(erased.c.customer == hash_of(customer))))
    return sorted(found)


def prunable(connection: Connection, before: Instant) -> list[str]:
    """The escalations that ended, and of which neither a fact nor an outcome is as late as `before`."""
    # One escalation at a time: PostgreSQL compares with a long list, where that does not fit, row by row.
    owed = exists().where(outcomes.c.subject == escalations.c.subject, outcomes.c.effective >= before)
    ended = select(escalations.c.subject).where(
        escalations.c.status.in_(_ENDED), escalations.c.last < before, ~owed
    )
    return sorted(connection.scalars(ended))


def prune(connection: Connection, before: Instant, now: Instant) -> int:
    """Remove them whole, and remember that they are gone: what was recorded or detected until the latest that
    is held stays away. What happens to one of them later is new, and so is what is not read yet."""
    subjects = prunable(connection, before)
    ends = [connection.scalar(select(func.max(at))) for at in (facts.c.recorded, outcomes.c.detected)]
    read = min(now, max((end for end in ends if end is not None), default=now))
    for begin in range(0, len(subjects), _AT_ONCE):
        some = subjects[begin : begin + _AT_ONCE]
        through: dict[str, int] = dict.fromkeys(some, read)
        for table, column in ((facts, facts.c.recorded), (outcomes, outcomes.c.detected)):
            latest = select(table.c.subject, func.max(column)).where(table.c.subject.in_(some))
            for subject, last in connection.execute(latest.group_by(table.c.subject)):
                through[subject] = max(through[subject], last)
        for table in (*_HELD, pruned):
            connection.execute(delete(table).where(table.c.subject.in_(some)))
        gone = [{"subject": subject, "through": last} for subject, last in through.items()]
        connection.execute(insert(pruned), gone)
    return len(subjects)


def clear(connection: Connection, *, keep: bool) -> None:
    """For a rebuild: forget how far the topics are read, and all that was read unless it is kept. What was
    erased or pruned stays so."""
    for table in (offsets,) if keep else (offsets, *_HELD):
        connection.execute(delete(table))
