"""How the terminal names things: outcomes, times of day, and what `engine.documents.words` names."""

from datetime import tzinfo
from typing import NamedTuple

from engine.core.instants import DAY, Instant, Span, to_datetime
from engine.documents.words import length

WEEK_VIEW = Span(6 * DAY)
"""Up to here a weekday says which day is meant; beyond, day and month do."""


class Sign(NamedTuple):
    """A state or an outcome as sign, word and colour: never colour alone."""

    sign: str
    word: str
    style: str


STATES = {
    "breached": Sign("!", "breached", "red"),
    "unknown": Sign("?", "unknown", "magenta"),
    "at_risk": Sign("^", "at risk", "yellow"),
    "running": Sign(".", "running", ""),
    "closed": Sign("z", "asleep", "bright_blue"),
    "paused": Sign("z", "asleep", "bright_blue"),
}

_OUTCOMES = {
    "breach_risk": Sign("^", "at risk", "yellow"),
    "breached": Sign("!", "breached", "red"),
    "met": Sign("+", "met", "green"),
    "stopped_late": Sign("!", "late", "red"),
    "cadence_missed": Sign("!", "missed", "red"),
    "commitment_missed": Sign("!", "missed", "red"),
    "overdue": Sign("!", "overdue", "red"),
    "escalated": Sign(">", "escalated", "yellow"),
    "cancelled": Sign("-", "cancelled", ""),
    "waived": Sign("-", "waived", ""),
    "amended": Sign("=", "amended", ""),
    "retracted": Sign("-", "retracted", "green"),
    "clock_started": Sign(".", "started", ""),
    "paused": Sign("z", "paused", "bright_blue"),
    "resumed": Sign(".", "resumed", ""),
    "classified": Sign(".", "classified", ""),
    "recurrence_detected": Sign("^", "recurs", "yellow"),
    "credit_exposed": Sign("!", "credit", "red"),
    "room_too_large": Sign("^", "too large", "yellow"),
    "source_behind": Sign("?", "unknown", "magenta"),
}


def outcome_sign(name: str, metric: str) -> Sign:
    """Sign, word and colour of an outcome; one that this version does not know shows its own name."""
    if name == "met" and metric == "commitment":
        return Sign("+", "kept", "green")
    return _OUTCOMES.get(name) or Sign(".", name.replace("_", " "), "")


def away(span: Span) -> str:
    """Wall time until or since something: as `length`, in days from two days on."""
    whole = abs(span)
    return f"{whole // DAY} days" if whole >= 2 * DAY else length(Span(whole))


def clock_time(at: Instant, now: Instant, zone: tzinfo) -> str:
    """`14:32` today, `Fri 08:50` within six days, else `26 Nov`; in the reader's zone."""
    moment, today = to_datetime(at).astimezone(zone), to_datetime(now).astimezone(zone)
    if moment.date() == today.date():
        return f"{moment:%H:%M}"
    return f"{moment:%a %H:%M}" if abs(at - now) <= WEEK_VIEW else f"{moment.day} {moment:%b}"


def date_and_time(at: Instant, zone: tzinfo) -> str:
    """`Thu 12 Nov 14:20 CET`."""
    moment = to_datetime(at).astimezone(zone)
    return f"{moment:%a} {moment.day} {moment:%b %H:%M} {moment.tzname()}"
