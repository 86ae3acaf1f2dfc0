"""Months and weeks of a zone, and which of them a report covers."""

from datetime import date

import pytest
from small_archives import archive, escalation

from engine.core.instants import HOUR, format_instant, parse_instant
from engine.documents.trend import Asked, TrendRefused, trend
from engine.documents.trend.periods import MOST_PERIODS, Grid, parse_day


def edges(by: str, zone: str, start: str, end: str) -> list[str]:
    found = Grid(by, zone).periods(date.fromisoformat(start), date.fromisoformat(end))
    return [format_instant(one.start) for one in found] + [format_instant(found[-1].end)]


@pytest.mark.parametrize(
    ("by", "zone", "start", "end", "expected"),
    [
        ("month", "UTC", "2026-01-01", "2026-03-01", ["01-01T00", "02-01T00", "03-01T00"]),
        ("month", "Europe/Oslo", "2026-03-01", "2026-05-01", ["02-28T23", "03-31T22", "04-30T22"]),
        ("week", "America/New_York", "2026-03-02", "2026-03-16", ["03-02T05", "03-09T04", "03-16T04"]),
        ("week", "America/Sao_Paulo", "2018-10-29", "2018-11-12", ["10-29T03", "11-05T02", "11-12T02"]),
    ],
)
def test_a_period_begins_at_midnight_of_its_zone(
    by: str, zone: str, start: str, end: str, expected: list[str]
) -> None:
    assert [edge[5:13] for edge in edges(by, zone, start, end)] == expected


def test_a_day_whose_midnight_is_skipped_begins_at_its_first_instant() -> None:
    assert Grid("month", "America/Sao_Paulo").midnight(date(2018, 11, 4)) == parse_instant(
        "2018-11-04T03:00:00Z"
    )


def test_a_week_over_a_change_of_clocks_has_an_hour_less() -> None:
    [week] = Grid("week", "Europe/Oslo").periods(date(2026, 3, 23), date(2026, 3, 30))
    assert week.end - week.start == 167 * HOUR


def covered(asked: Asked, *opened: str) -> tuple[str, str, str, int]:
    rows = [escalation(f"desk:{n}", parse_instant(f"{at}Z")) for n, at in enumerate(opened)]
    with archive(rows) as connection:
        got = trend(connection, asked)
    return got.whole.day, got.whole.last_day, got.before.day if got.before else "", len(got.periods)


def test_periods_are_whole_and_compared_with_as_many_before() -> None:
    asked = Asked("month", "UTC", date(2026, 3, 17), date(2026, 5, 2))
    assert covered(asked, "2025-04-01T00:00:00") == ("2026-03-01", "2026-05-31", "2025-12-01", 3)
    asked = Asked("week", "UTC", date(2026, 3, 4), date(2026, 3, 9))
    assert covered(asked, "2026-02-24T00:00:00") == ("2026-03-02", "2026-03-08", "2026-02-23", 1)


def test_what_the_archive_begins_after_is_not_compared_with() -> None:
    asked = Asked("month", "UTC", date(2026, 3, 1), date(2026, 5, 1))
    assert covered(asked, "2026-03-01T00:00:00")[2] == ""
    with archive([escalation("desk:1", parse_instant("2026-02-03T00:00:00Z"))]) as connection:
        got = trend(connection, asked)
    assert [one.day for one in got.earlier] == ["2026-02-01"]
    assert got.before is not None
    assert got.before.opened["all"] == 1


def test_unasked_the_report_covers_what_the_archive_has_of_the_last_twelve_periods() -> None:
    assert covered(Asked(), "2026-03-03T00:00:00", "2026-05-31T23:59:59")[:2] == ("2026-03-01", "2026-05-31")
    assert covered(Asked(), "2020-03-03T00:00:00", "2026-05-31T23:59:59")[:2] == ("2025-06-01", "2026-05-31")


def test_a_period_that_the_archive_does_not_reach_the_end_of_is_incomplete() -> None:
    rows = [
        escalation(
            "desk:1", parse_instant("2026-03-03T00:00:00Z"), last=parse_instant("2026-04-02T00:00:00Z")
        )
    ]
    with archive(rows) as connection:
        got = trend(connection, Asked())
    assert [(one.day, one.complete) for one in got.periods] == [("2026-03-01", True), ("2026-04-01", False)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(by="day"), "periods by 'day': expected month or week"),
        (Asked(zone="Europe/Olso"), "zone 'Europe/Olso': expected an IANA name such as Europe/Oslo"),
        (Asked(zone="../etc/passwd"), "expected an IANA name"),
        (Asked(start=date(2027, 1, 1)), "expected a beginning before the end"),
        (Asked("week", "UTC", date(1990, 1, 1)), f"expected at most {MOST_PERIODS} weeks"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_was_expected(asked: Asked, expected: str) -> None:
    rows = [escalation("desk:1", parse_instant("2026-03-03T00:00:00Z"))]
    with archive(rows) as connection, pytest.raises(TrendRefused, match=expected):
        trend(connection, asked)


def test_an_archive_of_nothing_is_refused() -> None:
    with archive([]) as connection, pytest.raises(TrendRefused, match="nothing was ever opened"):
        trend(connection, Asked())


def test_a_day_is_a_date_or_a_month() -> None:
    assert parse_day("2026-10") == date(2026, 10, 1)
    assert parse_day("2026-10-05") == date(2026, 10, 5)
    for wrong in ("2026", "2026-13", "5.10.2026", "20261005x"):
        with pytest.raises(TrendRefused, match="expected such as 2026-10-01"):
            parse_day(wrong)
    for wrong in ("0001-01-01", "9999-12-31"):
        with pytest.raises(TrendRefused, match="expected a day from 1970 to 8999"):
            parse_day(wrong)
