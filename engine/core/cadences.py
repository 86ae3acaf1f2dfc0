"""The state of the next update that an audience is owed, as it is stored (docs/concepts/cadences.md)."""

from msgspec import Struct

from engine.core.instants import NEVER, Instant, Span

IDLE, RUNNING, ENDED = range(3)

MOST_MISSES = 1_000
"""Intervals in a row that are said as missed; then the cadence is silent until the next update.

An escalation that nobody closes, or one that is dated years back, would else say one for every interval of
all that time: a single event could say a million things.
"""


class Cadence(Struct, array_like=True):
    """The state of one audience's cadence. A cycle is the time between two updates."""

    phase: int = IDLE
    cycle: int = 0
    started: Instant = Instant(0)
    """When the cadence first began."""
    since: Instant = Instant(0)
    """The last update, or the beginning."""
    due: Instant = NEVER
    budget: Span = Span(0)
    """Time from `since` to `due`, on the calendar of the severity; meaningless where nothing is due."""
    stated: Instant = NEVER
    """The next update's time as we stated it; binds whatever the policy says."""
    misses: int = 0
    """Intervals in a row that passed in silence."""
    passed: int = 0
    floor: Instant = Instant(0)
    is_last: bool = False
    """Resolved: one more update is owed, then it is over."""
    updated: bool = False
    """Whether any update was given since the opening."""
    alarm: Instant = NEVER
    overdue: Instant = Instant(0)
    """The first due time that passed in silence since the last update; before that, when it was last warned
    of; 0: neither."""
    owed: int = 0
    """The rank of the highest credit tier that this silence has passed; 0: none."""
