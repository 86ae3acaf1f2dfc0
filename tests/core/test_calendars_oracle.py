"""The calendar index against an independent oracle that steps through the minutes, in every IANA zone.

`make soak` asks a million questions. VIGIL_ORACLE_ONLY='Europe/Berlin 7' asks those of one window.
"""

import os
import random
from collections.abc import Callable
from datetime import date
from itertools import count

import pytest
from calendar_comparison import Mismatch, Window, changes, distinct_zones, every
from calendar_oracle import Schedule

from engine.core.calendars import BusinessCalendar
from engine.core.hours import WEEKDAYS
from engine.core.instants import Instant, Span

pytestmark = pytest.mark.slow

COMPARISONS = int(os.environ.get("VIGIL_ORACLE_COMPARISONS", "4500"))
ONLY = os.environ.get("VIGIL_ORACLE_ONLY", "")

NOT_BY_THE_HOUR = [
    # Their clocks stand at halves and quarters of an hour, or change by half an hour.
    "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Australia/Adelaide", "Australia/Eucla",
    "Australia/Lord_Howe", "America/St_Johns", "America/Caracas", "Pacific/Chatham", "Pacific/Marquesas",
]  # fmt: skip

WINDOWS = [
    # zone, a day on which its clocks change or something else is special
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour twice
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # half an hour skipped
    ("America/St_Johns", date(2006, 4, 2)),  # at one minute past midnight
    ("America/St_Johns", date(2006, 10, 29)),
    ("Asia/Kathmandu", date(1986, 1, 1)),  # by a quarter of an hour, for good
    ("America/Sao_Paulo", date(2018, 11, 4)),  # no midnight
    ("America/Sao_Paulo", date(2019, 2, 17)),
    ("Pacific/Apia", date(2011, 12, 30)),  # not a day at all
]
FIXED = [
    every(WEEKDAYS, ["22:00-06:00"]),
    every(WEEKDAYS, ["00:00-02:30", "02:30-10:00", "13:30-18:00"]),
    every(WEEKDAYS, ["01:45-02:15", "02:15-02:20", "02:45-03:00", "09:00-12:30"]),
]


@pytest.mark.skipif(not ONLY, reason="VIGIL_ORACLE_ONLY names no window")
def test_the_window_that_was_asked_for_agrees_with_stepping_through_the_minutes() -> None:
    zone, seed = ONLY.split()
    assert Window.drawn(zone, int(seed)).compare(max(10_000, COMPARISONS // 1000)) > 0


@pytest.mark.skipif(bool(ONLY), reason="VIGIL_ORACLE_ONLY names a window")
def test_random_calendars_agree_with_stepping_through_the_minutes_in_every_zone() -> None:
    a_window = max(150, COMPARISONS // 1000)
    zones = distinct_zones()
    random.Random("zones").shuffle(zones)  # noqa: S311  # the short form asks some of them, always the same
    zones = distinct_zones([*NOT_BY_THE_HOUR, *zones])
    compared, windows, changing = 0, 0, 0
    for seed in count():
        for zone in zones:
            window = Window.drawn(zone, seed)
            compared += window.compare(a_window)
            windows += 1
            changing += window.day in changes(zone, window.day.year)
            if compared >= COMPARISONS:
                print(f"{compared:,} comparisons in {windows:,} windows of {min(windows, len(zones))} zones,",
                      f"{changing:,} of them around a change of the clocks")  # fmt: skip
                assert changing > windows / 5
                return


@pytest.mark.parametrize(("zone", "day"), WINDOWS, ids=[f"{zone} {day}" for zone, day in WINDOWS])
def test_hours_around_the_moment_of_a_change_agree_with_stepping_through_the_minutes(
    zone: str, day: date
) -> None:
    for place, hours in enumerate(FIXED):
        Window(f"{zone} {day} fixed {place}", zone, [Schedule(hours)], day).compare(100)


def test_the_zones_are_all_there_and_half_hours_are_among_them() -> None:
    zones = distinct_zones(NOT_BY_THE_HOUR)
    assert len(zones) > 300
    assert len(set(zones)) == len(zones)
    assert zones[: len(NOT_BY_THE_HOUR)] == NOT_BY_THE_HOUR


# -- that the comparison bites: each row is a mistake that one could make ------------------------

instant, due, elapsed, is_open = (
    BusinessCalendar._instant, BusinessCalendar.due, BusinessCalendar.elapsed, BusinessCalendar.is_open,
)  # fmt: skip


def closing_at_its_first_occurrence(self: BusinessCalendar, day: date, minutes: int, fold: int) -> int:
    return instant(self, day, minutes, 0)


def opening_at_its_second_occurrence(self: BusinessCalendar, day: date, minutes: int, fold: int) -> int:
    return instant(self, day, minutes, 1)


def due_at_the_next_opening_instead_of_the_close(
    self: BusinessCalendar, start: Instant, budget: Span
) -> Instant:
    at = due(self, start, budget)
    return at if budget <= 0 or is_open(self, at) else self.next_opening(at)


def the_minute_of_the_close_still_open(self: BusinessCalendar, at: Instant) -> bool:
    return is_open(self, at) or is_open(self, Instant(at - 1))


def a_microsecond_too_much(self: BusinessCalendar, start: Instant, end: Instant) -> Span:
    return elapsed(self, start, Instant(end + 1))


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("name", "mistake"),
    [
        ("_instant", closing_at_its_first_occurrence),
        ("_instant", opening_at_its_second_occurrence),
        ("due", due_at_the_next_opening_instead_of_the_close),
        ("is_open", the_minute_of_the_close_still_open),
        ("elapsed", a_microsecond_too_much),
    ],
)
def test_the_oracle_finds_a_planted_mistake(
    name: str, mistake: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BusinessCalendar, name, mistake)
    schedule = Schedule(every(WEEKDAYS, ["02:15-02:45", "22:00-23:00"]))
    with pytest.raises(Mismatch, match="VIGIL_ORACLE_ONLY"):
        Window("planted", "Europe/Berlin", [schedule], date(2026, 10, 25)).compare(1_000)
