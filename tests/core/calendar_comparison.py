"""Random calendars in some days of any zone, and every question put to the index and to the oracle."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from calendar_oracle import MINUTES_A_DAY, MinuteOracle, Schedule, offset, pinned

from engine.core.calendars import BusinessCalendar
from engine.core.hours import WEEKDAYS, Hours, parse_interval
from engine.core.instants import HOUR, MINUTE, Instant, Span
from plain_calendars import weekly

YEARS = range(1975, 2038)  # before, some zones were off by seconds; after, files give a rule and no list
MARGIN, SIDE = 2, 4
"""Days that the oracle needs before the first question, and days on each side of the day in question."""

_EPOCH = date(1970, 1, 1)


class Mismatch(AssertionError):
    """Index and oracle disagree; says what to run to see it alone."""


def distinct_zones(first: Sequence[str] = ()) -> list[str]:
    """Every IANA zone, `first` before the others; of those with the same data only one."""
    folder = files("tzdata.zoneinfo")
    others = sorted(files("tzdata").joinpath("zones").read_text("utf-8").split())
    by_data: dict[bytes, str] = {}
    for name in [*first, *others]:
        by_data.setdefault(folder.joinpath(*name.split("/")).read_bytes(), name)
    return list(by_data.values())


@cache
def changes(zone: str, year: int) -> tuple[date, ...]:
    """The UTC dates of a year in which the zone's clocks are changed."""
    here = pinned(zone)
    first = (date(year, 1, 1) - _EPOCH).days
    offsets = [offset(here, (first + day) * MINUTES_A_DAY) for day in range(367)]
    return tuple(
        date(year, 1, 1) + timedelta(days=day) for day in range(366) if offsets[day] != offsets[day + 1]
    )


class Window:
    """One calendar in the days around one day, known to the index and to the oracle."""

    def __init__(self, name: str, zone: str, schedules: Sequence[Schedule], day: date) -> None:
        self.name = name
        self.schedules = schedules
        self.day = day
        self.calendar = calendar_of(zone, schedules)
        self.oracle = MinuteOracle(zone, schedules, day - timedelta(days=SIDE + MARGIN), MARGIN + 2 * SIDE)
        self._first = self.oracle.first + MARGIN * MINUTES_A_DAY
        self._edges = [minute for minute in self.oracle.edges if minute >= self._first]
        self._chance = random.Random(name)  # noqa: S311  # a seed, so that a failure comes back

    @classmethod
    def drawn(cls, zone: str, seed: int) -> "Window":
        """The window that (zone, seed) names, always the same."""
        name = f"{zone} {seed}"
        return cls(name, zone, *draw(zone, random.Random(f"hours of {name}")))  # noqa: S311

    def compare(self, count: int) -> int:
        """Put `count` questions. Mismatch at the first answer that differs; else how many were compared."""
        compared, asked = 0, 0
        while compared < count:
            asked += 1
            assert asked < 20 * count, f"{self.name}: nearly every answer lies past the window"
            compared += self._ask()
        return compared

    def _ask(self) -> bool:
        """One question; False where the oracle's window ends before the answer."""
        chance, oracle, calendar = self._chance, self.oracle, self.calendar
        start = self._minute()
        kind = chance.randrange(4)
        if kind == 0:
            start, end = sorted((start, self._minute()))
            first, last = self._inside(), self._inside()
            expected = oracle.elapsed(start, end) * MINUTE
            expected = max(0, expected + last * oracle.is_open(end) - first * oracle.is_open(start))
            question = f"elapsed({start}m + {first} us, {end}m + {last} us)"
            found = calendar.elapsed(at(start, first), at(end, last))
        elif kind == 1:
            budget = chance.choice([0, 1, 30, 60, 240, 480, chance.randrange(3000)])
            due = oracle.due(start, budget)
            if due is None:
                return False
            question, expected = f"due({start}m, {budget}m)", at(due)
            found = calendar.due(at(start), Span(budget * MINUTE))
        elif kind == 2:
            inside = self._inside()
            question, expected = f"is_open({start}m + {inside} us)", oracle.is_open(start)
            found = calendar.is_open(at(start, inside))
        else:
            opening = oracle.next_opening(start)
            if opening is None:
                return False
            question, expected = f"next_opening({start}m)", at(opening)
            found = calendar.next_opening(at(start))
        if found != expected:
            raise Mismatch(
                f"VIGIL_ORACLE_ONLY='{self.name}' asks only this window: {question} is {found}, by the "
                f"minutes {expected}; around {self.day}, {self.schedules}"
            )
        return True

    def _minute(self) -> int:
        """Of the window less its margin; every third time where it opens or closes."""
        if self._edges and self._chance.random() < 0.3:
            return self._chance.choice(self._edges)
        return self._chance.randrange(self._first, self.oracle.end)

    def _inside(self) -> int:
        """Microseconds into a minute."""
        return self._chance.choice([0, self._chance.randrange(MINUTE)])


