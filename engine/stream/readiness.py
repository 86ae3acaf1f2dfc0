"""Ready means: at its work, and keeping up with its topics."""

import time
from collections import deque
from collections.abc import Callable

WINDOW = 10.0
"""Seconds over which the lag must get smaller, where it is above its bound."""
SILENCE = 10.0
"""Seconds without an answer to a fetch; a broker that has nothing to tell says so every second or two."""


class Readiness:
    """Says whether a process is ready, and if not, why."""

    def __init__(self, bound: int, why_off: Callable[[], str]) -> None:
        """`bound`: of the lag, in records. `why_off`: what keeps it from its work; empty: nothing does."""
        self._bound = bound
        self._why_off = why_off
        self._lags: deque[tuple[float, int]] = deque()
        self._told: object = None
        self._heard = time.monotonic()
        """When `_told` was last seen to change."""
        self._is_silent = False

    def saw_lag(self, records: int, at: float | None = None) -> None:
        """The lag of all partitions, every few seconds."""
        now = time.monotonic() if at is None else at
        self._lags.append((now, records))
        while len(self._lags) > 1 and now - self._lags[0][0] > WINDOW:
            self._lags.popleft()

    def saw_answers(self, told: object, at: float | None = None) -> None:
        """When brokers answered last, by partition, every few seconds; the same again: none has since. Who is
        cut off has nothing to do, and no lag that it knows of. Nothing: no partition is asked for."""
        now = time.monotonic() if at is None else at
        if not told or told != self._told:
            self._told, self._heard = told, now
        self._is_silent = now - self._heard > SILENCE

    def why_not(self) -> str:
        """What keeps it from its work, `broker_away` or `falling_behind`; "" when ready."""
        if why := self._why_off():
            return why
        if self._is_silent:
            return "broker_away"
        if self._lags and self._lags[-1][1] > self._bound and self._lags[-1][1] >= self._lags[0][1]:
            return "falling_behind"
        return ""

    def is_ready(self) -> bool:
        return not self.why_not()

    @property
    def lag(self) -> int:
        return self._lags[-1][1] if self._lags else 0

    def answer(self) -> tuple[int, dict[str, object]]:
        """To a probe: the status of HTTP, and the JSON that says why."""
        why = self.why_not()
        return (503 if why else 200), {"ready": not why, "why_not": why or None, "lag": self.lag}


def of_worker(
    bound: int, accepting: Callable[[], bool], assigned: Callable[[], bool], stuck: Callable[[], bool]
) -> Readiness:
    """Of a worker: `not_assigned` until it has partitions, `not_recovered` until it has their state,
    `not_durable` while what it decided does not become durable in time."""

    def why_off() -> str:
        if not assigned():
            return "not_assigned"
        if not accepting():
            return "not_recovered"
        return "not_durable" if stuck() else ""

    return Readiness(bound, why_off)
