"""Months and weeks of a time zone, from midnight to midnight."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfoNotFoundError

from engine.core.instants import Instant, from_datetime, time_zone, to_datetime

By: TypeAlias = Literal["month", "week"]

MOST_PERIODS = 240
"""Twenty years of months: beyond it no chart can be read."""


class TrendRefused(ValueError):
    """What was asked of the report cannot be answered: the message says what, and what was expected."""


class Period(NamedTuple):
    """[start, end), a whole month or week in local time."""

    day: date
    """Its first."""
    next_day: date
    """The day after its last."""
    start: Instant
    end: Instant


class Grid:
    """The periods of one kind in one zone."""

    def __init__(self, by: str, zone: str) -> None:
        """TrendRefused for another kind and for a zone that is not known."""
        if by not in ("month", "week"):
            raise TrendRefused(f"periods by {by!r}: expected month or week")
        self.by: By = "month" if by == "month" else "week"
        self.zone = zone
        try:
            self._zone = time_zone(zone)
        except ZoneInfoNotFoundError:
            raise TrendRefused(f"zone {zone!r}: expected an IANA name such as Europe/Oslo") from None

    def day_of(self, at: Instant) -> date:
        """The local day of an instant."""
        return to_datetime(at).astimezone(self._zone).date()

    def first(self, day: date) -> date:
        """The first day of the period of a day."""
        return day.replace(day=1) if self.by == "month" else day - timedelta(days=day.weekday())

    def moved(self, first: date, periods: int) -> date:
        """The first day of the period so many later."""
        if self.by == "week":
            return first + timedelta(weeks=periods)
        months = first.year * 12 + first.month - 1 + periods
        return date(months // 12, months % 12 + 1, 1)

    def midnight(self, day: date) -> Instant:
        """When a local day begins: where its midnight is skipped, at the first instant after it."""
        return from_datetime(datetime(day.year, day.month, day.day, tzinfo=self._zone))

    def periods(self, start: date, end: date) -> list[Period]:
        """Those from a first day to another one. TrendRefused for more than can be read."""
        days = [*self._days(start, end), end]
        edges = [self.midnight(day) for day in days]
        return [Period(*each) for each in zip(days[:-1], days[1:], edges[:-1], edges[1:], strict=True)]

    def _days(self, start: date, end: date) -> Iterator[date]:
        day, count = start, 0
        while day < end:
            if count == MOST_PERIODS:
                raise TrendRefused(f"{start} to {end}: expected at most {MOST_PERIODS} {self.by}s")
            yield day
            day, count = self.moved(day, 1), count + 1


def parse_day(text: str) -> date:
    """`2026-10-05`, or `2026-10` for the first of a month. TrendRefused for anything else."""
    try:
        day = date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError:
        raise TrendRefused(f"{text!r} is no day: expected such as 2026-10-01, or 2026-10") from None
    if not 1970 <= day.year < 9000:  # room for as many periods before
        raise TrendRefused(f"{text!r}: expected a day from 1970 to 8999")
    return day
