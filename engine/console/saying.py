"""What the board says beside its rows, in words."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from engine.console.board import Counts, Look
from engine.console.sources import Bounds, Late, Sources
from engine.core.instants import NEVER, Instant, Span, to_datetime
from engine.documents.words import away, length, when


def at_time(at: Instant, now: Instant, zone: tzinfo) -> str:
    """`15:00 CET`, `Mon 09:00 CET`, `10 Dec 09:00 CET`."""
    return f"{when(at, now, zone)} {to_datetime(at).astimezone(zone).tzname()}"


def with_year(at: Instant, zone: tzinfo) -> str:
    """`Fri 20 Nov 2026 13:00 CET`, as it must stand on paper."""
    local = to_datetime(at).astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M} {local.tzname()}"


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


class Notice(NamedTuple):
    """What is not known for sure now, above the board; without a head there is nothing to say."""

    head: str = ""
    text: str = ""
    show: str = ""
    """The words of the link to the rows that are meant; empty: there are none."""


def notice(sources: Sources, counts: Counts, now: Instant, zone: tzinfo) -> Notice:
    """That a source is behind, or the engine itself, or that nobody knows."""
    doubtful = counts.unknown + counts.provisional
    show = "" if not doubtful else "Show this one" if doubtful == 1 else f"Show these {doubtful:,}"
    late = sources.late
    if late:
        since = to_the_second(min(one.until for one in late), now, zone)
        parts = [_behind(of_it, sources.bounds, now, zone) for of_it in _by_topic(late)]
        until = "it has caught up" if len(parts) == 1 else "they have caught up"
        what = f"{_doubtful(counts) or 'they are provisional'} until {until}"
        told = _told(late, parts)
        return Notice(told.head, f"{told.text}. Verdicts from {since} on are not final: {what}.", show)
    if counts.unknown:
        clocks = "1 clock is" if counts.unknown == 1 else f"{counts.unknown:,} clocks are"
        whose = (
            "no source is behind, so the engine is late itself, or has stopped"
            if sources.is_known
            else "a source may be behind, or the engine is late itself"
        )
        counted = "It counts" if counts.unknown == 1 else "They count"
        text = f"{clocks} due and not judged yet; {whose}. {counted} as neither breached nor met."
        return Notice("Verdicts are unknown:", text, show)
    if sources.failed:
        return Notice("Nobody knows whether a source is behind:", f"{sources.failed[:200]}.")
    return Notice()


def held(late: Late | None, bounds: Bounds, now: Instant, zone: tzinfo) -> Notice:
    """The same of one escalation."""
    if late is None:
        return Notice()
    since = to_the_second(late.until, now, zone)
    what = "Events since then may not have been read, so a verdict that is due later is provisional."
    told = _told([late], [_behind([late], bounds, now, zone)])
    return Notice(told.head, f"{told.text}. It is read up to {since}. {what}")


def to_the_second(at: Instant, now: Instant, zone: tzinfo) -> str:
    """`14:12:51 CET` today, else `Thu 12 Nov 14:12:51 CET`."""
    local = to_datetime(at).astimezone(zone)
    is_today = local.date() == to_datetime(now).astimezone(zone).date()
    day = "" if is_today else f"{local:%a} {local.day} {local:%b} "
    return f"{day}{local:%H:%M:%S} {local.tzname()}"


def _by_topic(late: Iterable[Late]) -> list[list[Late]]:
    found: dict[str, list[Late]] = {}
    for one in late:
        found.setdefault(one.topic, []).append(one)
    return list(found.values())


def _told(late: Sequence[Late], parts: Sequence[str]) -> Notice:
    """Who is behind, and by how much; a single one is named once."""
    topic = late[0].topic
    if len(parts) == 1:
        is_behind = any(one.unread for one in late)
        return Notice(
            f"{topic} is {'behind' if is_behind else 'silent'}:", parts[0].removeprefix(f"{topic} ")
        )
    return Notice(f"{'Two' if len(parts) == 2 else len(parts)} sources are behind:", ", ".join(parts))


def _behind(late: Sequence[Late], bounds: Bounds, now: Instant, zone: tzinfo) -> str:
    """`vigil.tickets.v1 by 7 min (bound 30 s, last event read 14:12:51 CET, partition 3)`; of one topic."""
    worst = min(late, key=lambda one: one.until)
    last = "nothing of it was read" if worst.last is None else (
        f"last event read {to_the_second(worst.last, now, zone)}"
    )  # fmt: skip
    numbers = [str(one.partition) for one in late]
    where = f"partition {numbers[0]}" if len(numbers) == 1 else (
        f"partitions {', '.join(numbers)}" if len(numbers) <= 4 else f"{len(numbers)} partitions"
    )  # fmt: skip
    if not worst.unread:
        heard = length(bounds.heard)
        if worst.last is None:
            return f"{worst.topic} was never heard (expected within {heard}, {where})"
        return f"{worst.topic} for {away(Span(now - worst.last))} (expected within {heard}, {last}, {where})"
    by = away(Span(now - worst.until))
    return f"{worst.topic} by {by} (bound {length(bounds.behind)}, {last}, {where})"


def _doubtful(counts: Counts) -> str:
    parts = []
    if counts.unknown:
        parts.append(f"{counts.unknown:,} {'is' if counts.unknown == 1 else 'are'} unknown")
    if counts.provisional:
        parts.append(f"{counts.provisional:,} {'is' if counts.provisional == 1 else 'are'} provisional")
    return " and ".join(parts)
