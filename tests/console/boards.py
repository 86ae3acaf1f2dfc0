"""A board over escalations that the core has judged, for tests: nothing of it is made up."""

import time
from types import SimpleNamespace
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from core.core_runs import Engine, at, book_of, fact, policy
from engine.console.board import Board
from engine.console.rows import Row
from engine.console.sources import Bounds, Sources
from engine.core.instants import MINUTE, SECOND, Instant, Span
from one_partition import OnePartition

PATIENCE = Span(MINUTE // 20)

POLICY = """\
clocks:
  acknowledge: {budget: {P1: 60m, P2: 4h}}
  resolve: {budget: {P1: 8h @office, P2: 24h @office}, pause: [pending_customer, pending_vendor]}
cadence: {customer: {every: {P1: 30m}}}
"""


class Desk:
    """An engine and the board that reads its state."""

    def __init__(self, body: str = POLICY) -> None:
        self.engine = Engine(book_of(policy(body)))
        self.board = Board(self.engine.book, PATIENCE)
        self._known: dict[bytes, bytes] = {}

    def take(self, kind: str, minute: float, subject: str = "desk:1", **data: object) -> None:
        """A fact; what came due before it is judged first, as a worker would."""
        self.engine.tick_until(at(minute))
        one = fact(kind, minute, id=f"{kind}-{minute}-{subject}", **data)  # type: ignore[arg-type]
        refusal = self.engine.take(one, subject)
        assert refusal is None, refusal

    def see(self, minute: float, *, judged: bool = True) -> list[Row]:
        """The board at a time, with all due verdicts given, or not yet."""
        if judged:
            self.engine.tick_until(Instant(at(minute) + 1))
        for key, record in self.engine.store.items():
            if self._known.get(key) != record and b"\0" not in key:
                self.board.put(key.decode(), record)
        for key in self._known.keys() - self.engine.store.keys():
            self.board.put(key.decode(), None)
        self._known = dict(self.engine.store)
        self.board.turn(at(minute))
        return self.board.all()


class Changelog(OnePartition):
    """The engine's state as a consumer of one partition reads it, on a broker that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str, bytes | None]] = []
        self.marks = 0
        """Offsets at its end that are no records: of transactions."""
        self.is_away = False
        """The broker accepts connections, and answers nothing."""

    def position(self, _: object) -> int:
        """Past the marks, once no record is left before them."""
        return self._at if self._at < len(self.records) else len(self.records) + self.marks

    def beginning_offsets(self, asked: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(asked, 0)

    def end_offsets(self, asked: list[TopicPartition], timeout_ms: int = 0) -> dict[TopicPartition, int]:
        if self.is_away:
            raise KafkaTimeoutError("no answer")
        return dict.fromkeys(asked, len(self.records) + self.marks)

    def poll(self, timeout_ms: int, max_records: int) -> dict[TopicPartition, list[Any]]:
        if self.is_away or self._at >= len(self.records):
            time.sleep(0.05)
            return {}
        partition, began = TopicPartition("state", 0), self._at
        self._at = min(len(self.records), began + max_records)
        return {
            partition: [
                SimpleNamespace(
                    key=key.encode(), value=value, partition=0, offset=began + number,
                    timestamp=time.time() * 1000,
                )
                for number, (key, value) in enumerate(self.records[began : self._at])
            ]
        }  # fmt: skip


class NothingRead:
    """Of sources that are told what is behind: nobody asks."""

    def __call__(self) -> dict[TopicPartition, int]:
        return {}

    def close(self) -> None:
        pass


def told_sources(heard: int = 0) -> Sources:
    """They know what `tell` tells them; `heard` in minutes."""
    bounds = Bounds(Span(30 * SECOND), Span(heard * MINUTE))
    return Sources(bounds, (), _no_broker, NothingRead(), lambda: at(0))


def _no_broker() -> KafkaConsumer:
    raise AssertionError("nobody has started it")
