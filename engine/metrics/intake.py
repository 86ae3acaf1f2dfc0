"""What the intake counts: deliveries that became events, and the others by their reason."""

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from engine.metrics import labels
from engine.metrics.definitions import INTAKE
from engine.metrics.instruments import Collector, Counter, Family
from engine.metrics.labels import Vocabulary
from engine.metrics.started import starts

ACCEPTED, IGNORED, NOT_SENT = "accepted", "ignored", "not_sent"


class IntakeMetrics:
    """One a process. Doors are the configuration's, reasons the code's: both are bounded."""

    def __init__(self, doors: tuple[str, ...]) -> None:
        self.registry = CollectorRegistry()
        starts(self.registry)
        self._families = {d.name: Family(d, Counter) for d in INTAKE}
        self._doors = Vocabulary(doors)
        Collector(self._families.values(), self.registry, lambda: None)
        for door in doors:
            for result in (ACCEPTED, IGNORED, NOT_SENT, *labels.REFUSED, *labels.NOT_MAPPED):
                self._families["vigil_intake_deliveries_total"][door, result].add(0)
            self._families["vigil_intake_events_total"][(door,)].add(0)

    def taken(self, door: str, events: int) -> None:
        """A delivery that became so many events."""
        self._families["vigil_intake_deliveries_total"][self._doors[door], ACCEPTED].add()
        self._families["vigil_intake_events_total"][(self._doors[door],)].add(events)

    def refused(self, door: str, reason: str) -> None:
        """A delivery that became none: IGNORED, NOT_SENT, or what is wrong with it."""
        self._families["vigil_intake_deliveries_total"][self._doors[door], reason].add()

    def exposition(self) -> tuple[bytes, str]:
        """The body of a scrape and its content type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
