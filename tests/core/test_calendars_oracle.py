"""The calendar index against an independent oracle that steps through the minutes, zone by zone."""

import random
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest
from calendar_oracle import MinuteOracle

from engine.core.calendars import business_calendar
from engine.core.instants import MINUTE, Span

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WINDOWS = {
    # zone: days around which its clocks change, or anything else that is special
    "Europe/Berlin": [(2026, 3, 29), (2026, 10, 25), (2016, 3, 27), (2026, 12, 31)],
    "America/New_York": [(2026, 3, 8), (2026, 11, 1)],
    "Australia/Lord_Howe": [(2026, 4, 5), (2026, 10, 4), (2027, 1, 1)],
    "America/St_Johns": [(2026, 3, 8), (2026, 11, 1), (2006, 4, 2), (2006, 10, 29)],
    "Asia/Kathmandu": [(2026, 6, 1), (1986, 1, 1)],
    "America/Sao_Paulo": [(2018, 11, 4), (2019, 2, 17)],
    "Pacific/Apia": [(2011, 12, 30)],
}


def every(days: Sequence[str], intervals: list[str]) -> dict[str, list[str]]:
    return {day: list(intervals) for day in days}


FIXED = [
    every(WEEKDAYS[:5], ["09:00-12:30", "13:30-18:00"]),
    every(WEEKDAYS, ["22:00-06:00"]),
    every(WEEKDAYS, ["00:00-24:00"]),
    every(WEEKDAYS, ["00:00-02:30", "02:30-10:00"]),
    every(WEEKDAYS, ["01:45-02:15", "02:15-02:20", "02:45-03:00"]),
    {"sun": ["00:00-24:00"], "wed": ["23:00-01:00"]},
]
HALF = 6  # days on each side


def random_hours(chance: random.Random) -> dict[str, list[str]]:
    """Some weekdays with one to three intervals, the last one now and then into the night."""
    hours = {}
    for day in WEEKDAYS:
        if chance.random() < 0.25:
            continue
        times = sorted(chance.sample(range(0, 24 * 60, 5), 2 * chance.randint(1, 3)))
        if chance.random() < 0.2:
            times[-1] = chance.randrange(0, times[0] + 1, 5) if times[0] else 24 * 60
        texts = [f"{at // 60:02}:{at % 60:02}" for at in times]
        hours[day] = [f"{texts[place]}-{texts[place + 1]}" for place in range(0, len(texts), 2)]
    return hours or {"mon": ["09:00-17:00"]}


@pytest.mark.parametrize("zone", WINDOWS)
def test_elapsed_and_due_agree_with_stepping_through_the_minutes(zone: str) -> None:
    chance = random.Random(zone)  # noqa: S311  # a seed, so that a failure comes back
    for year, month, day in WINDOWS[zone]:
        for hours in [*FIXED, *(random_hours(chance) for _ in range(6))]:
            special = date(year, month, day) + timedelta(days=chance.randint(-3, 3))
            dates = chance.choice([{}, {special: []}, {special: ["08:00-11:00"]}])
            compare(zone, hours, dates, datetime(year, month, day), chance)  # noqa: DTZ001


def compare(
    zone: str,
    hours: Mapping[str, Sequence[str]],
    dates: Mapping[date, Sequence[str]],
    around: datetime,
    chance: random.Random,
) -> None:
    oracle = MinuteOracle(zone, hours, dates, around - timedelta(days=HALF), 2 * HALF)
    try:
        calendar = business_calendar("support", zone, hours, dates)
    except ValueError as refused:
        assert "overlap" in str(refused)  # noqa: PT017  # a random night that runs into the next morning
        return
    last = len(oracle.open)
    # The first two days are left out: the night before the window is not in it.
    for _ in range(1500):
        start, end = sorted((chance.randrange(2880, last), chance.randrange(2880, last)))
        assert calendar.elapsed(oracle.at(start), oracle.at(end)) == oracle.elapsed(start, end), (
            zone, hours, dates, oracle.at(start), oracle.at(end),
        )  # fmt: skip
    for minute in range(2880, last):
        assert calendar.is_open(oracle.at(minute)) == oracle.open[minute], (
            zone,
            hours,
            dates,
            oracle.at(minute),
        )
    for _ in range(60):
        start, budget = chance.randrange(2880, last), chance.randrange(0, 2000)
        due = oracle.due(start, budget)
        if due is not None:
            assert calendar.due(oracle.at(start), Span(budget * MINUTE)) == oracle.at(due)
