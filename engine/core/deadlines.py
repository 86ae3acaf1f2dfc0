"""The state of an obligation to an absolute time, as it is stored: a commitment or an action item."""

from msgspec import Struct

from engine.core.instants import NEVER, Instant

COMMITMENT, ACTION = "commitment", "action"
"""The metrics."""
OPEN, SETTLED = range(2)

RENEGOTIATED = "renegotiated"
"""Why what was missed is cancelled: another time was agreed, which is the next cycle."""


class Deadline(Struct, array_like=True):
    """One commitment or action item."""

    id: str
    text: str = ""
    """What was promised, or the action's title."""
    to: str = ""
    by: str = ""
    """Who promised it, or owns the action."""
    phase: int = SETTLED
    cycle: int = 0
    made: Instant = Instant(0)
    due: Instant = NEVER
    passed: int = 0
    floor: Instant = Instant(0)
    missed: bool = False
    alarm: Instant = NEVER
    reminded: int = 0
    """The last day of being overdue that was said."""
