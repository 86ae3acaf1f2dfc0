"""What the archive counts: rows, what it skips and tries again; and how far behind it is."""

from prometheus_client import CollectorRegistry

from engine.metrics import labels
from engine.metrics.definitions import ARCHIVE, Kind
from engine.metrics.following import Following
from engine.metrics.instruments import Collector, Counter, Family, Gauge
from engine.metrics.labels import Vocabulary
from engine.metrics.started import starts

_REASONS_AT_MOST = 16


class ArchiveMetrics:
    """One a process; in the registry of who keeps the archive beside other work, else in one of its own."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        if registry is None:
            registry = CollectorRegistry()
            starts(registry)
        self.registry = registry
        self._counters = {d.name: Family(d, Counter) for d in ARCHIVE if d.kind is Kind.COUNTER}
        gauges = {d.name: Family(d, Gauge) for d in ARCHIVE if d.kind is Kind.GAUGE}
        self._topics = Vocabulary((), more=labels.TOPICS_AT_MOST)
        self._reasons = Vocabulary((), more=_REASONS_AT_MOST)
        following = Following(gauges["vigil_archive_stalled_seconds"], gauges["vigil_archive_lag_records"])
        self.lag = following.lag
        Collector([*self._counters.values(), *gauges.values()], self.registry, following.refresh)
        for reason in labels.ANEW:
            self._counters["vigil_archive_retries_total"][(reason,)].add(0)
        self._counters["vigil_archive_records_gone_total"][()].add(0)

    def written(self, facts: int, outcomes: int) -> None:
        """Rows of a transaction that has committed."""
        self._counters["vigil_archive_rows_total"][("facts",)].add(facts)
        self._counters["vigil_archive_rows_total"][("outcomes",)].add(outcomes)

    def skipped(self, topic: str, reason: str, records: int = 1) -> None:
        """Records that are no fact and no outcome."""
        cell = (self._topics.admit(topic), self._reasons.admit(reason))
        self._counters["vigil_archive_skipped_total"][cell].add(records)

    def retried(self, reason: str) -> None:
        """broker_away, database_away or overtaken."""
        self._counters["vigil_archive_retries_total"][(reason,)].add()

    def gone(self, records: int) -> None:
        """Offsets that were passed over, for the topic has no more what lay there."""
        self._counters["vigil_archive_records_gone_total"][()].add(records)
