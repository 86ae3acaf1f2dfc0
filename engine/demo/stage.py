"""The running demo as the views see it: clocks, outcomes, counts, and whether anything has failed."""

import socket
from collections import Counter, deque

from engine.core.decide import head
from engine.core.instants import SECOND, Instant
from engine.core.policy import Book
from engine.core.view import ClockView, clocks_of
from engine.demo.broker import Broker
from engine.demo.feed import Feed, real_now
from engine.demo.house import House, WorkerEnded
from engine.demo.listening import Listener
from engine.demo.playing import Pace, Play
from engine.demo.said import Names, Said

QUIET_SECONDS = 2.0
"""Nothing new for so long after the last event was sent: all has been said."""
PATIENCE_SECONDS = 30.0
_CHECK_SECONDS = 2.0
_MISSED_CHECKS = 3
_KEPT = 50


class DemoFailed(Exception):
    """The demo cannot go on; the message says why, and what was logged last."""


class BrokerGone(DemoFailed):
    """The broker does not answer any more."""


class Stage:
    """Everything that runs, in one place. `look_around` must be called often; it raises DemoFailed."""

    def __init__(
        self, play: Play, pace: Pace, broker: Broker, house: House, book: Book, began: Instant
    ) -> None:
        self.play, self.pace, self.broker, self.house, self.book = play, pace, broker, house, book
        self.began = began
        self.names = Names({}, {})
        self.feed = Feed(house.settings, play, pace, self.names)
        self.listener = Listener(house.settings)
        self.recent: deque[Said] = deque(maxlen=_KEPT)
        self.counts: Counter[tuple[str, str]] = Counter()
        """(outcome, metric) → how many were said."""
        self.first_after: float | None = None
        """Real seconds from the start of the demo to the first outcome."""
        self._last_at = began
        self._checked = began
        self._misses = 0

    def now(self) -> Instant:
        """What the demo's clock shows; it stands at the play's end."""
        return min(self.pace.now(real_now()), self.play.end)

    def start(self) -> None:
        self.listener.start()
        self.feed.start()

    def stop(self) -> None:
        self.feed.stop()
        self.listener.stop()

    def take(self) -> list[Said]:
        """The outcomes that came since the last call, counted; none from behind the play's end."""
        said = [each for each in self.listener.take() if each.effective_at <= self.play.end]
        if said:
            self._last_at = real_now()
            if self.first_after is None:
                self.first_after = (self._last_at - self.began) / SECOND
        self.recent.extend(said)
        self.counts.update((each.name, each.metric) for each in said)
        return said

    def clocks(self, now: Instant) -> tuple[list[ClockView], int]:
        """Every open clock, and the number of open escalations."""
        records = self.listener.records()
        views = [
            view._replace(subject=subject)
            for subject, record in records.items()
            for view in clocks_of(record, self.book, now)
        ]
        return views, sum(1 for record in records.values() if head(record).is_open)

    def seconds(self) -> float:
        """Real seconds since the start of the demo."""
        return (real_now() - self.began) / SECOND

    def caption(self) -> str:
        """What has just happened, or how far the play is."""
        if self.feed.caption:
            return self.feed.caption
        return (
            f"{self.feed.sent:,} of {self.play.events:,} events sent"
            if self.feed.sent
            else "The worker joins its group."
        )

    def over(self) -> bool:
        """The play is at its end, everything is sent, and what it caused has been said."""
        real = real_now()
        end = self.pace.real(self.play.end)
        if real < end or not self.feed.done:
            return False
        if (real - end) / SECOND > PATIENCE_SECONDS:
            return True
        quiet = (real - max(self._last_at, end)) / SECOND
        return quiet > QUIET_SECONDS and not self._is_owing()

    def _is_owing(self) -> bool:
        """Something came due before the end, and the worker has not judged it yet."""
        return any(head(record).alarm < self.play.end for record in self.listener.records().values())

    def look_around(self) -> None:
        """DemoFailed or WorkerEnded where something has ended that must not."""
        try:
            self.house.check_worker()
        except WorkerEnded:
            if _answers(self.broker.bootstrap):
                raise
            self._misses = _MISSED_CHECKS  # it ended for want of a broker: that is the reason to tell
        for error in (self.feed.error, self.listener.error):
            if error is not None and not _answers(self.broker.bootstrap):
                self._misses = _MISSED_CHECKS
            elif error is not None:
                raise DemoFailed(f"{type(error).__name__}: {error}\n{self.house.last_lines()}") from error
        real = real_now()
        if (real - self._checked) / SECOND >= _CHECK_SECONDS:
            self._checked = real
            self._misses = 0 if _answers(self.broker.bootstrap) else self._misses + 1
        if self._misses >= _MISSED_CHECKS:
            raise BrokerGone(
                f"the broker at {self.broker.bootstrap} does not answer any more\n{self.house.last_lines()}"
            )
        if (
            self.first_after is None
            and (real - self.pace.real(self.play.start)) / SECOND > PATIENCE_SECONDS * 2
        ):
            raise DemoFailed(f"the worker has said nothing in a minute\n{self.house.last_lines()}")


def _answers(bootstrap: str) -> bool:
    """Whether any of the brokers takes a connection."""
    for server in bootstrap.split(","):
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        except OSError:
            continue
        return True
    return False
