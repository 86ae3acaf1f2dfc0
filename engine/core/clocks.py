"""The state of a clock, as it is stored (docs/concepts/clocks.md); a runner moves it."""

from msgspec import Struct

from engine.core.instants import NEVER, Instant, Span
from engine.core.policy import Calendar
from engine.core.segments import Stretch

IDLE, RUNNING, PAUSED, STOPPED, SUSPENDED, DORMANT, ENDED, HALTED = range(8)
"""SUSPENDED: started, and the severity of now owes nothing. DORMANT: its start came while nothing was owed.
ENDED: over without a verdict of its own; only a clock that repeats starts again. HALTED: cancelled with its
escalation while it was live."""

LIVE = frozenset({RUNNING, PAUSED})

NOT_ACKNOWLEDGED = "not_acknowledged"
"""Why a level is said before its threshold: nobody acknowledged the one before it in time."""
NOT_ASKED = Instant(0)
RETARGET, BY_REBASE = "retarget", "rebased"
"""Why a breach takes effect where its target changes: by the severity, by the version of the policy."""


class Clock(Struct, array_like=True):
    """The state of one clock. `elapsed` counts up to `mark`; `stretches` lie behind it, what runs or stands
    still now began there."""

    phase: int = IDLE
    cycle: int = 0
    started: Instant = Instant(0)
    mark: Instant = Instant(0)
    elapsed: Span = Span(0)
    budget: Span = Span(0)
    calendar: str = ""
    due: Instant = NEVER
    passed: int = 0
    """How many marks of this target version are behind us."""
    floor: Instant = Instant(0)
    """Nothing is warned of before it: earlier marks were overtaken (Clock 5 and 8)."""
    breached: bool = False
    alarm: Instant = NEVER
    stretches: list[Stretch] = []
    idle: str = ""
    """Why it stands still, as a stretch says it."""
    reminded: int = 0
    """The last day of being overdue that was said."""
    pace: Span = Span(0)
    """Counted up to here it is at risk by its pace, of this target version; 0: never, or said already."""
    owed: int = 0
    """The rank of the highest credit tier that this cycle has passed; 0: none."""
    levels: int = 0
    """How many escalation levels of this target version are behind us, said or overtaken."""
    asked: Instant = NOT_ASKED
    """Since when the last of them waits for an acknowledgement; NOT_ASKED: it does not."""

    def elapsed_at(self, calendar: Calendar, at: Instant) -> Span:
        """Time counted up to `at` on its calendar; `at` does not lie before the last mark."""
        if self.phase == RUNNING and at > self.mark:
            return Span(self.elapsed + calendar.elapsed(self.mark, at))
        return self.elapsed
