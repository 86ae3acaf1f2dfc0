"""Of a process beside the workers: since when it runs, without which nobody sees that it starts again and
again, and what its machine's clock shows."""

import time

from prometheus_client import CollectorRegistry

from engine.metrics.definitions import BESIDE, STARTED
from engine.metrics.instruments import Collector, Family, Gauge


def starts(registry: CollectorRegistry) -> None:
    """Show this moment as the start of the process whose registry it is, and the clock at each scrape."""
    started = Family(STARTED, Gauge)
    started[()].set(time.time())
    (clock,) = (Family(one, Gauge) for one in BESIDE)
    Collector([started, clock], registry, lambda: clock[()].set(time.time()))
