"""How people read what is owed, and lengths of time: in documents and in the terminal."""

from engine.core.instants import MINUTE, SECOND, Span

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
        return f"{_TITLED[metric]}: {text or key.replace('_', ' ')}"
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


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    last = 0 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def percent(ratio: float) -> str:
    """`90 %`."""
    return f"{round(ratio * 100)} %"
