"""How people read what is owed, and lengths of time: in documents and in the terminal."""

from datetime import tzinfo

from engine.core.instants import DAY, HOUR, MINUTE, SECOND, Instant, Span, to_datetime

WEEK_VIEW = Span(6 * DAY)
"""Up to here a weekday says which day is meant; beyond, day and month do."""

_METRICS = {
    "triage": "Triage",
    "acknowledge": "Acknowledge",
    "first_response": "First answer to customer",
    "next_response": "Answer to last message",
    "contact": "Name a single contact",
    "resolve": "Resolution",
    "confirm": "Customer confirms the fix",
    "customer_update": "Next customer update",
    "internal_update": "Next internal update",
    "executive_update": "Next executive update",
    "rca_summary": "RCA summary",
    "rca_final": "RCA final report",
    "pir": "Post-incident review",
    "flag_recurrence": "Flag recurring pattern",
}
_TITLED = {"commitment": "Promise", "action": "Action item", "role": "Role"}


def owed(metric: str, key: str = "", text: str = "") -> str:
    """What is owed, as a person says it: `Next customer update`, `Promise: fix deployed`."""
    if metric in _TITLED:
        return f"{_TITLED[metric]}: {unended(text) or key.replace('_', ' ')}"
    return _METRICS.get(metric) or metric.replace("_", " ").capitalize()


def was_owed(metric: str, key: str = "", text: str = "") -> str:
    """The same of what lies behind us: `Customer update`."""
    name = owed(metric, key, text)
    return name.removeprefix("Next ").capitalize() if name.startswith("Next ") else name


def length(span: Span) -> str:
    """`40 s`, `9 min`, `1 h 10 min`, `334 h`: hours and never days, for a business day is no day."""
    whole = abs(span)
    if whole < MINUTE:
        return f"{whole // SECOND} s"
    hours, minutes = divmod(whole // MINUTE, 60)
    if hours >= 100 or (hours and not minutes):
        return f"{hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def lasted(span: Span) -> str:
    """Wall time that something took: as `length`, from two days on `49 days 22 h`."""
    days, rest = divmod(abs(span), DAY)
    if days < 2:
        return length(span)
    hours = length(Span(rest // HOUR * HOUR))
    return f"{days} days {hours}" if rest >= HOUR else f"{days} days"


def away(span: Span) -> str:
    """Wall time until or since something: as `length`, in days from two days on."""
    whole = abs(span)
    return f"{whole // DAY} days" if whole >= 2 * DAY else length(Span(whole))


def clock_time(at: Instant, now: Instant, zone: tzinfo) -> str:
    """`14:32` today, `Fri 08:50` within six days, else `26 Nov`, `1 Jan 2030`; in the reader's zone."""
    moment, today = to_datetime(at).astimezone(zone), to_datetime(now).astimezone(zone)
    if moment.date() == today.date():
        return f"{moment:%H:%M}"
    if abs(at - now) <= WEEK_VIEW:
        return f"{moment:%a %H:%M}"
    return f"{moment.day} {moment:%b}" + (f" {moment.year}" if moment.year != today.year else "")


def when(at: Instant, now: Instant, zone: tzinfo) -> str:
    """As `clock_time`, and beyond six days with the hour, unless it is of another year."""
    local = to_datetime(at).astimezone(zone)
    is_day = abs(at - now) > WEEK_VIEW and local.year == to_datetime(now).astimezone(zone).year
    return clock_time(at, now, zone) + (f" {local:%H:%M}" if is_day else "")


def date_and_time(at: Instant, zone: tzinfo) -> str:
    """`Thu 12 Nov 14:20 CET`."""
    moment = to_datetime(at).astimezone(zone)
    return f"{moment:%a} {moment.day} {moment:%b %H:%M} {moment.tzname()}"


def due_words(state: str, due: Instant | None, left: Span, now: Instant) -> str:
    """`in 12 min`, `over by 4 min`, `due 9 min ago`; a clock asleep says what is left of its own hours."""
    if state in ("closed", "paused") or due is None:
        return f"{length(left)} left" if left >= 0 else f"over by {length(left)}"
    behind = Span(now - due)
    if state == "unknown" and behind >= 0:
        return f"due {away(behind)} ago"
    return f"over by {away(behind)}" if state == "breached" else f"in {away(Span(max(0, -behind)))}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def unended(text: str) -> str:
    """What somebody wrote, as a part of a sentence of ours: without a full stop at its end."""
    return text.rstrip(" .")


def percent(ratio: float) -> str:
    """`90 %`."""
    return f"{round(ratio * 100)} %"
