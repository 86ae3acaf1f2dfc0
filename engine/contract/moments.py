"""Times as the contract writes them: RFC 3339 with an offset, between 1970 and 2200."""

from engine.core.instants import Instant, parse_instant

EARLIEST = Instant(0)
LATEST = parse_instant("2200-01-01T00:00:00Z")
"""A time past it is a sentinel or a slip; arithmetic on it would leave what a datetime can hold."""
_MAX_LENGTH = 64
"""The parser takes any number of digits after the second."""


def read_moment(text: str) -> Instant:
    """The instant of a time; what is finer than a microsecond is cut. ValueError says what was expected."""
    try:
        if len(text) > _MAX_LENGTH:
            raise ValueError
        at = parse_instant(text if text.endswith("Z") else text.upper())
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text[:40]!r} is no time; expected ISO 8601 with an offset, such as 2026-11-02T10:00:00Z"
        ) from None
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"{text[:40]!r} is out of range; expected a time from 1970 to 2199")
    return at
