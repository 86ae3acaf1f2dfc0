"""Business calendars: local opening hours as an index of integer microseconds."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from hashlib import blake2b
from itertools import accumulate
from zoneinfo import ZoneInfo

from engine.core.hours import (
    DAY_MINUTES,
    WEEKDAYS,
    Hours,
    Interval,
    overlap,
    usual_day,
)
from engine.core.instants import DAY, MICROSECOND, MINUTE, NEVER, Instant, Span, to_datetime
from engine.core.policy import AROUND_THE_CLOCK

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_FIRST_YEAR, _LAST_YEAR = 1900, 2400  # past these a question is a mistake, and the answer is CalendarError
_NEVER_CLOSES = Span(40 * 366 * DAY)  # who is open for longer, from when it is asked on, never closes


class CalendarError(ValueError):
    """A calendar that cannot be built, or a question that it cannot answer; says which and why."""


class BusinessCalendar:
    """Opening hours in one zone, with holidays, half days and dated versions. Implements policy.Calendar.

    Its index grows to the years that are asked about; the answers never depend on what was asked before.
    """

    def __init__(
        self, name: str, zone: ZoneInfo, versions: Sequence[Hours], business_day: Span | None = None
    ) -> None:
        """CalendarError where it never opens, hours overlap, or a business day is missing or disputed."""
        self.name = name
        self.zone = str(zone)
        self._zone = zone
        self.versions = tuple(sorted(versions, key=lambda hours: hours.effective_from))
        self._check()
        self.business_day = business_day or self._agreed_business_day()
        self.version = self._hash()
        self._years: dict[int, list[tuple[int, int]]] = {}
        self._first_year, self._last_year = 0, -1
        self._start, self.horizon = NEVER, Instant(0)
        """`horizon` is the end of the index: 0 before the first question, and later questions move it."""
        self._opens: list[int] = []
        self._closes: list[int] = []
        self._totals: list[int] = []  # open time up to each close
        self._shifts: list[int] = []  # open time before each opening, less the opening

    def elapsed(self, start: Instant, end: Instant) -> Span:
        """Open time in [start, end); 0 where end <= start."""
        if end <= start:
            return Span(0)
        if start < self._start or end >= self.horizon:
            self._cover(start, end)
        opens, closes, shifts = self._opens, self._closes, self._shifts
        first = bisect_right(opens, start) - 1
        last = bisect_right(opens, end, first) - 1
        until, since = closes[last], closes[first]
        return Span(
            shifts[last]
            + (end if end < until else until)
            - shifts[first]
            - (start if start < since else since)
        )

    def due(self, start: Instant, budget: Span) -> Instant:
        """The first instant at which `budget` of open time has passed since start; start itself for 0."""
        if budget <= 0:
            return start
        if start < self._start or start >= self.horizon:
            self._cover(start, start)
        found = bisect_right(self._opens, start) - 1
        total = self._shifts[found] + min(start, self._closes[found]) + budget
        while total > self._totals[-1]:
            self._extend()
            found = bisect_right(self._opens, start) - 1
            total = self._shifts[found] + min(start, self._closes[found]) + budget
        last = bisect_left(self._totals, total, found)
        return Instant(self._closes[last] - self._totals[last] + total)

    def is_open(self, at: Instant) -> bool:
        found = self._holding(at)  # first: it may replace the index
        return at < self._closes[found]

    def next_opening(self, at: Instant) -> Instant:
        """`at` itself when open, else the next opening."""
        found = self._holding(at)
        if at < self._closes[found]:
            return at
        while found + 1 == len(self._opens):
            self._extend()
            found = self._holding(at)
        return Instant(self._opens[found + 1])

    def closes(self, at: Instant) -> Instant:
        """When the opening that holds `at` ends; `at` itself when closed; NEVER where it never does."""
        never = at + _NEVER_CLOSES
        found = self._holding(at)  # first: it may replace the index
        while self._closes[found] >= self.horizon and at < self._closes[found] <= never:
            self._extend()
            found = self._holding(at)
        closes = self._closes[found]
        return NEVER if closes > never else Instant(max(closes, at))

    @property
    def dated_years(self) -> set[int]:
        """Those in which it has dates of its own."""
        return {day.year for hours in self.versions for day in hours.dates}

    @property
    def dates_end(self) -> Instant | None:
        """The end of the last of its dated years; None where it has none."""
        years = self.dated_years
        return Instant(self._instant(date(max(years) + 1, 1, 1), 0, fold=0)) if years else None

    def __repr__(self) -> str:
        return f"BusinessCalendar({self.name!r}, {self.zone!r}, version={self.version!r})"

    def _holding(self, at: Instant) -> int:
        """The place of the last opening at or before `at`."""
        if at < self._start or at >= self.horizon:
            self._cover(at, at)
        return bisect_right(self._opens, at) - 1

    def _check(self) -> None:
        if not self.versions:
            raise CalendarError(f"calendar {self.name} has no hours")
        for hours in self.versions:
            if not any(hours.weekdays):
                raise CalendarError(f"calendar {self.name} never opens: no weekday has hours")
            if (days := overlap(hours.weekdays)) is not None:
                first, second = (WEEKDAYS[day] for day in days)
                raise CalendarError(f"calendar {self.name}: hours of {first} and {second} overlap")

    def _agreed_business_day(self) -> Span:
        lengths = {usual_day(hours.weekdays) for hours in self.versions}
        if len(lengths) > 1:
            raise CalendarError(f"calendar {self.name}: its versions differ in their business day; state one")
        return lengths.pop()

    def _hash(self) -> str:
        content = [
            self.zone,
            self.business_day,
            [
                [
                    hours.effective_from.isoformat(),
                    hours.weekdays,
                    sorted((day.isoformat(), intervals) for day, intervals in hours.dates.items()),
                    hours.holidays_key,
                ]
                for hours in self.versions
            ],
        ]
        return blake2b(json.dumps(content).encode(), digest_size=8).hexdigest()

    def _extend(self) -> None:
        """Twice as many years."""
        self._cover_years(self._first_year, self._last_year + max(1, self._last_year - self._first_year))

    def _cover(self, start: Instant, end: Instant) -> None:
        # A year more on both sides: a local year is not the UTC one, and the next question is nearby.
        try:
            first, last = to_datetime(start).year - 1, to_datetime(end).year + 1
        except OverflowError:
            raise CalendarError(f"calendar {self.name}: {start} to {end} is no time that occurs") from None
        if self._last_year >= self._first_year:
            first, last = min(first, self._first_year), max(last, self._last_year)
        self._cover_years(first, last)

    def _cover_years(self, first: int, last: int) -> None:
        if first < _FIRST_YEAR or last > _LAST_YEAR:
            raise CalendarError(
                f"calendar {self.name} answers for {_FIRST_YEAR} to {_LAST_YEAR}, not for {first} to {last}"
            )
        openings = _union(opening for year in range(first - 1, last + 1) for opening in self._openings(year))
        # An empty opening before all others spares every question the case "before the first one".
        before = min(openings[0][0], self._instant(date(first, 1, 1), 0, fold=0)) - 1
        openings.insert(0, (before, before))
        self._opens = [opens for opens, _ in openings]
        self._closes = [closes for _, closes in openings]
        self._totals = list(accumulate(closes - opens for opens, closes in openings))
        self._shifts = [total - closes for total, closes in zip(self._totals, self._closes, strict=True)]
        self._first_year, self._last_year = first, last
        self._start = Instant(self._instant(date(first, 1, 1), 0, fold=0))
        self.horizon = Instant(self._instant(date(last + 1, 1, 1), 0, fold=0))

    def _openings(self, year: int) -> list[tuple[int, int]]:
        """The openings of a year's dates, in order of opening."""
        if year not in self._years:
            self._years[year] = [
                (opens, closes)
                for day, interval in self._local(year)
                if (opens := self._instant(day, interval.opens, fold=0))
                < (closes := self._instant(day, interval.closes, fold=1))
            ]
        return self._years[year]

    def _local(self, year: int) -> Iterator[tuple[date, Interval]]:
        closed = [() if hours.holidays is None else hours.holidays(year) for hours in self.versions]
        day, place = date(year, 1, 1), 0
        while day.year == year:
            while place + 1 < len(self.versions) and self.versions[place + 1].effective_from <= day:
                place += 1
            for interval in self.versions[place].on(day, closed[place]):
                yield day, interval
            day += timedelta(days=1)

    def _instant(self, day: date, minutes: int, fold: int) -> int:
        """The instant of a local time: of two the one `fold` names, of none the first valid one after."""
        days, minutes = divmod(minutes, DAY_MINUTES)
        ordinal = day.toordinal() + days
        hour, minute = divmod(minutes, 60)
        there = date.fromordinal(ordinal)
        local = datetime(there.year, there.month, there.day, hour, minute, tzinfo=self._zone)
        micros = (ordinal - _EPOCH_ORDINAL) * DAY + minutes * MINUTE
        first, second = _offset(local), _offset(local.replace(fold=1))
        if first < second:  # skipped: the offset before the gap comes first
            return _transition(self._zone, micros - second, micros - first)
        return micros - (second if fold else first)


