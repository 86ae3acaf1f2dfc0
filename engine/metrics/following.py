"""What is counted of following topics into a database: how far behind it is, for as long as that is known."""

import time
from collections.abc import Callable

from engine.metrics import labels
from engine.metrics.instruments import Family, Gauge
from engine.metrics.labels import Vocabulary

KNOWN_SECONDS = 60.0
"""How long a lag is told after it was looked at: longer than one write takes, and a few looks."""


class Following:
    """Two gauges, brought up to date when somebody asks: who hangs, or waits, says nothing."""

    def __init__(
        self, stalled: Family[Gauge], lag: Family[Gauge], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stalled, self._lag, self._clock = stalled, lag, clock
        self._topics = Vocabulary((), more=labels.TOPICS_AT_MOST)
        self._looked: float | None = None

    def lag(self, topic: str, records: int) -> None:
        """Both the topic and the database were there."""
        self._lag[(self._topics.admit(topic),)].set(max(records, 0))
        self._looked = self._clock()

    def refresh(self) -> None:
        """For a scrape."""
        if self._looked is None:
            return
        seconds = self._clock() - self._looked
        self._stalled[()].set(seconds)
        if seconds > KNOWN_SECONDS:
            self._lag.clear()
