"""Instants and spans: integer microseconds; datetimes exist only at the edges."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z."""

Span = NewType("Span", int)
"""A length of time in microseconds."""

MICROSECOND = Span(1)
MILLISECOND = Span(1_000)
SECOND = Span(1_000_000)
MINUTE = Span(60 * SECOND)
HOUR = Span(60 * MINUTE)
DAY = Span(24 * HOUR)

NEVER = Instant(2**62)
"""Later than every instant that can occur; sorts last."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime. ValueError for a naive one: its zone would be a guess."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no zone; expected an offset such as Z or +01:00")
    since = moment - _EPOCH
    return Instant((since.days * 86_400 + since.seconds) * SECOND + since.microseconds)  # `//` takes longer


def to_datetime(at: Instant) -> datetime:
    """The UTC datetime of an instant."""
    return _EPOCH + timedelta(microseconds=at)


def parse_instant(text: str) -> Instant:
    """The instant of an ISO 8601 time with an offset. ValueError where there is none."""
    return from_datetime(datetime.fromisoformat(text))


def format_instant(at: Instant) -> str:
    """ISO 8601 in UTC, `Z`, with a fraction only where there is one."""
    minute, rest = divmod(at, MINUTE)
    day, minute = divmod(minute, 24 * 60)
    second, fraction = divmod(rest, SECOND)
    if fraction:
        milli, micro = divmod(fraction, 1_000)  # by tables: a format such as `:06` takes as long as the rest
        return f"{_date(day)}{_MINUTES[minute]}{_SECONDS[second]}.{_THOUSANDS[milli]}{_THOUSANDS[micro]}Z"
    return f"{_date(day)}{_MINUTES[minute]}{_SECONDS[second]}Z"


@lru_cache(maxsize=4_096)
def _date(number: int) -> str:
    """The n-th day since 1970 as ISO 8601, with the T behind it."""
    return to_datetime(Instant(number * DAY)).isoformat()[:11]


_MINUTES = tuple(f"{minute // 60:02}:{minute % 60:02}:" for minute in range(24 * 60))
_SECONDS = tuple(f"{second:02}" for second in range(60))
_THOUSANDS = tuple(f"{number:03}" for number in range(1_000))


def time_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. ZoneInfoNotFoundError where there is none: a path, a folder of zones such
    as Europe and a name too long for a file are none either, though ZoneInfo has other errors for them."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        raise ZoneInfoNotFoundError(name) from None


def words(length: Span, *, days: bool = True) -> str:
    """`1h30m`; whole days from three on as `14d`, unless they are business hours."""
    if days and length and length % DAY == 0 and length >= 3 * DAY:
        return f"{length // DAY}d"
    text, rest = "", int(length)
    for unit, letter in ((HOUR, "h"), (MINUTE, "m"), (SECOND, "s")):
        count, rest = divmod(rest, unit)
        text += f"{count}{letter}" if count else ""
    return text or "0s"


def seconds(length: Span) -> float:
    """A span in seconds, as outcomes and metrics state it."""
    return length / SECOND
