"""Cuts the way to a verdict into segments: stretch by stretch, and where it came into other hands."""

from collections.abc import Mapping, Sequence

from engine.core.instants import Instant, Span
from engine.core.policy import Calendar
from engine.core.segments import MOST_SEGMENTS, SEVERAL, Segment, Stretch, Tenure


def cut(
    stretches: Sequence[Stretch],
    elapsed: Span,
    tenures: Sequence[Tenure],
    calendars: Mapping[str, Calendar],
) -> tuple[Segment, ...]:
    """The stretches, cut where the hands changed; what they count adds up to `elapsed`."""
    if len(stretches) == 1:  # nearly all are one run in one or two pairs of hands
        start, end, name, why = stretches[0]
        since, team, owner = tenures[-1]
        if start >= since or len(tenures) == 1:
            return (Segment(start, end, why, name, elapsed, team, owner),)
        before, earlier_team, earlier_owner = tenures[-2]
        if len(tenures) == 2 or start >= before:
            if since >= end:
                return (Segment(start, end, why, name, elapsed, earlier_team, earlier_owner),)
            first = Span(0) if why else calendars[name].elapsed(start, since)
            return (
                Segment(start, since, why, name, first, earlier_team, earlier_owner),
                Segment(since, end, why, name, Span(elapsed - first), team, owner),
            )
    segments: list[Segment] = []
    for start, end, name, why in stretches:
        calendar = calendars[name]
        for since, until, team, owner in _in_hands(start, end, tenures):
            counted = Span(0) if why else calendar.elapsed(since, until)
            segments.append(Segment(since, until, why, name, counted, team, owner))
    return tuple(_folded(segments))


def _in_hands(
    start: Instant, end: Instant, tenures: Sequence[Tenure]
) -> list[tuple[Instant, Instant, str, str]]:
    """[start, end) by who had it; what lies before the first tenure is the first one's."""
    parts = []
    at = start
    for place, (_, team, owner) in enumerate(tenures):
        until = tenures[place + 1][0] if place + 1 < len(tenures) else end
        if at < until:
            parts.append((at, min(until, end), team, owner))
            at = until
        if at >= end:
            break
    return parts


def _folded(segments: list[Segment]) -> list[Segment]:
    more = len(segments) - MOST_SEGMENTS
    if more <= 0:
        return segments
    old = segments[: more + 1]
    counted = Span(sum(segment.elapsed for segment in old))
    return [Segment(old[0].start, old[-1].end, SEVERAL, "", counted, "", ""), *segments[more + 1 :]]
