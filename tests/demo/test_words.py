"""How the terminal names metrics, lengths, times and outcomes."""

from zoneinfo import ZoneInfo

import pytest

from engine.core.instants import DAY, HOUR, MINUTE, SECOND, Instant, Span, parse_instant
from engine.core.outcomes import NAMES
from engine.demo.words import outcome_sign
from engine.documents.words import away, clock_time, date_and_time, length, ordinal, owed

OSLO = ZoneInfo("Europe/Oslo")
NOW = parse_instant("2026-11-12T14:20:00+01:00")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (Span(40 * SECOND), "40 s"),
        (Span(9 * MINUTE), "9 min"),
        (Span(HOUR), "1 h"),
        (Span(70 * MINUTE), "1 h 10 min"),
        (Span(-4 * MINUTE), "4 min"),
        (Span(14 * DAY), "336 h"),
    ],
)
def test_lengths_are_hours_and_minutes_and_never_days(span: Span, words: str) -> None:
    assert length(span) == words


def test_wall_time_is_said_in_days_from_two_days_on() -> None:
    assert away(Span(2 * DAY - 1)) == "47 h 59 min"
    assert away(Span(2 * DAY)) == "2 days"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (Span(12 * MINUTE), "14:32"),
        (Span(-50 * MINUTE), "13:30"),
        (Span(DAY), "Fri 14:20"),
        (Span(7 * DAY), "19 Nov"),
    ],
)
def test_times_name_the_day_only_where_it_is_another(ahead: Span, words: str) -> None:
    assert clock_time(Instant(NOW + ahead), NOW, OSLO) == words


def test_the_heading_names_the_zone() -> None:
    assert date_and_time(NOW, OSLO) == "Thu 12 Nov 14:20 CET"


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (22, "22nd"), (112, "112th")],
)
def test_ordinals(number: int, words: str) -> None:
    assert ordinal(number) == words


@pytest.mark.parametrize(
    ("metric", "key", "text", "words"),
    [
        ("customer_update", "", "", "Next customer update"),
        ("commitment", "c-1", "fix deployed", "Promise: fix deployed"),
        ("commitment", "c-1", "", "Promise: c-1"),
        ("role", "incident_commander", "", "Role: incident commander"),
        ("vendor_reply", "", "", "Vendor reply"),
    ],
)
def test_what_is_owed_is_said_in_words(metric: str, key: str, text: str, words: str) -> None:
    assert owed(metric, key, text) == words


@pytest.mark.parametrize("name", NAMES)
def test_every_outcome_has_a_sign_in_ascii_and_a_word(name: str) -> None:
    sign = outcome_sign(name, "resolve")
    assert sign.sign.isascii()
    assert len(sign.sign) == 1
    assert sign.word
    assert "_" not in sign.word


def test_a_met_promise_is_kept() -> None:
    assert outcome_sign("met", "commitment").word == "kept"
    assert outcome_sign("met", "resolve").word == "met"