def at(minute: int, microseconds: int = 0) -> Instant:
    return Instant(minute * MINUTE + microseconds)


def calendar_of(zone: str, schedules: Sequence[Schedule]) -> BusinessCalendar:
    versions = [
        Hours(
            weekdays=weekly(schedule.hours),
            dates={day: tuple(sorted(map(parse_interval, texts))) for day, texts in schedule.dates.items()},
            holidays=lambda year, days=schedule.holidays: {day for day in days if day.year == year},
            holidays_key=str(sorted(schedule.holidays)),
            effective_from=schedule.begins,
        )
        for schedule in schedules
    ]
    return BusinessCalendar("support", pinned(zone), versions, business_day=HOUR)


def every(days: Sequence[str], intervals: Sequence[str]) -> dict[str, Sequence[str]]:
    return dict.fromkeys(days, intervals)


def draw(zone: str, chance: random.Random) -> tuple[list[Schedule], date]:
    """One to three versions of hours, with what happens around one day: mostly one on which clocks change."""
    years = chance.sample(YEARS, 4)  # many a zone changes its clocks in few of them, or in none
    year = next((year for year in years if changes(zone, year)), years[0])
    if (days := changes(zone, year)) and chance.random() < 0.9:
        day = chance.choice(days)
    else:
        day = chance.choice([date(year, 12, 31), date(year, 1, 1) + timedelta(days=chance.randrange(365))])
    near = [day + timedelta(days=step) for step in range(-SIDE, SIDE + 1)]
    schedules = [_schedule(chance, near)]
    if chance.random() < 0.2:
        schedules += [
            _schedule(chance, near)._replace(begins=begins)
            for begins in chance.sample(near, chance.randint(1, 2))
        ]
        chance.shuffle(schedules)
    return schedules, day


def _schedule(chance: random.Random, near: Sequence[date]) -> Schedule:
    if chance.random() < 0.1:
        return Schedule(every(WEEKDAYS, ["00:00-24:00"]))
    dates = {
        day: chance.choice([[], ["09:00-12:00"], ["00:00-24:00"], ["01:30-02:30", "20:00-03:00"]])
        for day in near
        if chance.random() < 0.1
    }
    return Schedule(random_hours(chance), dates, frozenset(day for day in near if chance.random() < 0.1))


def random_hours(chance: random.Random) -> dict[str, list[str]]:
    """Some weekdays with one to three intervals, many at night, some until the next morning's opening."""
    drawn: list[list[int]] = []
    for _ in WEEKDAYS:
        count = chance.choice([0, 1, 1, 2, 2, 3])
        night = range(0, 5 * 60, 5) if chance.random() < 0.4 else range(0, MINUTES_A_DAY + 1, 5)
        drawn.append(sorted(chance.sample(night, 2 * count)))
    if not any(drawn):
        drawn[0] = [9 * 60, 17 * 60]
    hours = {}
    for place, times in enumerate(drawn):
        if not times:
            continue
        tomorrow = drawn[(place + 1) % 7]
        latest = min(times[-2] - 5, tomorrow[0] if tomorrow else MINUTES_A_DAY)
        if latest >= 0 and chance.random() < 0.3:
            times = [*times[:-1], chance.choice([latest, chance.randrange(0, latest + 1, 5)]) // 5 * 5]
        shown = [f"{time // 60:02}:{time % 60:02}" for time in times]
        hours[WEEKDAYS[place]] = [f"{shown[one]}-{shown[one + 1]}" for one in range(0, len(shown), 2)]
    return hours
