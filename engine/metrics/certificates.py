"""Until when the certificates are good by which a process and Kafka know each other."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from engine.metrics.definitions import CERTIFICATES
from engine.metrics.instruments import Collector, Family, Gauge

Found = Mapping[str, tuple[float, float]]
"""Whose it is -> from when on and until when it is good, in Unix time."""


def show_certificates(registry: CollectorRegistry, look: Callable[[], Found]) -> None:
    """What `look` finds, at each scrape: files are renewed under running processes."""
    families = [Family(one, Gauge) for one in CERTIFICATES]

    def refresh() -> None:
        found = look()
        for number, family in enumerate(families):
            family.replace({(of,): times[number] for of, times in found.items()})

    Collector(families, registry, refresh)
