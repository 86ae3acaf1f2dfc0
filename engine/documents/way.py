"""The way to a verdict, in rows and words: what ran, stood still and why, in whose hands, how late."""

from collections.abc import Iterator
from typing import NamedTuple

from engine.core.instants import Instant, Span
from engine.core.outcomes import Outcome
from engine.core.policy import Book, Calendar
from engine.core.segments import Segment, where_it_went
from engine.documents.words import length, ordinal


class Row(NamedTuple):
    """One line of the way to a verdict."""

    start: Instant
    end: Instant
    state: str
    because: str
    counted: Span


def rows_of(o: Outcome, book: Book) -> Iterator[Row]:
    """Its segments, those of a calendar cut where that opens and closes."""
    changed_hands = len({(segment.team, segment.owner) for segment in o.segments}) > 1
    for segment in o.segments:
        calendar = book.calendars.get(segment.calendar)
        hands = f", {segment.owner or segment.team or 'nobody'}" if changed_hands else ""
        if segment.state == "running" and calendar is not None and segment.calendar:
            yield from open_and_closed(segment, calendar, hands)
        else:
            because = f"{_because(segment)}{hands if segment.state == 'running' else ''}"
            yield Row(segment.start, segment.end, segment.state, because, segment.elapsed)


def open_and_closed(segment: Segment, calendar: Calendar, hands: str = "") -> Iterator[Row]:
    """A segment that ran, by the hours of its calendar."""
    at = segment.start
    while at < segment.end:
        if calendar.is_open(at):
            until = min(calendar.closes(at), segment.end)
            yield Row(at, until, "running", f"{calendar.name} open{hands}", Span(until - at))
        else:
            until = min(calendar.next_opening(at), segment.end)
            yield Row(at, until, "closed", f"outside {calendar.name}", Span(0))
        at = until


def _because(segment: Segment) -> str:
    return {
        "running": "around the clock",
        "paused": segment.reason.replace("_", " "),
        "resolved": "resolved, until the reopening",
        "no_target": "this severity owes nothing",
    }.get(segment.state, "the oldest of many, as one")


def margin(o: Outcome, calendar: Calendar | None) -> str:
    """How early or late, in the clock's own hours where it has a budget."""
    reason = f" ({o.reason})" if o.reason else ""
    if o.name == "cadence_missed":
        return f"{ordinal(o.in_a_row)} in a row{reason}"
    if o.target is None or o.name in ("cancelled", "waived"):
        return f"after {length(o.elapsed)}{reason}"
    hours = "" if calendar is None or not calendar.name else f" of {calendar.name}"
    used = f"{length(o.elapsed)} of {length(o.target)}{hours}"
    if o.elapsed > o.target:
        return f"{used}, {length(Span(o.elapsed - o.target))} over{reason}"
    early = Span(o.target - o.elapsed if o.name != "stopped_late" else 0)  # late by a target of before
    return f"{used}, {length(early)} early{reason}" if early else f"{used}{reason}"


def hands_of(o: Outcome) -> Iterator[str]:
    """Where the time went: by team and owner where it had several, and by what it stood still for."""
    spent = where_it_went(o.segments)
    if len(spent.counted) > 1:
        for (team, owner), counted in spent.counted.items():
            hands = " ".join(part for part in (team, owner) if part) or "nobody"
            share = f" ({round(100 * counted / o.target)} % of the budget)" if o.target else ""
            yield f"with {hands}: {length(counted)}{share}"
    for reason, idle in spent.paused.items():
        yield f"paused, {reason.replace('_', ' ')}: {length(idle)}"


def clock_length(span: Span) -> str:
    """`2:05:00`."""
    hours, rest = divmod(span // 1_000_000, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
