"""Every rule of business calendars, a row each, and what must hold of any calendar."""

# ruff: noqa: E501  # a row stays a row

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendars import AlwaysOpen, BusinessCalendar, CalendarError
from engine.core.hours import Hours, parse_days, parse_interval
from engine.core.instants import DAY, HOUR, MINUTE, NEVER, Instant, Span, format_instant, parse_instant
from engine.core.policy import Calendar
from plain_calendars import business_calendar, weekly

OFFICE = {"mon-fri": ["09:00-18:00"]}
LUNCH = {"mon-fri": ["09:00-12:30", "13:30-18:00"], "sat": ["10:00-14:00"]}
NIGHT = {"mon-fri": ["22:00-06:00"]}
CLOCK_ROUND = {"mon-fri": ["00:00-24:00"]}
EARLY = {"mon-sun": ["02:30-10:00"]}
LATE = {"mon-sun": ["00:00-02:30"]}
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"
SAO_PAULO, APIA, KATHMANDU, ST_JOHNS = (
    *("America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "America/St_Johns"),
)


def span(text: str) -> Span:
    hours, _, minutes = text.partition(":")
    return Span(int(hours) * HOUR + int(minutes) * MINUTE)


DUE = [
    # behaviour, zone, hours, start, budget, due; 2026-03-02 is a Monday
    ("inside hours", BERLIN, OFFICE, "2026-03-02T10:00+01:00", "2:00", "2026-03-02T12:00+01:00"),
    ("before the opening", BERLIN, OFFICE, "2026-03-02T07:00+01:00", "2:00", "2026-03-02T11:00+01:00"),
    ("after the close", BERLIN, OFFICE, "2026-03-02T20:00+01:00", "1:00", "2026-03-03T10:00+01:00"),
    ("on the weekend", BERLIN, OFFICE, "2026-03-07T12:00+01:00", "1:00", "2026-03-09T10:00+01:00"),
    ("exactly at a close is at the close", BERLIN, OFFICE, "2026-03-02T09:00+01:00", "9:00", "2026-03-02T18:00+01:00"),
    ("from the close to the next close", BERLIN, OFFICE, "2026-03-02T18:00+01:00", "9:00", "2026-03-03T18:00+01:00"),
    ("over the night", BERLIN, OFFICE, "2026-03-02T17:00+01:00", "2:00", "2026-03-03T10:00+01:00"),
    ("over the weekend", BERLIN, OFFICE, "2026-03-06T17:00+01:00", "2:00", "2026-03-09T10:00+01:00"),
    ("nothing outside hours is due at the start", BERLIN, OFFICE, "2026-03-07T12:34+01:00", "0:00", "2026-03-07T12:34+01:00"),
    ("over lunch", BERLIN, LUNCH, "2026-03-02T12:00+01:00", "1:00", "2026-03-02T14:00+01:00"),
    ("exactly at lunch", BERLIN, LUNCH, "2026-03-02T09:00+01:00", "3:30", "2026-03-02T12:30+01:00"),
    ("to a short Saturday", BERLIN, LUNCH, "2026-03-06T17:00+01:00", "2:00", "2026-03-07T11:00+01:00"),
    ("24:00 joins the days", "UTC", CLOCK_ROUND, "2026-03-02T12:00Z", "24:00", "2026-03-03T12:00Z"),
    ("24:00 on Friday ends the week", "UTC", CLOCK_ROUND, "2026-03-06T12:00Z", "13:00", "2026-03-09T01:00Z"),
    ("24:00 exactly is midnight", "UTC", CLOCK_ROUND, "2026-03-06T12:00Z", "12:00", "2026-03-07T00:00Z"),
    ("overnight", BERLIN, NIGHT, "2026-03-02T23:00+01:00", "2:00", "2026-03-03T01:00+01:00"),
    ("Friday's night runs into Saturday", BERLIN, NIGHT, "2026-03-06T23:00+01:00", "7:00", "2026-03-07T06:00+01:00"),
    ("Sunday has no night", BERLIN, NIGHT, "2026-03-08T23:00+01:00", "1:00", "2026-03-09T23:00+01:00"),
    ("Monday's small hours are Sunday's night", BERLIN, NIGHT, "2026-03-09T01:00+01:00", "1:00", "2026-03-09T23:00+01:00"),
    ("a spring Sunday has 23 h", BERLIN, {"sun": ["00:00-24:00"]}, "2026-03-28T12:00+01:00", "23:00", "2026-03-30T00:00+02:00"),
    ("an autumn Sunday has 25 h", BERLIN, {"sun": ["00:00-24:00"]}, "2026-10-25T00:00+02:00", "25:00", "2026-10-26T00:00+01:00"),
    ("a skipped opening is the first valid instant", BERLIN, EARLY, "2026-03-29T00:00+01:00", "1:00", "2026-03-29T04:00+02:00"),
    ("an opening shown twice is the first one", BERLIN, EARLY, "2026-10-25T00:00+02:00", "0:30", "2026-10-25T02:00+01:00"),
    ("a skipped close is the first valid instant", BERLIN, LATE, "2026-03-29T00:00+01:00", "2:00", "2026-03-29T03:00+02:00"),
    ("after a skipped close the next day", BERLIN, LATE, "2026-03-29T00:00+01:00", "3:00", "2026-03-30T01:00+02:00"),
    ("a close shown twice is the second one", BERLIN, LATE, "2026-10-25T00:00+02:00", "3:30", "2026-10-25T02:30+01:00"),
    ("a close at the first minute shown twice, too", BERLIN, {"sun": ["00:00-02:00"]}, "2026-10-25T00:00+02:00", "3:00", "2026-10-25T02:00+01:00"),
    ("hours inside the gap do not open", BERLIN, {"sun": ["02:10-02:50"]}, "2026-03-28T00:00+01:00", "0:40", "2026-04-05T02:50+02:00"),
    ("New York springs forward", NEW_YORK, EARLY, "2026-03-08T00:00-05:00", "1:00", "2026-03-08T04:00-04:00"),
    ("Lord Howe skips half an hour", LORD_HOWE, {"sun": ["01:00-04:00"]}, "2026-10-04T00:00+10:30", "2:30", "2026-10-04T04:00+11:00"),
    ("Lord Howe repeats half an hour", LORD_HOWE, {"sun": ["01:00-04:00"]}, "2026-04-05T00:00+11:00", "3:30", "2026-04-05T04:00+10:30"),
    ("São Paulo had no midnight", SAO_PAULO, {"sun": ["00:00-04:00"]}, "2018-11-03T12:00-03:00", "1:00", "2018-11-04T02:00-02:00"),
    ("Samoa had no 30 December", APIA, {"mon-sun": ["09:00-17:00"]}, "2011-12-29T16:00-10:00", "2:00", "2011-12-31T10:00+14:00"),
    ("Kathmandu counts in quarters", KATHMANDU, OFFICE, "2026-03-02T09:00+05:45", "9:00", "2026-03-02T18:00+05:45"),
    ("St John's counts in halves", ST_JOHNS, OFFICE, "2026-03-02T09:00-03:30", "9:00", "2026-03-02T18:00-03:30"),
    ("history works like the future", BERLIN, OFFICE, "2016-02-29T17:00+01:00", "2:00", "2016-03-01T10:00+01:00"),
    ("a year of hours ahead", BERLIN, OFFICE, "2026-03-02T09:00+01:00", "2358:00", "2027-03-02T18:00+01:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "hours", "start", "budget", "due"), [pytest.param(*row[1:], id=row[0]) for row in DUE]
)
def test_a_budget_is_due_where_its_open_time_has_passed(
    zone: str, hours: dict[str, list[str]], start: str, budget: str, due: str
) -> None:
    calendar = business_calendar("support", zone, hours)
    assert format_instant(calendar.due(parse_instant(start), span(budget))) == format_instant(
        parse_instant(due)
    )


@pytest.mark.parametrize(
    ("zone", "hours", "start", "budget", "due"), [pytest.param(*row[1:], id=row[0]) for row in DUE]
)
def test_the_time_elapsed_until_a_due_time_is_the_budget(
    zone: str, hours: dict[str, list[str]], start: str, budget: str, due: str
) -> None:
    calendar = business_calendar("support", zone, hours)
    assert calendar.elapsed(parse_instant(start), parse_instant(due)) == span(budget)


HOLIDAYS = [
    # behaviour, hours, dates, start, budget, due; 2026-12-24 is a Thursday
    ("a closed date is skipped", OFFICE, {date(2026, 12, 25): []}, "2026-12-24T17:00+01:00", "2:00", "2026-12-28T10:00+01:00"),
    ("a half day ends early", OFFICE, {date(2026, 12, 24): ["09:00-12:00"]}, "2026-12-24T11:00+01:00", "2:00", "2026-12-25T10:00+01:00"),
    ("an own date opens a weekend", OFFICE, {date(2026, 12, 26): ["10:00-12:00"]}, "2026-12-25T17:00+01:00", "2:00", "2026-12-26T11:00+01:00"),
    ("a holiday closes the night that opens on it", NIGHT, {date(2026, 12, 24): []}, "2026-12-24T20:00+01:00", "1:00", "2026-12-25T23:00+01:00"),
    ("a holiday leaves the night that opened before it", NIGHT, {date(2026, 12, 25): []}, "2026-12-25T01:00+01:00", "1:00", "2026-12-25T02:00+01:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "dates", "start", "budget", "due"), [pytest.param(*row[1:], id=row[0]) for row in HOLIDAYS]
)
def test_dates_of_their_own_win(
    hours: dict[str, list[str]], dates: dict[date, list[str]], start: str, budget: str, due: str
) -> None:
    calendar = business_calendar("support", BERLIN, hours, dates)
    assert calendar.due(parse_instant(start), span(budget)) == parse_instant(due)
    assert calendar.elapsed(parse_instant(start), parse_instant(due)) == span(budget)


def test_public_holidays_are_closed_and_an_own_date_wins_over_them() -> None:
    hours = Hours(
        weekly(OFFICE),
        dates={date(2027, 1, 1): (parse_interval("10:00-12:00"),)},
        holidays=lambda year: {date(year, 1, 1), date(year, 12, 25)},
        holidays_key="XX",
    )
    calendar = BusinessCalendar("support", ZoneInfo("UTC"), [hours])
    assert not calendar.is_open(parse_instant("2026-12-25T10:00Z"))
    assert calendar.is_open(parse_instant("2027-01-01T10:00Z"))
    assert not calendar.is_open(parse_instant("2027-01-01T13:00Z"))


def test_its_own_dates_end_with_the_last_year_that_has_any() -> None:
    closed = {date(2027, 5, 4): [], date(2026, 12, 31): []}
    calendar = business_calendar("support", BERLIN, OFFICE, closed)
    assert calendar.dates_end == parse_instant("2028-01-01T00:00:00+01:00")
    assert business_calendar("support", BERLIN, OFFICE, {}).dates_end is None


def test_a_version_counts_from_its_date_and_the_first_one_before_it_too() -> None:
    calendar = BusinessCalendar(
        "support",
        ZoneInfo("UTC"),
        [
            Hours(weekly({"mon-fri": ["08:00-16:00"]}), effective_from=date(2026, 7, 1)),
            Hours(weekly({"mon-fri": ["10:00-18:00"]}), effective_from=date(2026, 1, 1)),
            Hours(weekly({"mon-fri": ["06:00-14:00"]}), effective_from=date(2026, 10, 1)),
        ],
    )
    assert calendar.next_opening(parse_instant("2025-03-03T00:00Z")) == parse_instant("2025-03-03T10:00Z")
    assert calendar.next_opening(parse_instant("2026-06-30T00:00Z")) == parse_instant("2026-06-30T10:00Z")
    assert calendar.next_opening(parse_instant("2026-07-01T00:00Z")) == parse_instant("2026-07-01T08:00Z")
    assert calendar.next_opening(parse_instant("2026-09-30T00:00Z")) == parse_instant("2026-09-30T08:00Z")
    assert calendar.next_opening(parse_instant("2026-10-01T00:00Z")) == parse_instant("2026-10-01T06:00Z")
    assert calendar.next_opening(parse_instant("2027-03-01T00:00Z")) == parse_instant("2027-03-01T06:00Z")


BUSINESS_DAYS = [
    ("the commonest weekday", {"mon-thu": ["09:00-15:00"], "fri": ["09:00-17:00"]}, "6:00"),
    ("of equals the longest", {"mon-tue": ["09:00-17:00"], "wed-thu": ["09:00-13:00"]}, "8:00"),
    ("breaks do not count", LUNCH, "8:00"),
    ("overnight", NIGHT, "8:00"),
    ("closed days do not vote", {"mon": ["09:00-12:00"]}, "3:00"),
]


@pytest.mark.parametrize(("hours", "length"), [pytest.param(*row[1:], id=row[0]) for row in BUSINESS_DAYS])
def test_a_business_day_is_the_open_time_of(hours: dict[str, list[str]], length: str) -> None:
    assert business_calendar("support", "UTC", hours).business_day == span(length)


def test_a_business_day_that_is_stated_wins() -> None:
    assert business_calendar("support", "UTC", OFFICE, business_day=Span(6 * HOUR)).business_day == 6 * HOUR


QUESTIONS = [
    # at, is it open, next opening, closes
    ("2026-03-02T08:59Z", False, "2026-03-02T09:00Z", "2026-03-02T08:59Z"),
    ("2026-03-02T09:00Z", True, "2026-03-02T09:00Z", "2026-03-02T18:00Z"),
    ("2026-03-02T17:59Z", True, "2026-03-02T17:59Z", "2026-03-02T18:00Z"),
    ("2026-03-02T18:00Z", False, "2026-03-03T09:00Z", "2026-03-02T18:00Z"),
    ("2026-03-06T18:00Z", False, "2026-03-09T09:00Z", "2026-03-06T18:00Z"),
]


@pytest.mark.parametrize(("at", "is_open", "opening", "closing"), QUESTIONS)
def test_openings_hold_their_first_instant_and_not_their_last(
    at: str, is_open: bool, opening: str, closing: str
) -> None:
    calendar = business_calendar("support", "UTC", OFFICE)
    assert calendar.is_open(parse_instant(at)) is is_open
    assert calendar.next_opening(parse_instant(at)) == parse_instant(opening)
    assert calendar.closes(parse_instant(at)) == parse_instant(closing)


def test_days_that_touch_are_one_opening() -> None:
    calendar = business_calendar("support", "UTC", CLOCK_ROUND)
    assert calendar.closes(parse_instant("2026-03-02T12:00Z")) == parse_instant("2026-03-07T00:00Z")
    assert calendar.closes(parse_instant("2026-12-31T12:00Z")) == parse_instant("2027-01-02T00:00Z")


def test_an_opening_over_the_end_of_the_index_closes_where_it_does() -> None:
    """After the first question the index ends with Monday, 31 December 2029; open it is until Friday."""
    calendar = business_calendar("support", "UTC", CLOCK_ROUND)
    assert calendar.is_open(parse_instant("2028-06-01T12:00Z"))
    assert calendar.horizon == parse_instant("2030-01-01T00:00Z")
    assert calendar.closes(parse_instant("2029-12-31T12:00Z")) == parse_instant("2030-01-05T00:00Z")


def test_hours_without_a_break_never_close() -> None:
    calendar = business_calendar("support", "UTC", {"mon-sun": ["00:00-24:00"]})
    assert calendar.closes(parse_instant("2026-03-02T12:00Z")) == NEVER
    assert calendar.due(parse_instant("2026-03-02T12:00Z"), Span(400 * DAY)) == parse_instant(
        "2027-04-06T12:00Z"
    )


REFUSED = [
    ("no hours at all", {}, "never opens"),
    ("weekdays without hours", {"mon": []}, "never opens"),
    ("hours that overlap", {"mon": ["09:00-12:00", "11:00-14:00"]}, "mon and mon overlap"),
    (
        "a night into the next morning",
        {"mon": ["22:00-06:00"], "tue": ["05:00-09:00"]},
        "mon and tue overlap",
    ),
    (
        "a night from Sunday to Monday",
        {"sun": ["22:00-06:00"], "mon": ["05:00-09:00"]},
        "sun and mon overlap",
    ),
]


@pytest.mark.parametrize(("hours", "message"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_a_calendar_is_refused_for(hours: dict[str, list[str]], message: str) -> None:
    with pytest.raises(CalendarError, match=message):
        business_calendar("support", "UTC", hours)


def test_versions_that_dispute_the_business_day_are_refused_unless_one_is_stated() -> None:
    versions = [Hours(weekly(OFFICE)), Hours(weekly(LUNCH), effective_from=date(2026, 1, 1))]
    with pytest.raises(CalendarError, match="differ in their business day"):
        BusinessCalendar("support", ZoneInfo("UTC"), versions)
    assert BusinessCalendar("support", ZoneInfo("UTC"), versions, Span(8 * HOUR)).business_day == 8 * HOUR


@pytest.mark.parametrize(
    "text",
    [
        "9:00-17:00",
        "09:00",
        "09:00-25:00",
        "09:00-12:60",
        "09:00-09:00",
        "24:00-06:00",
        "09:00_17:00",
        "a-b",
        "-",
        "",
    ],
)
def test_an_interval_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HH:MM|24:00"):
        parse_interval(text)


def test_weekdays_may_run_over_the_end_of_the_week() -> None:
    assert parse_days("sun-thu") == (6, 0, 1, 2, 3)
    assert parse_days("Mon") == (0,)


@pytest.mark.parametrize("text", ["mon-", "-fri", "monday", "mon-fry", ""])
def test_weekdays_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="weekday"):
        parse_days(text)


def test_a_weekday_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="fri is given twice"):
        weekly({"mon-fri": ["09:00-17:00"], "fri": ["09:00-12:00"]})


CHANGES = {
    "the zone": business_calendar("support", "Europe/Vienna", OFFICE),
    "the hours": business_calendar("support", BERLIN, LUNCH),
    "when they begin": BusinessCalendar(
        "support", ZoneInfo(BERLIN), [Hours(weekly(OFFICE), effective_from=date(2026, 1, 1))]
    ),
    "a date": business_calendar("support", BERLIN, OFFICE, {date(2026, 1, 5): []}),
    "the business day": business_calendar("support", BERLIN, OFFICE, business_day=Span(HOUR)),
    "the holidays": BusinessCalendar(
        "support", ZoneInfo(BERLIN), [Hours(weekly(OFFICE), holidays=lambda year: (), holidays_key="DE")]
    ),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_the_version_changes_with(changed: str) -> None:
    assert CHANGES[changed].version != business_calendar("support", BERLIN, OFFICE).version


def test_the_version_does_not_depend_on_the_name_or_on_what_was_asked() -> None:
    asked = business_calendar("other", BERLIN, {"fri": ["09:00-18:00"], "mon-thu": ["09:00-18:00"]})
    asked.due(parse_instant("2016-01-01T00:00Z"), Span(3000 * HOUR))
    assert asked.version == business_calendar("support", BERLIN, OFFICE).version


def test_the_horizon_moves_with_the_questions_and_the_answers_stay() -> None:
    calendar, fresh = (business_calendar("support", BERLIN, OFFICE) for _ in range(2))
    start, budget = parse_instant("2026-03-02T10:00+01:00"), Span(100 * HOUR)
    answer = calendar.due(start, budget)
    horizon = calendar.horizon
    assert calendar.elapsed(parse_instant("2016-03-01T00:00Z"), parse_instant("2031-03-01T00:00Z")) > 0
    assert calendar.horizon > horizon
    assert calendar.due(start, budget) == answer == fresh.due(start, budget)


def test_a_question_about_a_time_that_does_not_occur_is_refused_by_name() -> None:
    calendar = business_calendar("support", BERLIN, OFFICE)
    with pytest.raises(CalendarError, match="support"):
        calendar.elapsed(Instant(0), NEVER)
    with pytest.raises(CalendarError, match="1900 to 2400"):
        calendar.due(Instant(0), Span(10**7 * HOUR))


def test_always_open_counts_time() -> None:
    calendar: Calendar = AlwaysOpen()
    start = parse_instant("2026-03-07T12:00Z")
    assert calendar.elapsed(start, Instant(start + 5)) == 5
    assert calendar.elapsed(start, Instant(start - 5)) == 0
    assert calendar.due(start, Span(7)) == start + 7
    assert calendar.due(start, Span(0)) == start
    assert calendar.is_open(start)
    assert calendar.next_opening(start) == start
    assert calendar.closes(start) == NEVER


# What holds of any calendar

instants = st.datetimes(datetime(2014, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: Instant(int(moment.timestamp()) * 1_000_000 + moment.microsecond)
)
spans = st.integers(0, 3000 * HOUR).map(Span)
CALENDARS = [
    business_calendar(
        "office", BERLIN, OFFICE, {date(2026, 12, 24): ["09:00-12:00"], date(2026, 12, 25): []}
    ),
    business_calendar("lunch", NEW_YORK, LUNCH),
    business_calendar("night", LORD_HOWE, {"mon-sun": ["22:00-06:00"]}),
    business_calendar("weekdays", ST_JOHNS, CLOCK_ROUND),
    business_calendar("early", KATHMANDU, EARLY),
    AlwaysOpen(),
]
calendars = st.sampled_from(CALENDARS)


@settings(deadline=None)
@given(calendars, instants, spans)
def test_due_is_the_inverse_of_elapsed(calendar: Calendar, start: Instant, budget: Span) -> None:
    due = calendar.due(start, budget)
    assert calendar.elapsed(start, due) == budget
    assert budget == 0 or calendar.elapsed(start, Instant(due - 1)) == budget - 1  # the first such instant


@settings(deadline=None)
@given(calendars, instants, instants, instants)
def test_elapsed_adds_up(calendar: Calendar, one: Instant, two: Instant, three: Instant) -> None:
    first, middle, last = sorted((one, two, three))
    whole = calendar.elapsed(first, last)
    assert whole == calendar.elapsed(first, middle) + calendar.elapsed(middle, last)
    assert 0 <= whole <= last - first


@settings(deadline=None)
@given(calendars, instants, spans, spans)
def test_budgets_add_up(calendar: Calendar, start: Instant, one: Span, two: Span) -> None:
    assert calendar.due(calendar.due(start, one), two) == calendar.due(start, Span(one + two))


@settings(deadline=None)
@given(calendars, instants)
def test_openings_agree_with_the_time_that_passes_in_them(calendar: Calendar, at: Instant) -> None:
    assert calendar.is_open(at) == (calendar.elapsed(at, Instant(at + 1)) == 1)
    opening = calendar.next_opening(at)
    assert opening >= at
    assert calendar.is_open(opening)
    assert calendar.elapsed(at, opening) == 0
    closing = calendar.closes(opening)
    if closing != NEVER:
        assert not calendar.is_open(closing)
        assert calendar.elapsed(opening, closing) == closing - opening


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(CALENDARS[:-1]), instants, spans), max_size=8), st.randoms())
def test_answers_do_not_depend_on_the_order_of_the_questions(questions: list, random) -> None:  # type: ignore[no-untyped-def,type-arg]
    answers = {}
    for calendar, start, budget in questions:
        answers[(calendar.name, start, budget)] = calendar.due(start, budget)
    random.shuffle(questions)
    fresh: dict[str, BusinessCalendar] = {}
    for calendar, start, budget in questions:
        same = fresh.setdefault(
            calendar.name,
            BusinessCalendar(calendar.name, ZoneInfo(calendar.zone), calendar.versions),
        )
        assert same.due(start, budget) == answers[(calendar.name, start, budget)]


@pytest.mark.parametrize(("start", "end"), [("2026-07-01", "2120-07-01"), ("1990-07-02", "2026-07-09")])
def test_a_span_that_reaches_beyond_what_was_asked_before_is_counted_whole(start: str, end: str) -> None:
    asked = business_calendar("support", BERLIN, OFFICE)
    asked.elapsed(parse_instant("2026-07-01T00:00Z"), parse_instant("2026-07-02T00:00Z"))
    span_of = parse_instant(f"{start}T00:00Z"), parse_instant(f"{end}T00:00Z")
    assert asked.elapsed(*span_of) == business_calendar("support", BERLIN, OFFICE).elapsed(*span_of)


@pytest.mark.parametrize(("years", "closes"), [(35, True), (60, False)])
def test_whether_a_long_opening_ends_is_told_the_same_whatever_was_asked_before(
    years: int, closes: bool
) -> None:
    always = Hours(weekly({"mon-sun": ["00:00-24:00"]}), {})
    office = Hours(weekly(OFFICE), {}, effective_from=date(2026 + years, 1, 1))
    asked = parse_instant("2026-07-01T00:00Z")
    answers = set()
    for before in (None, f"{2026 + years}-07-01T00:00Z", "2120-07-01T00:00Z"):
        calendar = BusinessCalendar("support", ZoneInfo("UTC"), [always, office], Span(8 * HOUR))
        if before is not None:
            calendar.elapsed(asked, parse_instant(before))
        answers.add(calendar.closes(asked))
    (answer,) = answers
    assert answer == (parse_instant(f"{2026 + years}-01-01T00:00Z") if closes else NEVER)


def test_the_core_reads_no_clock() -> None:
    for module in ("calendars", "hours", "matching"):
        source = (Path(__file__).parents[2] / "engine" / "core" / f"{module}.py").read_text()
        assert ".now(" not in source
        assert "today(" not in source
        assert "import time" not in source
