"""What the console counts: who looks, what is recorded, and how far behind the board is."""

from typing import Literal

from prometheus_client import CollectorRegistry

from engine.metrics.definitions import CONSOLE, Kind
from engine.metrics.instruments import Collector, Counter, Family, Gauge
from engine.metrics.labels import Vocabulary
from engine.metrics.started import starts

_VERBS_AT_MOST = 40


class ConsoleMetrics:
    """One a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        starts(self.registry)
        self._counters = {d.name: Family(d, Counter) for d in CONSOLE if d.kind is Kind.COUNTER}
        self._gauges = {d.name: Family(d, Gauge) for d in CONSOLE if d.kind is Kind.GAUGE}
        self._verbs = Vocabulary((), more=_VERBS_AT_MOST)
        Collector([*self._counters.values(), *self._gauges.values()], self.registry, lambda: None)
        self._readers = 0
        self.reading(0)
        self.stopped("board", False)

    def reading(self, change: int) -> None:
        """A page follows the board from now on (1), or does no more (-1)."""
        self._readers += change
        self._gauges["vigil_console_readers"][()].set(self._readers)

    def clocks(self, running: int) -> None:
        self._gauges["vigil_console_clocks"][()].set(running)

    def lag(self, records: int) -> None:
        """Of the board behind the state."""
        self._gauges["vigil_console_lag_records"][()].set(max(records, 0))

    def stopped(self, part: Literal["board", "archive"], is_stopped: bool) -> None:
        """Whether that cannot go on until the console is started again."""
        self._gauges["vigil_console_stopped"][(part,)].set(float(is_stopped))

    def acted(self, verb: str, result: str, via: Literal["page", "api"]) -> None:
        """Somebody recorded something: sent, refused (what was typed), not_sent (Kafka did not confirm)."""
        self._counters["vigil_console_actions_total"][self._verbs.admit(verb), result, via].add()
