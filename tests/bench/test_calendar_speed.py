"""Business time over nine months, as ratios in one run: to a bare bisection, and to walking the days."""

import timeit
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.core.instants import HOUR, Instant, Span, from_datetime, parse_instant
from plain_calendars import business_calendar

BERLIN = ZoneInfo("Europe/Berlin")
START, END = parse_instant("2026-01-05T10:00:00+01:00"), parse_instant("2026-10-05T15:13:00+02:00")
HOURS = [(time(9), time(12, 30)), (time(13, 30), time(18))]
CALENDAR = business_calendar(
    "support", "Europe/Berlin", {"mon-fri": [f"{opens:%H:%M}-{closes:%H:%M}" for opens, closes in HOURS]}
)


def walk_the_days(start: datetime, end: datetime) -> Span:
    """What most schedulers do: a loop over the dates with aware datetimes."""
    total, day = 0, start.date()
    while day <= end.date():
        if day.weekday() < 5:
            for opens, closes in HOURS:
                first = max(from_datetime(datetime.combine(day, opens, BERLIN)), from_datetime(start))
                last = min(from_datetime(datetime.combine(day, closes, BERLIN)), from_datetime(end))
                total += max(0, last - first)
        day += timedelta(days=1)
    return Span(total)


def micros(call: Callable[[], object], number: int) -> float:
    """The best of seven runs: the others measure the neighbours."""
    return min(timeit.repeat(call, number=number, repeat=7)) / number * 1e6


def test_elapsed_and_due_take_microseconds_over_nine_months() -> None:
    budget = CALENDAR.elapsed(START, END)
    start, end = (datetime.fromisoformat(text).astimezone(BERLIN) for text in (
        "2026-01-05T10:00:00+01:00", "2026-10-05T15:13:00+02:00",
    ))  # fmt: skip
    assert walk_the_days(start, end) == budget > 1500 * HOUR
    assert CALENDAR.due(START, budget) == END

    openings = list(range(0, 2_000_000, 1000))
    bisection = micros(lambda: bisect_right(openings, 777_777), 100_000)
    elapsed = micros(lambda: CALENDAR.elapsed(START, END), 50_000)
    due = micros(lambda: CALENDAR.due(START, budget), 50_000)
    walking = micros(lambda: walk_the_days(start, end), 20)
    print(
        f"\nelapsed {elapsed:.2f} µs = {elapsed / bisection:.1f} bisections,"
        f" {walking / elapsed:,.0f} times as"
        f" fast as walking the days ({walking:.0f} µs); due {due:.2f} µs = {due / bisection:.1f} bisections"
    )
    # Ratios, for they hold on a busy machine too. Measured: 3.5 and 4.2 bisections, 2,500 times.
    assert elapsed < 20 * bisection
    assert due < 20 * bisection
    assert walking / elapsed > 200


def test_the_time_does_not_grow_with_the_span() -> None:
    near = micros(lambda: CALENDAR.elapsed(START, Instant(START + 30 * HOUR)), 50_000)
    far = micros(lambda: CALENDAR.elapsed(START, Instant(START + 20 * 365 * 24 * HOUR)), 50_000)
    assert far < 3 * near
