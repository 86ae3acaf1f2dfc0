"""Escalations for the API: many by their rows in the archive, one with all that its page shows."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import Field
from sqlalchemy import ColumnElement, Engine, and_, func, or_, select

from engine.archive.rows import STATUSES
from engine.archive.tables import escalations, outcomes
from engine.console.answers import Answer, Head, Listed, Moment, Tally
from engine.console.asked import Asked, Key, cursor, read_cursor
from engine.console.escalations import Escalations, NoSuchEscalation
from engine.console.filters import BadFilter
from engine.console.rows import Row
from engine.console.sources import Late
from engine.contract.codec import structured_event
from engine.contract.outcomes import OutcomeData
from engine.core.facts import Fact
from engine.core.instants import Instant, seconds
from engine.core.recurrence import PREFIX

_AS_TOLD = {
    "opened": "opened_at", "acknowledged": "acknowledged_at", "answered": "answered_at",
    "resolved": "resolved_at", "closed": "closed_at", "last": "last_at",
}  # fmt: skip
"""Columns of the archive that are times, and what they are called outside."""


class Step(Answer):
    """What to do next, and the form that says it was done; empty: there is none."""

    say: str
    form: str
    given: dict[str, str] = Field(description="What the clock knows of the form's fields.")


class Clock(Answer):
    """A running clock: one line of the board."""

    subject: str
    title: str
    metric: str
    key: str
    cycle: int
    owed: str = Field(description="In words: `Next customer update`.")
    severity: str
    customer_name: str
    team: str
    owner: str
    state: str = Field(description="breached, unknown, at_risk, running, closed or paused.")
    provisional: bool = Field(description="Breached, and its source has not been read so far.")
    held_by: str = Field(description="The source that is behind, of what is provisional or unknown.")
    why: str = Field(description="In words; empty: nothing to say.")
    due_at: Moment | None = Field(description="Null while it is paused.")
    wakes_at: Moment | None = Field(description="When its hours open next; null: it is not outside them.")
    left_seconds: float = Field(description="On its own hours; negative: overrun.")
    target_seconds: float
    calendar: str = Field(description="Whose hours count; empty: all.")
    in_a_row: int = Field(description="Of a cadence: intervals that have passed in silence.")
    next: Step


class Counts(Answer):
    """Of all clocks, whatever the filters."""

    breached: int
    soon: int
    at_risk: int
    unknown: int
    asleep: int
    open: int
    provisional: int = Field(description="Of those breached: said while their source is behind.")


class Behind(Answer):
    """A partition of a source of which not all that was recorded has been read, or that is silent."""

    topic: str
    partition: int
    read_until: Moment = Field(description="What is due later has no final verdict yet.")
    last_event_at: Moment | None = Field(description="When the last event that was read was recorded.")
    unread: int = Field(description="Records; 0: it has been silent for longer than it should be.")


class Clocks(Listed[Clock]):
    """The deadline board, breached first."""

    counts: Counts
    behind: list[Behind] = Field(description="Empty: every source is read to its end, or it is not known.")
    behind_known: bool = Field(description="Whether it is known what is behind, be it nothing.")
    behind_bound_seconds: float = Field(description="From which on a source is behind; 0: it never is.")
    wakes_at: Moment | None = Field(description="When the next of those outside their hours wakes.")
    ready: bool = Field(description="false: the engine's state has not been read to its end.")


class Escalation(Head):
    """A row of the archive's escalations."""

    gravest: str = Field(description="The highest severity that it ever had.")
    tier: str
    service: str
    component: str
    region: str
    fingerprint: str
    opened_at: Moment | None
    acknowledged_at: Moment | None
    answered_at: Moment | None = Field(description="The first public answer.")
    resolved_at: Moment | None = Field(description="The last resolution; null while it is open again.")
    reopened: int
    closed_at: Moment | None
    last_at: Moment = Field(description="Its latest event.")


class FactTold(Answer):
    """An event as it was taken."""

    verb: str
    at: Moment
    recorded_at: Moment
    source: str
    id: str
    data: dict[str, Any]


