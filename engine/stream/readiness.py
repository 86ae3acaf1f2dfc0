"""Ready means: partitions assigned, state recovered, keeping up with the sources."""

import time
from collections import deque
from collections.abc import Callable

WINDOW = 10.0
"""Seconds over which the lag must get smaller, where it is above its bound."""


class Readiness:
    """Says whether the worker is ready, and if not, why."""

    def __init__(self, bound: int, accepting: Callable[[], bool], assigned: Callable[[], bool]) -> None:
        self._bound = bound
        self._accepting = accepting
        self._assigned = assigned
        self._lags: deque[tuple[float, int]] = deque()

    def saw_lag(self, records: int, at: float | None = None) -> None:
        """The lag of all partitions, once a second or so."""
        now = time.monotonic() if at is None else at
        self._lags.append((now, records))
        while len(self._lags) > 1 and now - self._lags[0][0] > WINDOW:
            self._lags.popleft()

    def why_not(self) -> str:
        """`not_assigned`, `not_recovered` or `falling_behind`; "" when ready."""
        if not self._assigned():
            return "not_assigned"
        if not self._accepting():
            return "not_recovered"
        if self._lags and self._lags[-1][1] > self._bound and self._lags[-1][1] >= self._lags[0][1]:
            return "falling_behind"
        return ""

    def is_ready(self) -> bool:
        return not self.why_not()

    @property
    def lag(self) -> int:
        return self._lags[-1][1] if self._lags else 0
