"""What the board says beside its rows, in words."""

from datetime import tzinfo

from engine.console.board import Look
from engine.core.instants import NEVER, Instant, to_datetime
from engine.documents.words import clock_time


def at_time(at: Instant, now: Instant, zone: tzinfo) -> str:
    """`15:00 CET`, `Mon 09:00 CET`."""
    return f"{clock_time(at, now, zone)} {to_datetime(at).astimezone(zone).tzname()}"


def idle(look: Look, zone: tzinfo) -> str:
    """That no clock of all runs, and when the next wakes; empty where one does."""
    asleep = look.counts.asleep
    if look.counts.open > asleep:
        return ""
    if not asleep:
        return "Nothing is due."
    is_one = asleep == 1
    told = f"Nothing is due. {'1 clock' if is_one else f'{asleep:,} clocks'} asleep"
    if look.wakes_at >= NEVER:
        return f"{told}, paused until somebody wakes {'it' if is_one else 'them'}."
    return f"{told}; {'it' if is_one else 'the next'} wakes {at_time(look.wakes_at, look.at, zone)}."
