"""The small languages inside the files: durations, targets and thresholds."""

import re
from typing import NamedTuple

from engine.core.instants import DAY, HOUR, MINUTE, SECOND, Span
from engine.core.policy import Threshold
from engine.policies.problems import Refused

LONGEST = Span(3650 * DAY)
DURATION_PATTERN = r"(?=[0-9])(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m)?(?:[0-9]+s)?"
_NAMED = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?", re.ASCII)
_BUSINESS_DAYS = re.compile(r"([0-9]{1,9})bd")
_BEFORE_DUE = re.compile(r"(\S+) before due")
_PERCENT = re.compile(r"([0-9]{1,6})%(?:\s*\+\s*(\S+))?")


class Amount(NamedTuple):
    """A duration as written: a span, or business days that a calendar has yet to give a length."""

    span: Span
    business_days: int = 0


class TargetText(NamedTuple):
    """`4h @support`: an amount and the name of the calendar that it counts on, empty for around the clock."""

    amount: Amount
    calendar: str
    text: str


def parse_duration(value: object, *, days: bool = True) -> Span:
    """`90s`, `15m`, `1h30m`, and `2d` where 24-hour days make sense. Refused for anything else."""
    expected = "a duration such as 90s, 15m, 4h, 1h30m" + (" or 2d" if days else "") + ", without decimals"
    match = _NAMED.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise Refused(expected)
    counts = [int(count or 0) for count in match.groups()]
    if counts[0] and not days:
        raise Refused("hours: 24-hour days mean nothing on a business calendar")
    total = sum(count * unit for count, unit in zip(counts, (DAY, HOUR, MINUTE, SECOND), strict=True))
    if total > LONGEST:
        raise Refused("at most 3650d")
    return Span(total)


def parse_positive(value: object, *, days: bool = True) -> Span:
    """A duration that is longer than nothing."""
    if not (length := parse_duration(value, days=days)):
        raise Refused("a duration longer than nothing")
    return length


def parse_target(value: object) -> TargetText:
    """`4h`, `4h @support`, `3bd @support`. Refused for anything else."""
    if not isinstance(value, str):
        raise Refused("a budget such as 4h, 4h @support or 3bd @support")
    text = " ".join(value.split())
    length, at, calendar = (part.strip() for part in text.partition("@"))
    if at and not calendar:
        raise Refused("the name of a calendar after @")
    if match := _BUSINESS_DAYS.fullmatch(length):
        if not calendar:
            raise Refused(f"a calendar for business days, such as {length} @support")
        if not 0 < int(match[1]) <= 3650:
            raise Refused("between 1bd and 3650bd")
        return TargetText(Amount(Span(0), int(match[1])), calendar, text)
    try:
        return TargetText(Amount(parse_positive(length, days=not calendar)), calendar, text)
    except Refused as refused:
        if not _NAMED.fullmatch(length):
            raise Refused("a budget such as 90s, 15m, 4h, 1h30m, 2d, 4h @support or 3bd @support") from None
        if "24-hour" in str(refused):
            raise Refused(
                "hours or bd on a business calendar, such as 16h @support or 2bd @support"
            ) from None
        raise


def parse_risk(value: object, *, days: bool = False) -> Threshold:
    """`75%` or `30m before due`: a point before the budget is used up."""
    expected = "a warning before the due time, such as 75% or 30m before due"
    if not isinstance(value, str):
        raise Refused(expected)
    text = " ".join(value.split())
    if match := _BEFORE_DUE.fullmatch(text):
        return Threshold(label=text, percent=100, offset=Span(-parse_positive(match[1], days=days)))
    match = _PERCENT.fullmatch(text)
    if match is None or match[2]:
        raise Refused(expected)
    if not 1 <= int(match[1]) <= 99:
        raise Refused("1% to 99%: 100% is the breach itself")
    return Threshold(label=f"{int(match[1])}%", percent=int(match[1]))


def parse_long_risk(value: object) -> Threshold:
    """A risk threshold of a clock that runs around the clock, where `1d before due` makes sense."""
    return parse_risk(value, days=True)


def parse_level(value: object) -> Threshold:
    """`75%`, `100%`, `100% + 2h` or `30m before due`: any point of a budget, and past it."""
    expected = "a point such as 75%, 100%, 100% + 2h or 30m before due"
    if not isinstance(value, str):
        raise Refused(expected)
    text = " ".join(value.split())
    if _BEFORE_DUE.fullmatch(text):
        return parse_risk(text)
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise Refused(expected)
    percent = int(match[1])
    if not 1 <= percent <= 1000:
        raise Refused("1% to 1000%")
    if not match[2]:
        return Threshold(label=f"{percent}%", percent=percent)
    return Threshold(
        label=f"{percent}% + {match[2]}", percent=percent, offset=parse_positive(match[2], days=False)
    )
