"""How the terminal shows states and outcomes; the words of all are in `engine.documents.words`."""

from typing import NamedTuple


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
