"""Reads what the engine writes: outcomes as they come, the state behind the board, and dead letters."""

import queue
import threading
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from engine.demo.said import Said, read_said
from engine.settings import Settings

_POLL_MS = 200
_CONNECT_MS = 15_000


class Listener:
    """A thread that reads from the beginning; outcomes are taken with `take`, the rest is looked at."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._partitions = settings.partitions
        self._outcomes: queue.SimpleQueue[Said] = queue.SimpleQueue()
        self._state: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-listener", daemon=True)
        self.subjects: set[bytes] = set()
        """Of every escalation that was ever in the state: what is long over leaves it."""
        self.dead_letters: list[str] = []
        self.error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 10) -> None:
        """Read no more; return when the thread has ended."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def take(self) -> list[Said]:
        """The outcomes that came since the last call."""
        taken: list[Said] = []
        while True:
            try:
                taken.append(self._outcomes.get_nowait())
            except queue.Empty:
                return taken

    def records(self) -> dict[str, bytes]:
        """The main record of every escalation in the state, by subject."""
        with self._lock:
            return {key.decode(): record for key, record in self._state.items()}

    def _run(self) -> None:
        try:
            consumer = self._consumer()
            try:
                while not self._stop.is_set():
                    for batch in consumer.poll(timeout_ms=_POLL_MS).values():
                        for record in batch:
                            self._read(record)
            finally:
                consumer.close(autocommit=False)
        except Exception as error:
            self.error = error

    def _consumer(self) -> KafkaConsumer:
        settings = self._settings
        consumer = KafkaConsumer(
            **settings.client_options(),
            client_id=f"{settings.app_id}-listener",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed" if settings.delivery == "transactions" else "read_uncommitted",
            fetch_max_wait_ms=100,
            bootstrap_timeout_ms=_CONNECT_MS,
        )
        topics = (settings.outcomes_topic, settings.changelog_topic, settings.dlq_topic)
        consumer.assign([TopicPartition(topic, each) for topic in topics for each in range(self._partitions)])
        return consumer

    def _read(self, record: Any) -> None:
        if record.topic == self._settings.outcomes_topic:
            self._outcomes.put(read_said(record.headers, record.value))
        elif record.topic == self._settings.dlq_topic:
            headers = {name: value.decode(errors="replace") for name, value in record.headers}
            self.dead_letters.append(headers.get("__connect.errors.exception.message", "no reason given"))
        elif record.key is not None and b"\0" not in record.key:  # with a NUL it is history
            self.subjects.add(record.key)
            with self._lock:
                if record.value is None:
                    self._state.pop(record.key, None)
                else:
                    self._state[record.key] = record.value
