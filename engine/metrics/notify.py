"""What `vigil notify` counts: notifications and how they ended; and how long the oldest has waited."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from engine.metrics import labels
from engine.metrics.definitions import NOTIFY, Kind
from engine.metrics.following import Following
from engine.metrics.instruments import Collector, Counter, Family, Gauge
from engine.metrics.started import starts

DELIVERED, FAILED, DEAD = "delivered", "failed", "dead"


class NotifyMetrics:
    """One a process. Receivers are the configuration's."""

    def __init__(self, receivers: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        starts(self.registry)
        self._counters = {d.name: Family(d, Counter) for d in NOTIFY if d.kind is Kind.COUNTER}
        self._gauges = {d.name: Family(d, Gauge) for d in NOTIFY if d.kind is Kind.GAUGE}
        gauges = self._gauges
        following = Following(gauges["vigil_notify_stalled_seconds"], gauges["vigil_notify_lag_records"])
        self.lag = following.lag
        Collector([*self._counters.values(), *gauges.values()], self.registry, following.refresh)
        for reason in labels.ANEW:
            self._counters["vigil_notify_retries_total"][(reason,)].add(0)
        self._counters["vigil_notify_records_gone_total"][()].add(0)
        self.taken(0, 0)
        for receiver in receivers:
            self.circuit(receiver, 0)
            self.waiting(receiver, 0.0)
            self.worded_otherwise(receiver, 0)
            for result in (DELIVERED, FAILED, DEAD):
                self._counters["vigil_notify_notifications_total"][receiver, result].add(0)

    def sent(self, receiver: str, result: str) -> None:
        """An attempt, by how it ended: DELIVERED, FAILED or DEAD."""
        self._counters["vigil_notify_notifications_total"][receiver, result].add()

    def worded_otherwise(self, receiver: str, alerts: int) -> None:
        """Alerts whose own wording failed."""
        self._counters["vigil_notify_wording_failures_total"][(receiver,)].add(alerts)

    def circuit(self, receiver: str, state: int) -> None:
        self._gauges["vigil_notify_circuit"][(receiver,)].set(state)

    def waiting(self, receiver: str, seconds: float) -> None:
        """The oldest that is due, or has failed."""
        self._gauges["vigil_notify_oldest_undelivered_seconds"][(receiver,)].set(max(seconds, 0.0))

    def taken(self, outcomes: int, skipped: int) -> None:
        """Records of a transaction that has committed."""
        self._counters["vigil_notify_outcomes_total"][("taken",)].add(outcomes)
        self._counters["vigil_notify_outcomes_total"][("skipped",)].add(skipped)

    def retried(self, reason: str) -> None:
        """broker_away, database_away or overtaken."""
        self._counters["vigil_notify_retries_total"][(reason,)].add()

    def gone(self, records: int) -> None:
        """Offsets that were passed over, for the topic has no more what lay there."""
        self._counters["vigil_notify_records_gone_total"][()].add(records)
