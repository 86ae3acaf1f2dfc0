"""Keeps the board true: reads the engine's state from its changelog, and turns with the clock."""

import time
from collections.abc import Callable, Collection, Sequence
from threading import Event, Thread

import structlog
from kafka import KafkaConsumer

from engine.console.board import Board
from engine.core.instants import Instant
from engine.metrics.console import ConsoleMetrics
from engine.sql.following import Follower, Record
from engine.sql.offsets import Advance

log = structlog.stdlib.get_logger("vigil.console")

TURN_SECONDS = 0.25
REST_SECONDS = 1.0
"""Between turns while there is much more to read: they would work in what is old, in the reader's time."""
STALE_AFTER = 15.0
"""Seconds without an answer of the broker after which the page says so; it is asked every five."""
LATE_AFTER = 2.0
"""Seconds behind after which the page says so."""
_AT_ONCE = 5_000


class NotRead(Exception):
    """The engine's state has not been read to its end: nobody knows what runs."""


class IntoBoard:
    """Takes records of the changelog. For `engine.sql.following`; also its watch."""

    def __init__(self, board: Board, metrics: ConsoleMetrics) -> None:
        self._board, self._metrics = board, metrics
        self._next: dict[tuple[str, int], int] = {}
        self.answered = time.monotonic()
        """When the broker last answered, by the monotonic clock; until it has: since when it could have."""
        self.behind: int | None = None
        """Records behind at that time."""
        self._left: int | None = None
        """Offsets that were not taken yet of those there were when few were left."""
        self._written = 0.0
        """When the last record that was taken was written, by the clock of who wrote it."""

    def offsets(self) -> dict[tuple[str, int], int]:
        return dict(self._next)

    def topic_ids(self) -> dict[str, str]:
        return {}  # nothing is kept beyond the process, and so long the follower knows

    def take(self, records: Sequence[Record], read: Collection[Advance]) -> None:
        for record in records:
            if record.key is not None and b"\0" not in record.key:  # with a NUL it is history
                self._board.put(record.key.decode(errors="replace"), record.value, record.partition)
        if records:
            self._written = records[-1].timestamp / 1000
        for one in read:
            self._next[one.topic, one.partition] = one.next
            if self._left is not None:
                self._left -= one.next - one.start
        self.answered = time.monotonic()

    def late(self) -> float:
        """Seconds behind, by what was read last, where there is more to read; 0: there is not."""
        return time.time() - self._written if self.is_far_behind else 0.0

    @property
    def is_far_behind(self) -> bool:
        """There was more to read than is taken at once, when it was looked last."""
        return self.behind is not None and self.behind > _AT_ONCE

    @property
    def has_read(self) -> bool:
        """All that the state held when few were left to read has been taken. A partition may end in the mark
        of a transaction, which has an offset and is no record."""
        return self._left is not None and self._left <= len(self._next)

    def retried(self, reason: str) -> None:
        pass  # it is logged; the page sees that nobody has answered

    def gone(self, records: int) -> None:
        pass  # a compacted topic: what stands of it is there

    def lag(self, topic: str, records: int) -> None:
        self.answered, self.behind = time.monotonic(), records
        if not self.is_far_behind:
            self._left = records if self._left is None else 0  # asked again, and it is no record that is left
        self._metrics.lag(records)
        self._metrics.clocks(len(self._board))


class Live:
    """Two threads: one reads, one turns the board. `start` and `stop` go with the application."""

    def __init__(
        self,
        board: Board,
        topic: str,
        connect: Callable[[], KafkaConsumer],
        now: Callable[[], Instant],
        metrics: ConsoleMetrics,
    ) -> None:
        """`connect` makes a consumer without a group that reads committed records."""
        self.board, self._now = board, now
        self._into = IntoBoard(board, metrics)
        self._metrics = metrics
        self._stopping = Event()
        self._follower = Follower(self._into, [topic], connect, self._stopping, self._into, _AT_ONCE)
        self._threads = [
            Thread(target=self._read, name="console-reader", daemon=True),
            Thread(target=self._turn, name="console-turner", daemon=True),
        ]
        self.failed: str = ""
        """Why it cannot go on; empty while it can."""
        self.has_read = False
        """The board has shown all of the state. What it shows before is no answer to what runs."""

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)

    @property
    def is_ready(self) -> bool:
        """The state was read up to where it ended, and it is kept up with."""
        return not self.why_not_ready

    @property
    def why_not_ready(self) -> str:
        """`stopped`, `reading_state` or `falling_behind`; empty: it is ready."""
        if self.failed:
            return "stopped"
        if not self.has_read:
            return "reading_state"
        return "falling_behind" if self._into.is_far_behind else ""

    def silent_for(self) -> float:
        """Seconds since the broker last answered; 0 as long as that is as it should be."""
        silent = time.monotonic() - self._into.answered
        return silent if silent > STALE_AFTER else 0.0

    def _read(self) -> None:
        try:
            self._follower.run()
        except Exception as error:  # whatever it is: a board that stands still must not look alive
            self._fail(error)

    def late_for(self) -> float:
        """Seconds that the board is behind what the engine has written; 0 as long as it keeps up."""
        late = max(self.board.waits(), self._into.late())
        return late if late > LATE_AFTER else 0.0

    def _turn(self) -> None:
        more_waits = False
        while not self._stopping.wait(self._pause(more_waits)):
            try:
                is_all = self._into.has_read
                more_waits = self.board.turn(self._now())
                self.has_read = self.has_read or (is_all and not more_waits)
            except Exception as error:
                self._fail(error)
                return

    def _pause(self, more_waits: bool) -> float:
        """Seconds until the next turn."""
        if self._into.is_far_behind:
            return REST_SECONDS
        return 0.0 if more_waits else TURN_SECONDS

    def _fail(self, error: Exception) -> None:
        why = str(error) or type(error).__name__
        hint = "restart the console; `vigil doctor` looks at the topics"
        log.error("board_stopped", why=why, exc_info=error, hint=hint)
        self.failed = self.failed or why  # the first is the reason
        self._metrics.stopped("board", True)
