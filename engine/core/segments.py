"""Where the time of a verdict went: stretch by stretch, running or why not, in whose hands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from engine.core.instants import Instant, Span
from engine.core.policy import Calendar

Stretch: TypeAlias = tuple[Instant, Instant, str, str]
"""From, to, the calendar that counts it, and why nothing counted; empty where it ran."""
Tenure: TypeAlias = tuple[Instant, str, str]
"""Since when which team and which owner."""

STANDS_RESOLVED, STANDS_WITHOUT_TARGET, SEVERAL = "resolved", "no_target", "several"
_PAUSED = "paused:"

MOST_SEGMENTS = 100
"""A verdict with more says the oldest of them as one: an outcome must fit into a record."""


def stands_paused(reason: str) -> str:
    """Why a paused clock stands still, as a stretch says it."""
    return _PAUSED + reason


def pause_reason(why: str) -> str:
    """Of a stretch that stands paused; else empty."""
    return why.removeprefix(_PAUSED) if why.startswith(_PAUSED) else ""


class Segment(Struct, frozen=True, array_like=True, gc=False):
    """One part of the way to a verdict, all of it in one state and in one pair of hands."""

    start: Instant
    end: Instant
    why: str
    """Empty where the clock ran; `paused:REASON`, `resolved`, `no_target`; `several` for what was folded."""
    calendar: str
    elapsed: Span
    """Counted of the budget: open time of a run, else none."""
    team: str
    owner: str

    @property
    def state(self) -> str:
        """running, paused, resolved, no_target, several."""
        if not self.why:
            return "running"
        return "paused" if self.why.startswith(_PAUSED) else self.why

    @property
    def reason(self) -> str:
        """Of a pause; else empty."""
        return pause_reason(self.why)


class Spent(NamedTuple):
    """Where the time of one or more verdicts went."""

    counted: dict[tuple[str, str], Span]
    """By (team, owner): of the budget."""
    paused: dict[str, Span]
    """By pause reason: calendar time that did not count."""


def where_it_went(segments: Iterable[Segment]) -> Spent:
    """Sums of the segments; what is neither counted nor paused is nobody's."""
    spent = Spent({}, {})
    for s in segments:
        if s.state == "paused":
            spent.paused[s.reason] = Span(spent.paused.get(s.reason, 0) + s.end - s.start)
        elif s.elapsed:
            hands = s.team, s.owner
            spent.counted[hands] = Span(spent.counted.get(hands, 0) + s.elapsed)
    return spent


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
