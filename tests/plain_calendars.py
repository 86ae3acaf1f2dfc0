"""Calendars from plain values, as tests write them."""

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from engine.core.calendars import BusinessCalendar
from engine.core.hours import Hours, parse_interval, weekly
from engine.core.instants import Span


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
