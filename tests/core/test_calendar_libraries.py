"""Second opinions: the dates of `holidays`, and the hours of `businesstimedelta` where it is right."""

import random
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import pytest
import pytz
from businesstimedelta import BusinessTimeDelta, HolidayRule, LunchTimeRule, Rules, WorkDayRule

from engine.core.instants import HOUR, MINUTE, Span, from_datetime, parse_instant
from engine.policies import load
from plain_calendars import business_calendar

pytestmark = pytest.mark.slow

YEARS = range(2024, 2029)


def span(delta: timedelta) -> Span:
    return Span(delta // timedelta(microseconds=1))


# -- holidays: which dates are closed ---------------------------------------------------------------

PLACES = [
    ("DE", "BY", "Europe/Berlin"),
    ("DE", "BE", "Europe/Berlin"),
    ("US", "NY", "America/New_York"),
    ("US", "HI", "Pacific/Honolulu"),
    ("GB", "SCT", "Europe/London"),
    ("AU", "VIC", "Australia/Melbourne"),
    ("NZ", "CIT", "Pacific/Chatham"),
    ("JP", "", "Asia/Tokyo"),
    ("IN", "KA", "Asia/Kolkata"),
    ("BR", "SP", "America/Sao_Paulo"),
    ("SA", "", "Asia/Riyadh"),
]


def closed_dates(folder: Path, country: str, subdivision: str, zone: str) -> set[date]:
    """The dates on which a calendar that opens every day does not, as a policy file asks for them."""
    place = f"country: {country}" + (f", subdivision: {subdivision}" if subdivision else "")
    folder.joinpath("calendar.yaml").write_text(
        f"calendar: shop\nzone: {zone}\nhours:\n  mon-sun: ['00:00-24:00']\nholidays: {{{place}}}\n"
    )
    calendar = load(folder).calendars["shop"]
    found = set()
    for day in dates():
        # The first and the last minute of the local date: a date that is off by the zone shows at once.
        ends = [
            calendar.is_open(from_datetime(datetime.combine(day, at, ZoneInfo(zone))))
            for at in (time(0, 0), time(23, 59))
        ]
        assert ends[0] == ends[1], day
        if not ends[0]:
            found.add(day)
    return found


def dates() -> Iterable[date]:
    day = date(YEARS[0], 1, 1)
    while day.year in YEARS:
        yield day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("country", "subdivision", "zone"), PLACES, ids=["-".join(filter(None, place[:2])) for place in PLACES]
)
def test_a_calendar_closes_on_the_holidays_of_its_place_and_on_no_other_date(
    country: str, subdivision: str, zone: str, tmp_path: Path
) -> None:
    expected = holidays.country_holidays(country, subdiv=subdivision or None, years=YEARS)
    assert len(expected) > 30
    assert closed_dates(tmp_path, country, subdivision, zone) == set(expected)


# Known from the calendars of these places, not from a library.
BY_HAND = [
    ("DE", "BY", "Europe/Berlin", date(2026, 1, 6), True, "Epiphany is a holiday in Bavaria"),
    ("DE", "BE", "Europe/Berlin", date(2026, 1, 6), False, "and not in Berlin"),
    ("DE", "BE", "Europe/Berlin", date(2026, 3, 8), True, "Berlin has the day of women"),
    ("DE", "BY", "Europe/Berlin", date(2026, 4, 6), True, "Easter of 2026 is the 5th of April"),
    ("US", "NY", "America/New_York", date(2026, 7, 3), True, "the 4th is a Saturday: the Friday before it"),
    ("US", "NY", "America/New_York", date(2026, 11, 26), True, "the fourth Thursday of November"),
    ("GB", "SCT", "Europe/London", date(2026, 1, 2), True, "Scotland has a second day of January"),
    ("AU", "VIC", "Australia/Melbourne", date(2026, 11, 3), True, "the Melbourne Cup, first Tuesday"),
    ("JP", "", "Asia/Tokyo", date(2026, 5, 6), True, "the 3rd is a Sunday: moved past the 4th and the 5th"),
]


