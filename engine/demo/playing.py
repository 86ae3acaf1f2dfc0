"""What the demo plays: records, when each reaches Kafka, and the clock that they are paced by."""

from collections.abc import Iterable
from datetime import tzinfo
from pathlib import Path
from typing import NamedTuple

from engine.contract.codec import Record
from engine.core.instants import SECOND, Instant, Span
from engine.demo.said import Names


class Arrival(NamedTuple):
    """One record and when it reaches Kafka, on the demo's clock."""

    at: Instant
    family: str
    """ticket or incident: which topic."""
    record: Record
    caption: str
    names: tuple[tuple[str, str], ...] = ()
    """Customer id → name."""
    texts: tuple[tuple[tuple[str, str], str], ...] = ()
    """(subject, commitment or action id) → what was promised."""

    def tell(self, names: Names) -> None:
        """Add what this record says of names."""
        names.customers.update(self.names)
        names.texts.update(self.texts)


class Play(NamedTuple):
    start: Instant
    end: Instant
    speed: float
    zone: tzinfo
    policies: Path
    arrivals: Iterable[Arrival]
    """In order of arrival."""
    events: int
    picture: Instant | None
    dated: bool
    """Its days matter: times are shown with them."""
    ahead: float
    """Real seconds that records are sent before the clock shows their time: at thousands of times the speed
    of life the way through Kafka alone would make every event late."""

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return (self.end - self.start) / SECOND / self.speed


class Pace(NamedTuple):
    """The demo's clock; the worker is given the same three values."""

    start: Instant
    anchor: Instant
    """The real instant at which it shows `start`."""
    speed: float

    def now(self, real: Instant) -> Instant:
        return Instant(self.start + int((real - self.anchor) * self.speed))

    def real(self, shown: Instant) -> Instant:
        """When the clock shows `shown`."""
        return Instant(self.anchor + int((shown - self.start) / self.speed))


def ahead(speed: float) -> float:
    """Nothing at speeds at which a second's delay is some minutes; two seconds beyond."""
    return 0.0 if speed <= 600 else 2.0


LEAD = Span(8 * SECOND)
"""Real time from the start of the worker to the play's first instant: it joins its group meanwhile."""
