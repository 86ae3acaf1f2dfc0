"""Sends what the demo plays to Kafka, each record when the demo's clock shows its time."""

import threading
import time

from kafka import KafkaProducer

from engine.core.instants import Instant
from engine.demo.playing import Arrival, Pace, Play
from engine.demo.said import Names
from engine.settings import Settings

_NANOSECONDS = 1_000
_NAP = 0.05
_CONNECT_MS = 15_000
_DELIVERY_MS = 10_000
_CLOSE_SECONDS = 12.0
"""Longer than a delivery may take: kafka-python's producer cannot be closed while one is pending."""


def real_now() -> Instant:
    """The machine's time."""
    return Instant(time.time_ns() // _NANOSECONDS)


class Feed:
    """A thread that sends; what it has sent, the newest caption, and the error that ended it, if any."""

    def __init__(self, settings: Settings, play: Play, pace: Pace, names: Names) -> None:
        self._settings = settings
        self._play = play
        self._pace = pace
        self._names = names
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-feed", daemon=True)
        self.sent = 0
        self.caption = ""
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Everything is sent and acknowledged."""
        return not self._thread.is_alive() and self.error is None

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = _CLOSE_SECONDS + 3) -> None:
        """Send no more; return when the thread has ended."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._send_all()
        except Exception as error:
            self.error = error

    def _send_all(self) -> None:
        producer = KafkaProducer(
            **self._settings.client_options(),
            client_id=f"{self._settings.app_id}-feed",
            acks="all",
            enable_idempotence=self._settings.idempotent_producer,
            linger_ms=5,
            bootstrap_timeout_ms=_CONNECT_MS,
            request_timeout_ms=_DELIVERY_MS // 2,
            delivery_timeout_ms=_DELIVERY_MS,
            max_block_ms=_DELIVERY_MS,
        )
        try:
            for arrival in self._play.arrivals:
                if not self._wait_for(arrival.at):
                    return
                self._send(producer, arrival)
            producer.flush(_DELIVERY_MS / 1000)
        finally:
            producer.close(timeout=_CLOSE_SECONDS)
        if self.error is not None:
            raise self.error

    def _wait_for(self, at: Instant) -> bool:
        """Until the clock shows `at`, or the play's advance before it. False: stopped, or a record failed."""
        due = self._pace.real(at) - int(self._play.ahead * 1_000_000)
        while not self._stop.is_set() and self.error is None:
            left = (due - real_now()) / 1_000_000
            if left <= 0:
                return True
            self._stop.wait(min(left, _NAP))
        return False

    def _send(self, producer: KafkaProducer, arrival: Arrival) -> None:
        topic = (
            self._settings.incidents_topic if arrival.family == "incident" else self._settings.tickets_topic
        )
        arrival.tell(self._names)
        record = arrival.record
        sent = producer.send(
            topic, value=record.value, key=record.key, headers=record.headers, timestamp_ms=arrival.at // 1000
        )
        sent.add_errback(self._failed)
        self.sent += 1
        if arrival.caption:
            self.caption = arrival.caption

    def _failed(self, error: BaseException) -> None:
        self.error = error
