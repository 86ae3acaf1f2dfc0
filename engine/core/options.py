"""What of deciding is a deployment's choice."""

from msgspec import Struct

from engine.core.instants import DAY, Span
from engine.core.pace import Pace


class Options(Struct, frozen=True):
    """What a deployment may choose; the same for every worker of one application."""

    open_on_first_event: bool = False
    say_movements: bool = False
    """Also say clock_started, paused and resumed."""
    fact_limit: int = 5_000
    correction_window: Span = Span(30 * DAY)
    relay_again: bool = False
    """A fact that is known already sends again what its escalation has passed on: where that is sent after
    the state is stored, whoever reads the fact again makes up for a worker that died in between."""
    event_time: bool = False
    """Judge by the partition's watermark (the highest event time seen) instead of by ticks: for backfills."""
    pace: Pace | None = None
    """What history says of open clocks: it adds warnings, and says of each how often it came true."""
