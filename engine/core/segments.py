"""Where the time of a verdict went: part by part, running or why not, in whose hands."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from engine.core.instants import Instant, Span

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
