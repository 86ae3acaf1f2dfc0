"""When to try a receiver again that has failed. Pure: the caller has the clock and the dice."""

from random import Random

from engine.core.instants import MINUTE, SECOND, Instant, Span

FAILURES = 5
"""In a row; then the circuit opens: the receiver is left alone for a while, then tried with one."""
FIRST_WAIT, LONGEST_WAIT = Span(1 * SECOND), Span(5 * MINUTE)
FIRST_OPEN, LONGEST_OPEN = Span(10 * SECOND), Span(5 * MINUTE)
CLOSED, HALF_OPEN, OPEN = 0, 1, 2


def backoff(attempt: int, dice: Random) -> Span:
    """How long to wait after so many failures of one notification: doubling, between half of it and all."""
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt - 1, 20))
    return Span(int(whole * dice.uniform(0.5, 1)))


class Circuit:
    """Of one receiver: whether it may be tried."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._failures = 0
        self._until = Instant(0)

    def state(self, now: Instant) -> int:
        """CLOSED, HALF_OPEN or OPEN."""
        if self._failures < FAILURES:
            return CLOSED
        return OPEN if now < self._until else HALF_OPEN

    def may_try(self, now: Instant) -> bool:
        """Also not while the receiver has asked for a pause."""
        return now >= self._until

    @property
    def until(self) -> Instant:
        """Before then it may not be tried."""
        return self._until

    def clock_went_back(self, by: Span) -> None:
        """What was to be waited for is waited for no longer."""
        self._until = Instant(self._until - by)

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self, now: Instant, after: float | None) -> None:
        """`after`: seconds that the receiver has asked for; all of it is let alone, not one notification.

        While it is open, what was under way fails for the same reason, and opens it for no longer.
        """
        wait = 0 if after is None else int(after * SECOND)
        if self.state(now) != OPEN:
            self._failures += 1
            wait = max(wait, self._pause())
        self._until = Instant(max(self._until, now + wait))

    def _pause(self) -> int:
        if self._failures < FAILURES:
            return 0
        whole = min(LONGEST_OPEN, FIRST_OPEN * 2 ** min(self._failures - FAILURES, 20))
        return int(whole * self._dice.uniform(0.5, 1))
