"""Since when a process beside the workers runs: without it nobody sees that it starts again and again."""

import time

from prometheus_client import CollectorRegistry

from engine.metrics.definitions import STARTED
from engine.metrics.instruments import Collector, Family, Gauge


def starts(registry: CollectorRegistry) -> None:
    """Show this moment as the start of the process whose registry it is."""
    family = Family(STARTED, Gauge)
    family[()].set(time.time())
    Collector([family], registry, lambda: None)
