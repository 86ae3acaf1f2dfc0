"""Opening hours as people write them: intervals of local time, weekdays, dates of their own."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec import Struct

from engine.core.instants import MINUTE, Span

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60


class Interval(NamedTuple):
    """Local opening hours in minutes after the midnight of the date that they open on.

    `closes` past 1440 lies on the next date: the hours belong to the date they open on.
    """

    opens: int
    closes: int


class Hours(Struct, frozen=True):
    """The opening hours of one version of a calendar."""

    weekdays: tuple[tuple[Interval, ...], ...]
    """Seven, from Monday."""
    dates: Mapping[date, tuple[Interval, ...]] = {}
    """Dates with hours of their own, and none when closed; they win over weekdays and holidays."""
    holidays: Callable[[int], Collection[date]] | None = None
    """The closed dates of a year."""
    holidays_key: str = ""
    """Says whose holidays they are, such as DE-BE."""
    effective_from: date = date.min
    """The first local date that it counts on; the earliest version counts before its date, too."""

    def on(self, day: date, closed: Collection[date]) -> tuple[Interval, ...]:
        own = self.dates.get(day)
        if own is not None:
            return own
        return () if day in closed else self.weekdays[day.weekday()]


def parse_interval(text: str) -> Interval:
    """`09:00-12:30`, `22:00-06:00` (overnight), `00:00-24:00`. ValueError for anything else."""
    start, dash, end = (part.strip() for part in text.partition("-"))
    if not dash:
        raise ValueError(f"{text!r} is not HH:MM-HH:MM")
    opens, closes = _minutes(start), _minutes(end)
    if opens in (DAY_MINUTES, closes):
        raise ValueError(f"{text!r} opens for no time; around the clock is 00:00-24:00")
    return Interval(opens, closes if closes > opens else closes + DAY_MINUTES)


def _minutes(text: str) -> int:
    hour, colon, minute = text.partition(":")
    if not (
        colon and len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit()
    ):
        raise ValueError(f"{text!r} is not a time of day HH:MM")
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > DAY_MINUTES:
        raise ValueError(f"{text!r} is past 24:00")
    return total


def parse_days(text: str) -> tuple[int, ...]:
    """`mon`, `mon-fri`, `sun-thu` as weekdays from Monday = 0. ValueError for anything else."""
    first, dash, last = (part.strip() for part in text.lower().partition("-"))
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError(f"{text!r} is not a weekday or a range of them")
    start = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last) - start) % 7 + 1 if dash else 1
    return tuple((start + step) % 7 for step in range(length))


def overlap(days: Sequence[tuple[Interval, ...]]) -> tuple[int, int] | None:
    """The first two days of a week (the same one, or neighbours) whose hours overlap; None where none do."""
    for day, intervals in enumerate(days):
        end = 0
        for interval in intervals:
            if interval.opens < end:
                return day, day
            end = interval.closes
        following = days[(day + 1) % 7]
        if following and following[0].opens + DAY_MINUTES < end:
            return day, (day + 1) % 7
    return None


def usual_day(days: Sequence[tuple[Interval, ...]]) -> Span:
    """The open time of the commonest open weekday, of equals the longest."""
    counts = Counter(length for day in days if (length := sum(i.closes - i.opens for i in day)))
    return Span(max(counts, key=lambda length: (counts[length], length)) * MINUTE)
