"""The report as one plain value, from which JSON, CSV and HTML are made."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from engine.core.instants import HOUR, Instant, Span, format_instant
from engine.documents.trend import reading
from engine.documents.trend.counted import Counted
from engine.documents.trend.figures import Bounds, Figures, figures
from engine.documents.trend.periods import Grid, Period, TrendRefused
from engine.documents.trend.reading import RECURS_WITHIN, Known, Seen

USUAL = 12
"""Periods of a report whose beginning was not asked for."""


class Asked(NamedTuple):
    """What a report is to cover."""

    by: str = "month"
    zone: str = "UTC"
    start: date | None = None
    """A day of the first period."""
    end: date | None = None
    """The day after the last."""


class Pattern(Struct, frozen=True):
    """One of the fingerprints seen most often."""

    fingerprint: str
    title: str
    """Of the latest escalation, as its service."""
    service: str
    times: int
    customers: int
    """How many different ones are known."""
    hours: float
    """From opening to last resolution, of those that are resolved."""
    unresolved: int
    seen: list[str]
    flag: str | None
    """What stands last of the duty to flag it: met, breached, …; None before any verdict."""


class Trend(Struct, frozen=True):
    by: str
    zone: str
    known_from: str
    """The first opening that the archive knows."""
    known_until: str
    """The newest thing that the archive knows."""
    whole: Figures
    before: Figures | None
    """Of as many periods before; None where the archive begins after them."""
    periods: list[Figures]
    earlier: list[Figures]
    """The periods of `before` of which the archive knows something."""
    patterns: list[Pattern]

    def json(self) -> bytes:
        """The report for programs, indented; the same report gives the same bytes."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def trend(connection: Connection, asked: Asked) -> Trend:
    """The report of an archive. TrendRefused where it has nothing, or what is asked makes no sense."""
    grid = Grid(asked.by, asked.zone)
    known = reading.known(connection)
    if known is None:
        raise TrendRefused("nothing was ever opened in this archive: expected facts and outcomes in it")
    start, end = _covered(grid, asked, known)
    periods = grid.periods(start, end)
    earlier = grid.periods(grid.moved(start, -len(periods)), start)
    edges = [earlier[0].start, *(one.end for one in [*earlier, *periods])]
    counted = reading.count(connection, edges)
    before, during = counted[: len(earlier)], counted[len(earlier) :]

    def told(period: Sequence[Period], counts: Iterable[Counted]) -> Figures:
        return figures(_bounds(period[0], period[-1], known), _sum(counts))

    known_earlier = [
        (period, counts) for period, counts in zip(earlier, before, strict=True) if period.end > known.first
    ]
    return Trend(
        by=grid.by,
        zone=grid.zone,
        known_from=format_instant(known.first),
        known_until=format_instant(known.newest),
        whole=told(periods, during),
        before=told(earlier, before) if known_earlier else None,
        periods=[told([period], [counts]) for period, counts in zip(periods, during, strict=True)],
        earlier=[told([period], [counts]) for period, counts in known_earlier],
        patterns=_patterns(connection, periods[0].start, periods[-1].end),
    )


def _covered(grid: Grid, asked: Asked, known: Known) -> tuple[date, date]:
    """The first days of the first period and of the one after the last."""
    last = grid.first(grid.day_of(known.newest) if asked.end is None else asked.end - timedelta(days=1))
    end = grid.moved(last, 1)
    if asked.start is not None:
        start = grid.first(asked.start)
    else:
        start = max(grid.first(grid.day_of(known.first)), grid.moved(end, -USUAL))
    if start >= end:
        raise TrendRefused(
            f"from {asked.start or start} to {asked.end or last}: expected a beginning before the end"
        )
    return start, end


def _bounds(first: Period, last: Period, known: Known) -> Bounds:
    return Bounds(
        day=first.day.isoformat(),
        last_day=(last.next_day - timedelta(days=1)).isoformat(),
        start=first.start,
        end=last.end,
        complete=known.newest >= last.end,
        reaches_back=first.start - known.first >= RECURS_WITHIN,
    )


def _sum(counts: Iterable[Counted]) -> Counted:
    total = Counted()
    for one in counts:
        total.add(one)
    return total


def _patterns(connection: Connection, start: Instant, end: Instant) -> list[Pattern]:
    found = reading.patterns(connection, start, end)
    flags = reading.flags(connection, [seen[0].fingerprint for seen in found])
    return [_pattern(seen, flags.get(seen[0].fingerprint)) for seen in found]


def _pattern(seen: list[Seen], flag: str | None) -> Pattern:
    latest = seen[-1]
    spent = Span(sum(one.resolved - one.opened for one in seen if one.resolved is not None))
    return Pattern(
        fingerprint=latest.fingerprint,
        title=latest.title,
        service=latest.service,
        times=len(seen),
        customers=len({one.customer for one in seen if one.customer}),
        hours=round(spent / HOUR, 2),
        unresolved=sum(one.resolved is None for one in seen),
        seen=[format_instant(one.opened) for one in seen],
        flag=flag,
    )
