"""Opening hours by stepping through the minutes of a window: slow, independent, easy to believe."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from itertools import accumulate
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 24 * 60
_EPOCH = date(1970, 1, 1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MINUTE = timedelta(minutes=1)


class Schedule(NamedTuple):
    """What a calendar says from a date on; the earliest of several counts before its date, too."""

    hours: Mapping[str, Sequence[str]]
    """By weekday: `{"mon": ["09:00-12:30", "22:00-06:00"]}`."""
    dates: Mapping[date, Sequence[str]] = {}
    """Dates with hours of their own, none when closed; they win over weekdays and holidays."""
    holidays: frozenset[date] = frozenset()
    begins: date = date.min


class MinuteOracle:
    """Whether each minute of `days` UTC days is open, by what the local clock shows in that minute.

    A minute is its number since 1970-01-01T00:00Z, in questions and in answers. The first two days are right
    only for hours that open on dates inside the window.
    """

    def __init__(self, zone: str, schedules: Sequence[Schedule], first_day: date, days: int) -> None:
        self.first = (first_day - _EPOCH).days * MINUTES_A_DAY
        self.end = self.first + days * MINUTES_A_DAY
        shown = _shown(zone, self.first, self.end)
        self._last_shown = max(shown)
        self._first_at: dict[int, int] = {}
        """Wall time, in minutes since its own 1970 -> the place of the first minute that shows it."""
        self._last_at: dict[int, int] = {}
        for place, wall in enumerate(shown):
            self._first_at.setdefault(wall, place)
            self._last_at[wall] = place
        self._open = bytearray(len(shown))
        day = _EPOCH + timedelta(days=shown[0] // MINUTES_A_DAY)
        while day <= _EPOCH + timedelta(days=shown[-1] // MINUTES_A_DAY):
            for text in _of(schedules, day):
                self._mark(day, text)
            day += timedelta(days=1)
        self._total = [0, *accumulate(self._open)]
        self.edges = [
            self.first + place
            for place in range(1, len(self._open))
            if self._open[place - 1] != self._open[place]
        ]
        """The minutes at which it opens or closes."""

    def is_open(self, minute: int) -> bool:
        return bool(self._open[minute - self.first])

    def elapsed(self, start: int, end: int) -> int:
        """Open minutes in [start, end)."""
        return self._total[end - self.first] - self._total[start - self.first]

    def due(self, start: int, budget: int) -> int | None:
        """The first minute at which `budget` open minutes have passed; None where that is past the window."""
        if budget <= 0:
            return start
        minute = start
        for is_open in self._open[start - self.first :]:
            minute += 1
            budget -= is_open
            if not budget:
                return minute
        return None

    def next_opening(self, minute: int) -> int | None:
        """The first open minute from here on; None where that is past the window."""
        for place in range(minute - self.first, len(self._open)):
            if self._open[place]:
                return place + self.first
        return None

    def _mark(self, day: date, text: str) -> None:
        """From the first minute that shows the opening to the last that shows the close."""
        midnight = (day - _EPOCH).days * MINUTES_A_DAY
        opens, closes = (midnight + int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
        if closes <= opens:
            closes += MINUTES_A_DAY
        for place in range(self._place(opens, self._first_at), self._place(closes, self._last_at)):
            self._open[place] = 1

    def _place(self, wall: int, shown_at: Mapping[int, int]) -> int:
        """Where the clock shows `wall`; what it never shows is where it first shows something later."""
        while wall <= self._last_shown:
            if wall in shown_at:
                return shown_at[wall]
            shown_at = self._first_at
            wall += 1
        return len(self._open)


@lru_cache(maxsize=4)
def _shown(zone: str, first: int, end: int) -> list[int]:
    """What the local clock shows in each minute, in minutes since its own 1970."""
    here = pinned(zone)
    return [minute + offset(here, minute) for minute in range(first, end)]


@cache
def pinned(zone: str) -> ZoneInfo:
    """The zone of the pinned data package: what the machine has would make answers depend on it."""
    with files("tzdata.zoneinfo").joinpath(*zone.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=zone)


def offset(zone: ZoneInfo, minute: int) -> int:
    """How many minutes the zone's clocks are ahead of UTC in that minute."""
    ahead = datetime.fromtimestamp(minute * 60, zone).utcoffset()
    assert ahead is not None
    assert not ahead % _MINUTE, f"{zone} is off by seconds: the minutes of this oracle are too coarse"
    return ahead // _MINUTE


def _of(schedules: Sequence[Schedule], day: date) -> Sequence[str]:
    schedule = min(schedules, key=lambda one: one.begins)
    for one in schedules:
        if schedule.begins < one.begins <= day:
            schedule = one
    if day in schedule.dates:
        return schedule.dates[day]
    return () if day in schedule.holidays else schedule.hours.get(_WEEKDAYS[day.weekday()], ())