def _offset(local: datetime) -> int:
    offset = local.utcoffset()
    assert offset is not None  # noqa: S101  # every local time here has a zone
    return offset // timedelta(microseconds=1)


def _transition(zone: tzinfo, before: int, after: int) -> int:
    """The instant in (before, after] at which the zone's offset changes."""
    old = _offset(to_datetime(Instant(before)).astimezone(zone))
    while after - before > MICROSECOND:
        middle = (before + after) // 2
        if _offset(to_datetime(Instant(middle)).astimezone(zone)) == old:
            before = middle
        else:
            after = middle
    return after


def _union(openings: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted, with those that touch or overlap joined: an hour that the clock shows twice counts once."""
    joined: list[tuple[int, int]] = []
    for opens, closes in sorted(openings):
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], closes))
        else:
            joined.append((opens, closes))
    return joined


class AlwaysOpen:
    """The calendar that never closes: elapsed time is time. Implements policy.Calendar."""

    name = AROUND_THE_CLOCK
    zone = "UTC"
    version = "always-open"
    business_day = Span(DAY)
    horizon = NEVER

    def elapsed(self, start: Instant, end: Instant) -> Span:
        return Span(end - start) if end > start else Span(0)

    def due(self, start: Instant, budget: Span) -> Instant:
        return Instant(start + budget) if budget > 0 else start

    def is_open(self, at: Instant) -> bool:
        return True

    def next_opening(self, at: Instant) -> Instant:
        return at

    def closes(self, at: Instant) -> Instant:
        return NEVER
