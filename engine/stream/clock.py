"""What time it is, for the shell: the real clock, one that runs faster, or the events' own time."""

import time
from typing import Protocol

from engine.core.instants import Instant
from engine.settings import Settings

_NANOSECONDS = 1_000


class Clock(Protocol):
    """Everything that the shell knows of time. The core gets it as `now` and as ticks."""

    event_time: bool
    """True: what is due is judged by the partition's watermark, and no ticks are sent."""

    def now(self) -> Instant: ...


class RealClock:
    """The machine's clock."""

    event_time = False

    def now(self) -> Instant:
        return Instant(time.time_ns() // _NANOSECONDS)


class ScaledClock:
    """Shows `start` at the real instant `anchor`, and runs `speed` times as fast from there.

    Workers that share an anchor show the same time, and so does one that is started again.
    """

    event_time = False

    def __init__(self, start: Instant, speed: float, anchor: Instant | None = None) -> None:
        self.start = start
        self.speed = speed
        self.anchor = RealClock().now() if anchor is None else anchor

    def now(self) -> Instant:
        passed = RealClock().now() - self.anchor
        return Instant(self.start + int(passed * self.speed))


class EventClock(RealClock):
    """The events' own time, for backfills: the core keeps a watermark; `now` only says when we found it."""

    event_time = True


class Steps:
    """How the machine's clock is moved, beside one that nobody sets and that sleeps with the machine."""

    def __init__(self) -> None:
        self._apart = time.time() - time.monotonic()

    def since_last(self) -> float:
        """Seconds by which it was moved since the last look; below 0: back."""
        before, self._apart = self._apart, time.time() - time.monotonic()
        return self._apart - before


def clock_of(settings: Settings) -> Clock:
    """The clock that the settings choose."""
    if settings.clock == "events":
        return EventClock()
    if settings.clock == "scaled":
        start = settings.clock_start_instant
        return ScaledClock(
            RealClock().now() if start is None else start, settings.clock_speed, settings.clock_anchor_instant
        )
    return RealClock()
