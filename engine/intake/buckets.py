"""Token buckets: how many deliveries somebody may still bring, in bounded memory."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from engine.intake.keys import Rate

MOST = 10_000
"""Buckets that are kept; beyond it the one that was used longest ago goes, and its owner begins anew."""


class Buckets:
    """A bucket for everybody who comes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()
        """Tokens, and when they were counted."""

    def take(self, who: Hashable, rate: Rate) -> float:
        """Take one token: 0. Where there is none: seconds until there will be one."""
        now = self._clock()
        tokens, counted = self._left.pop(who, (float(rate.burst), now))
        tokens = min(rate.burst, tokens + (now - counted) * rate.per_second)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / rate.per_second
        self._left[who] = (tokens if wait else tokens - 1, now)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._left)