class Verdict(Answer):
    """A verdict, recomputed from the events as `vigil explain` does."""

    id: str
    outcome: str
    owed: str
    how: str = Field(description="In words: `2 h of 2 h, 27 min over`.")
    check: str = Field(
        description="equal, same, differs, not_said, not_derived, no_version, tampered or unchecked."
    )
    differs_in: list[str]
    provisional: bool = Field(description="Its source has not been read so far: it may be corrected.")
    said_provisionally: bool = Field(description="It was said when its source had not been read so far.")
    effective_at: Moment
    hash: str


class Address(Answer):
    """Where a document of it is."""

    kind: str
    title: str
    url: str = Field(description="`?form=html`, `md` or `json`.")


class Whole(Answer):
    """One escalation with all that its page shows; what is in words is in the zone asked for."""

    subject: str
    head: dict[str, Any]
    clocks: list[Clock]
    verdicts: list[Verdict] = Field(description="The latest first.")
    complete: bool = Field(description="Whether what was said could be held against the events.")
    facts: list[FactTold]
    behind: Behind | None = Field(description="What holds back its verdicts; null: nothing does.")
    promises: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    updates: list[dict[str, Any]] = Field(description="What each audience is owed.")
    told: list[dict[str, Any]] = Field(description="Who was told what.")
    room: dict[str, Any] = Field(description="The war room.")
    documents: list[Address]
    as_of: Moment


class Outcome(Answer):
    """Something that the engine said, as its record on the topic has it."""

    id: str
    type: str
    stands: bool = Field(description="false: it was corrected, or is a retraction.")
    data: OutcomeData


def behind_of(late: Late) -> Behind:
    return Behind(
        topic=late.topic, partition=late.partition, read_until=late.until, last_event_at=late.last,
        unread=late.unread,
    )  # fmt: skip


def clock_of(row: Row, now: Instant) -> Clock:
    view, step = row.view, row.step
    return Clock(
        subject=view.subject, title=view.title, metric=view.metric, key=view.key, cycle=view.cycle,
        owed=row.owed, severity=view.severity, customer_name=view.customer_name, team=view.team,
        owner=view.owner, state=row.state, provisional=row.is_provisional,
        held_by=row.late, why=row.why, due_at=view.due_at, wakes_at=row.wakes_at,
        left_seconds=seconds(row.left_at(now)), target_seconds=seconds(view.target), calendar=view.calendar,
        in_a_row=view.in_a_row, next=Step(say=step.say, form=step.verb, given=row.given),
    )  # fmt: skip


