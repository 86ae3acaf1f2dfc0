"""Times and spans as text, and back."""

import pytest

from engine.core.instants import DAY, HOUR, SECOND, Span, format_instant, parse_instant, words

WORDS = [
    # length in hours, beside business hours, in words
    (0, "0s", "0s"),
    (1.5, "1h30m", "1h30m"),
    (24, "24h", "24h"),
    (48, "48h", "48h"),
    (72, "3d", "72h"),
    (73, "73h", "73h"),
    (14 * 24, "14d", "336h"),
    (1 / 60 + 1 / 1200, "1m3s", "1m3s"),
]


@pytest.mark.parametrize(("hours", "text", "of_business"), WORDS)
def test_a_span_in_words_is_in_days_from_three_on_unless_its_days_are_no_whole_ones(
    hours: float, text: str, of_business: str
) -> None:
    length = Span(round(hours * HOUR))
    assert words(length) == text
    assert words(length, days=False) == of_business


def test_an_instant_is_written_in_utc_with_a_fraction_only_where_there_is_one() -> None:
    at = parse_instant("2026-03-29T03:00:07+02:00")
    assert format_instant(at) == "2026-03-29T01:00:07Z"
    assert format_instant(parse_instant("1969-12-31T23:59:59.000250Z")) == "1969-12-31T23:59:59.000250Z"
    assert at == parse_instant("1970-01-01T00:00:00Z") + 20541 * DAY + HOUR + 7 * SECOND


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2026-03-29T03:00:00 has no zone; expected an offset"):
        parse_instant("2026-03-29T03:00:00")
