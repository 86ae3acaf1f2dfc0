"""Calendars from plain values, as tests write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from engine.core.calendars import BusinessCalendar
from engine.core.hours import WEEKDAYS, Hours, Interval, parse_days, parse_interval
from engine.core.instants import Span


def weekly(hours: Mapping[str, Sequence[str]]) -> tuple[tuple[Interval, ...], ...]:
    """`{"mon-fri": ["09:00-18:00"]}` as seven days. ValueError for a weekday that is given twice."""
    days: dict[int, tuple[Interval, ...]] = {}
    for text, intervals in hours.items():
        for day in parse_days(text):
            if day in days:
                raise ValueError(f"{WEEKDAYS[day]} is given twice")
            days[day] = tuple(sorted(parse_interval(interval) for interval in intervals))
    return tuple(days.get(day, ()) for day in range(7))


def business_calendar(
    name: str,
    zone: str,
    hours: Mapping[str, Sequence[str]],
    dates: Mapping[date, Sequence[str]] | None = None,
    business_day: Span | None = None,
) -> BusinessCalendar:
    """A calendar from plain values: `{"mon-fri": ["09:00-18:00"]}`; `{date: []}` is a holiday."""
    own = {day: tuple(sorted(map(parse_interval, texts))) for day, texts in (dates or {}).items()}
    return BusinessCalendar(name, ZoneInfo(zone), [Hours(weekly(hours), own)], business_day)