class Single:
    """Safe to share between threads. SQLAlchemy's errors come through where the database is away."""

    def __init__(self, archive: Engine, pages: Escalations) -> None:
        self._archive, self._pages = archive, pages

    def many(self, asked: Asked, severity: str, now: Instant) -> Listed[Escalation]:
        """The latest opened first; `state` is the status, a customer or team exactly so written."""
        table = escalations.c
        when = func.coalesce(table.opened, table.last)
        is_real = ~table.subject.startswith(PREFIX)  # patterns have a list of their own
        wanted: list[ColumnElement[bool]] = [is_real]
        if asked.customer:
            wanted.append(or_(table.customer == asked.customer, table.customer_name == asked.customer))
        for column, value in (
            (table.team, asked.team), (table.status, asked.state), (table.severity, severity),
        ):  # fmt: skip
            if value:
                wanted.append(column == value)
        if asked.start is not None:
            wanted.append(table.opened >= asked.start)
        if asked.end is not None:
            wanted.append(table.opened < asked.end)
        after = [_after(when, asked.cursor)] if asked.cursor else []
        chosen = select(escalations, when.label("at")).where(*wanted, *after)
        with self._archive.connect() as connection:
            rows = connection.execute(
                chosen.order_by(when.desc(), table.subject).limit(asked.limit + 1)
            ).all()
            matching = connection.scalar(select(func.count()).select_from(escalations).where(*wanted)) or 0
            by_status = connection.execute(
                select(table.status, func.count().label("number")).where(is_real).group_by(table.status)
            ).all()
        counts = {row.status: row.number for row in by_status}
        found = rows[: asked.limit]
        key: Key = (found[-1].at, found[-1].subject) if found else ()
        return Listed(
            items=[_escalation(dict(row._mapping)) for row in found],
            matching=matching,
            next=cursor(key) if len(rows) > len(found) else None,
            tallies=[Tally(state=status, count=counts.get(status, 0)) for status in STATUSES],
            as_of=now,
        )

    def whole(self, subject: str, now: Instant, zone: str, rows: list[Row], late: Late | None) -> Whole:
        """As `Escalations.page`. NoSuchEscalation, NotOpened."""
        shown = self._pages.page(subject, now, zone, rows, late)
        return Whole.model_validate(
            {
                "subject": subject, "head": shown.head, "complete": shown.is_complete, "as_of": now,
                "clocks": [clock_of(row, now) for row in shown.running],
                "verdicts": [
                    Verdict(
                        id=why.outcome.id, outcome=why.outcome.name, owed=why.name, how=why.how,
                        check=why.checked.check, differs_in=list(why.checked.fields),
                        effective_at=why.outcome.effective_at, hash=why.outcome.hash,
                        provisional=why.is_provisional, said_provisionally=why.was_provisional,
                    )
                    for why in shown.whys
                ],
                "facts": [_fact(subject, fact) for fact in shown.situation.facts],
                "behind": None if late is None else behind_of(late),
                "promises": shown.promises, "actions": shown.actions, "updates": shown.cadences,
                "told": [msgspec.to_builtins(one) for one in shown.told], "room": shown.room,
                "documents": [
                    Address(kind=kind, title=title, url=f"/api/v1/documents/{kind}/{subject}")
                    for kind, title in shown.documents.items()
                ],
            }
        )  # fmt: skip

    def outcomes(self, subject: str, asked: Asked, *, standing: bool, now: Instant) -> Listed[Outcome]:
        """In the order of saying. NoSuchEscalation where nothing was said of it."""
        table = outcomes.c
        if "\0" in subject:
            raise NoSuchEscalation("no escalation has a NUL in its name")
        of_it = table.subject == subject
        wanted = [of_it, table.stands.is_(True)] if standing else [of_it]
        after = [_said_after(asked.cursor)] if asked.cursor else []
        chosen = select(table.seq, table.id, table.name, table.stands, table.record).where(*wanted, *after)
        with self._archive.connect() as connection:
            counts = connection.execute(
                select(table.stands, func.count()).where(of_it).group_by(table.stands)
            ).all()
            rows = connection.execute(chosen.order_by(table.seq, table.id).limit(asked.limit + 1)).all()
        by_standing: Mapping[bool, int] = {bool(stands): number for stands, number in counts}
        if not by_standing:
            raise NoSuchEscalation(f"the archive has no outcome of {subject}, or none yet")
        found = rows[: asked.limit]
        return Listed(
            items=[
                Outcome(
                    id=row.id, type=f"sla.{row.name}.v1", stands=bool(row.stands),
                    data=OutcomeData.model_validate_json(row.record),
                )
                for row in found
            ],
            matching=by_standing.get(True, 0) if standing else sum(by_standing.values()),
            next=cursor((found[-1].seq, found[-1].id)) if len(rows) > len(found) else None,
            tallies=[
                Tally(state="stands", count=by_standing.get(True, 0)),
                Tally(state="corrected", count=by_standing.get(False, 0)),
            ],
            as_of=now,
        )  # fmt: skip


def _escalation(row: dict[str, Any]) -> Escalation:
    told = {_AS_TOLD.get(name, name): value for name, value in row.items()}
    return Escalation(**{name: told[name] for name in Escalation.model_fields})


def _fact(subject: str, fact: Fact) -> FactTold:
    event = structured_event(fact.kind, subject, fact)
    return FactTold(
        verb=fact.kind, at=fact.at, recorded_at=fact.recorded, source=fact.source, id=fact.id,
        data=event["data"],
    )  # fmt: skip


def _after(when: ColumnElement[int], text: str) -> ColumnElement[bool]:
    at, subject = _pair(text)
    return or_(when < at, and_(when == at, escalations.c.subject > subject))


def _said_after(text: str) -> ColumnElement[bool]:
    seq, identity = _pair(text)
    return or_(outcomes.c.seq > seq, and_(outcomes.c.seq == seq, outcomes.c.id > identity))


def _pair(text: str) -> tuple[int, str]:
    key = read_cursor(text)
    if len(key) != 2 or not isinstance(key[0], int) or not isinstance(key[1], str):
        raise BadFilter("cursor: expected one that this list has given")
    return key[0], key[1]
