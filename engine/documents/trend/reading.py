"""The questions to the archive: the same SQL on SQLite and PostgreSQL, answers by span of time."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select

from engine.archive.tables import escalations, facts, outcomes
from engine.contract.outcomes import decode_segments
from engine.core.instants import DAY, Instant, Span
from engine.core.outcomes import BEHIND, VERDICTS
from engine.core.recurrence import PREFIX
from engine.documents.trend.counted import NONE, Counted, Stop

RECURS_WITHIN = Span(90 * DAY)
MOST_PATTERNS = 10
"""Patterns that the report names."""

_LEFT_OUT = ("cancelled", "merged")
_STOPS = ("met", "stopped_late")

_o, _e = outcomes.c, escalations.c
_name: ColumnElement[str] = case((_o.name == "amended", _o.said_name), else_=_o.name)
"""What an outcome says, corrected or not."""


class Known(NamedTuple):
    """How far the archive reaches."""

    first: Instant
    """Its first opening."""
    newest: Instant
    """Its newest fact or verdict."""


class Seen(NamedTuple):
    """An escalation of a pattern."""

    fingerprint: str
    opened: Instant
    resolved: Instant | None
    customer: str
    title: str
    service: str


def known(connection: Connection) -> Known | None:
    """None of an archive in which nothing was ever opened."""
    first = connection.scalar(select(func.min(_e.opened)))
    newest = [
        connection.scalar(select(func.max(column)))
        for column in (facts.c.at, outcomes.c.effective, escalations.c.last)
    ]
    if first is None:
        return None
    return Known(Instant(first), Instant(max(one for one in newest if one is not None)))


def count(connection: Connection, edges: Sequence[Instant]) -> list[Counted]:
    """What happened from each edge to the next, by rising edges."""
    reader = _Reader(connection, edges)
    reader.openings()
    reader.recurrences()
    reader.verdicts()
    reader.unknown()
    reader.times()
    reader.corrections()
    reader.stops()
    return reader.spans


def patterns(connection: Connection, start: Instant, end: Instant) -> list[list[Seen]]:
    """The escalations of the patterns seen most often in [start, end), each by time."""
    counts = _counting().where(_e.fingerprint != "", _e.opened >= start, _e.opened < end)
    often = (
        counts.with_only_columns(_e.fingerprint)
        .group_by(_e.fingerprint)
        .having(func.count() > 1)
        .order_by(func.count().desc(), func.max(_e.opened).desc(), _e.fingerprint)
        .limit(MOST_PATTERNS)
    )
    named = list(connection.scalars(often))
    found: dict[str, list[Seen]] = {fingerprint: [] for fingerprint in named}
    rows = counts.with_only_columns(
        _e.fingerprint, _e.opened, _e.resolved, _e.customer, _e.title, _e.service
    ).where(_e.fingerprint.in_(named))
    for row in connection.execute(rows.order_by(_e.opened, _e.subject)):
        found[row[0]].append(Seen(*row))
    return list(found.values())


def flags(connection: Connection, fingerprints: Sequence[str]) -> dict[str, str]:
    """What stands last of the duty to flag each pattern; a pattern without it is left out."""
    subjects = [PREFIX + one for one in fingerprints]
    rows = (
        select(_o.subject, _name)
        .where(_o.subject.in_(subjects), _o.metric == "flag_recurrence", _o.stands, _name.in_(VERDICTS))
        .order_by(_o.subject, _o.effective, _o.seq)
    )
    return {subject.removeprefix(PREFIX): name for subject, name in connection.execute(rows)}


class _Reader:
    def __init__(self, connection: Connection, edges: Sequence[Instant]) -> None:
        self._connection = connection
        self._edges = edges
        self.spans = [Counted() for _ in edges[1:]]

    def openings(self) -> None:
        """How many were opened, and which of them do not count."""
        span = self._span_of(_e.opened)
        left_out = case((_e.status.in_(_LEFT_OUT), _e.status), else_="").label("left_out")
        query = (
            select(span, _e.gravest, left_out, func.count())
            .where(self._within(_e.opened), _e.subject.not_like(f"{PREFIX}%"))
            .group_by("span", _e.gravest, "left_out")
        )
        for number, gravest, why, how_many in self._connection.execute(query):
            counted = self.spans[number]
            if why:
                counted.left_out[why] += how_many
            else:
                counted.opened[gravest or NONE] += how_many

    def recurrences(self) -> None:
        """Whose fingerprint had come before: each is compared with the one before it."""
        before = func.lag(_e.opened).over(partition_by=_e.fingerprint, order_by=(_e.opened, _e.subject))
        query = _counting().with_only_columns(_e.opened, before)
        query = query.where(
            _e.fingerprint != "", _e.opened >= self._edges[0] - RECURS_WITHIN, _e.opened < self._edges[-1]
        )
        for opened, earlier in self._connection.execute(query):
            if opened >= self._edges[0]:
                counted = self._at(opened)
                counted.known += 1
                counted.again += earlier is not None and opened - earlier <= RECURS_WITHIN

    def verdicts(self) -> None:
        """What stands, by metric, severity and name."""
        span, name = self._span_of(_o.effective), _name.label("said")
        provisional = func.sum(case((_o.record.contains('"provisional":true', autoescape=True), 1), else_=0))
        query = (
            select(span, _o.metric, _o.severity, name, func.count(), provisional)
            .where(_o.stands, self._within(_o.effective), _name.in_([*VERDICTS, "recurrence_detected"]))
            .group_by("span", _o.metric, _o.severity, "said")
        )
        for number, metric, severity, said, how_many, of_them in self._connection.execute(query):
            counted = self.spans[number]
            if said == "recurrence_detected":
                counted.detected += how_many
                continue
            counted.verdicts[metric, severity or NONE, said] += how_many
            counted.provisional += int(of_them)

    def unknown(self) -> None:
        """What was due and is not known yet: no verdict on the same clock was said later."""
        later = outcomes.alias()
        settled = exists().where(
            later.c.stands,
            or_(later.c.name.in_(VERDICTS), later.c.said_name.in_(VERDICTS)),
            *(later.c[name] == _o[name] for name in ("subject", "metric", "key", "cycle")),
            later.c.seq > _o.seq,
        )
        span = self._span_of(_o.effective)
        query = (
            select(span, _o.metric, _o.severity, func.count())
            .where(_o.stands, _name == BEHIND, self._within(_o.effective), ~settled)
            .group_by("span", _o.metric, _o.severity)
        )
        for number, metric, severity, how_many in self._connection.execute(query):
            self.spans[number].verdicts[metric, severity or NONE, "unknown"] += how_many

    def times(self) -> None:
        """How long each clock took that stopped."""
        query = select(_o.effective, _o.metric, _o.severity, _o.elapsed_calendar, _o.elapsed)
        for at, metric, severity, calendar, business in self._connection.execute(self._of_stops(query)):
            self._at(at).timed(metric, severity or NONE, calendar, business)

    def corrections(self) -> None:
        """How much of what was said was corrected."""
        span = self._span_of(_o.effective)
        query = (
            select(span, _o.name, func.count())
            .where(self._within(_o.effective), _o.name.in_(["amended", "retracted"]))
            .group_by("span", _o.name)
        )
        for number, name, how_many in self._connection.execute(query):
            self.spans[number].corrections[name] += how_many

    def stops(self) -> None:
        """The way to the end of each resolve clock."""
        query = self._of_stops(
            select(_o.effective, _o.seq, _o.subject, _o.key, _o.cycle, _o.record).where(
                _o.metric == "resolve"
            )
        )
        for at, seq, subject, key, cycle, record in self._connection.execute(query):
            self._at(at).stopped((subject, key, cycle), Stop(Instant(at), seq, decode_segments(record)))

    def _of_stops(self, query: Select[Any]) -> Select[Any]:
        return query.where(_o.stands, self._within(_o.effective), _name.in_(_STOPS))

    def _within(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        return and_(column >= self._edges[0], column < self._edges[-1])

    def _span_of(self, column: ColumnElement[int]) -> ColumnElement[int]:
        """The number of the span in which an instant lies."""
        return case(*((column < edge, number) for number, edge in enumerate(self._edges[1:]))).label("span")

    def _at(self, at: int) -> Counted:
        return self.spans[bisect_right(self._edges, at) - 1]


def _counting() -> Select[Any]:
    """The escalations that count."""
    return select(_e.subject).where(_e.status.not_in(_LEFT_OUT), _e.subject.not_like(f"{PREFIX}%"))