@pytest.mark.parametrize(
    ("country", "subdivision", "zone", "day", "is_closed"),
    [pytest.param(*row[:5], id=f"{row[0]}-{row[1]} {row[3]}: {row[5]}") for row in BY_HAND],
)
def test_a_holiday_that_people_know_is_closed(
    country: str, subdivision: str, zone: str, day: date, is_closed: bool, tmp_path: Path
) -> None:
    assert (day in closed_dates(tmp_path, country, subdivision, zone)) is is_closed


# -- businesstimedelta: how much time is open --------------------------------------------------------

OFFICES = [
    ("Europe/Berlin", date(2026, 3, 16)),  # over the change of the clocks, which is at night
    ("America/New_York", date(2026, 10, 26)),
    ("Australia/Lord_Howe", date(2026, 3, 30)),
    ("Asia/Kathmandu", date(2026, 6, 1)),
]


@pytest.mark.parametrize(("zone", "first"), OFFICES, ids=[zone for zone, _ in OFFICES])
def test_daytime_hours_agree_with_businesstimedelta(zone: str, first: date) -> None:
    chance = random.Random(zone)  # noqa: S311  # a seed, so that a failure comes back
    closed = [first + timedelta(days=chance.randrange(21)) for _ in range(3)]
    there = pytz.timezone(zone)
    theirs = Rules(
        [
            WorkDayRule(time(9), time(18), [0, 1, 2, 3, 4], tz=there),
            LunchTimeRule(time(12, 30), time(13, 15), [0, 1, 2, 3, 4], tz=there),
            HolidayRule([*closed, date(2027, 1, 1)], tz=there),
        ]
    )
    ours = business_calendar(
        "office", zone, {"mon-fri": ["09:00-12:30", "13:15-18:00"]}, {day: [] for day in closed}
    )
    midnight = datetime.combine(first, time(0), ZoneInfo("UTC"))
    for _ in range(80):
        start, end = sorted(midnight + timedelta(minutes=chance.randrange(21 * 24 * 60)) for _ in range(2))
        assert ours.elapsed(from_datetime(start), from_datetime(end)) == span(
            theirs.difference(start, end).timedelta
        ), (closed, start, end)
        budget = timedelta(minutes=chance.randrange(1, 3_000))
        assert ours.due(from_datetime(start), span(budget)) == from_datetime(
            start + BusinessTimeDelta(theirs, timedelta=budget)
        ), (closed, start, budget)


def test_businesstimedelta_loses_a_night_after_midnight_and_the_index_does_not() -> None:
    """Open Monday to Friday from 22:00 to 06:00. Tuesday, 2 June 2026, from 03:00 to 07:00.

    Monday's night is open until Tuesday 06:00, so of the four hours the first three count: 06:00 - 03:00.
    businesstimedelta looks for the shift of Tuesday's own date, which opens at 22:00, and counts nothing.
    """
    start, end = "2026-06-02T03:00:00+02:00", "2026-06-02T07:00:00+02:00"
    ours = business_calendar("nights", "Europe/Berlin", {"mon-fri": ["22:00-06:00"]})
    assert ours.elapsed(parse_instant(start), parse_instant(end)) == 3 * HOUR

    theirs = WorkDayRule(time(22), time(6), [0, 1, 2, 3, 4], tz=pytz.timezone("Europe/Berlin"))
    found = theirs.difference(datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert found.timedelta == timedelta(0)


def test_businesstimedelta_opens_past_a_gap_in_the_clock_and_the_index_at_its_end() -> None:
    """Open from 02:30 to 10:00. Berlin, 29 March 2026: 02:00 (+01:00) is followed by 03:00 (+02:00).

    02:30 is not shown. The first instant after it is 03:00+02:00 = 01:00Z, the close is 10:00+02:00 = 08:00Z:
    7 hours. businesstimedelta takes 02:30+01:00 = 01:30Z, half an hour past the moment when the clock says
    that it is open: 6 hours and a half.
    """
    start, end = "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00+02:00"
    ours = business_calendar("early", "Europe/Berlin", {"mon-sun": ["02:30-10:00"]})
    assert ours.elapsed(parse_instant(start), parse_instant(end)) == 7 * HOUR

    theirs = WorkDayRule(time(2, 30), time(10), range(7), tz=pytz.timezone("Europe/Berlin"))
    found = theirs.difference(datetime.fromisoformat(start), datetime.fromisoformat(end))
    assert span(found.timedelta) == Span(6 * HOUR + 30 * MINUTE)
