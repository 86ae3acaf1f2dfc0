"""Which sources are behind: what was recorded on the event topics and has not been read, and since when."""

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event, Thread
from typing import NamedTuple, Protocol

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from engine.contract.placing import partition_of
from engine.core.instants import MILLISECOND, Instant, Span
from engine.sql.following import partitions_of

log = structlog.stdlib.get_logger("vigil.console")

LOOK_SECONDS = 1.0
DOUBT_SECONDS = 15.0
"""After so long without a look that worked it is said that nobody knows."""
_AGAIN_SECONDS = 5.0
_READING_SECONDS = 3.0
"""Of one look, for records; what is not reached in it is told as it was last known."""
_ANSWER_MS = 5_000


class Late(NamedTuple):
    """A partition of which not all that was recorded has been read, or that has fallen silent."""

    topic: str
    partition: int
    until: Instant
    """Whatever was recorded before it has been read: a verdict that is due later is not final."""
    last: Instant | None
    """When the last event that was read was recorded; None: there is none, or it is kept no more."""
    unread: int
    """Records; 0: the source is silent for longer than it should be."""


class Bounds(NamedTuple):
    """Those of the workers, in the engine's time: VIGIL_BEHIND_AFTER, VIGIL_HEARD_WITHIN; 0: none."""

    behind: Span
    heard: Span = Span(0)


class Committed(Protocol):
    """Up to where the workers have committed each partition: called and closed by one thread."""

    def __call__(self) -> Mapping[TopicPartition, int]:
        """KafkaError."""

    def close(self) -> None: ...


class Sources:
    """Asks Kafka once a second, by what it keeps itself: a console that is started again knows as much."""

    def __init__(
        self,
        bounds: Bounds,
        topics: Sequence[str],
        connect: Callable[[], KafkaConsumer],
        committed: Committed,
        now: Callable[[], Instant],
    ) -> None:
        """`connect` makes a consumer without a group that reads committed records from the earliest."""
        self.bounds = bounds
        self.late: tuple[Late, ...] = ()
        """What is behind now."""
        self.failed = ""
        """Why it is not known whether anything is; empty while it is."""
        self._topics, self._connect, self._committed, self._now = topics, connect, committed, now
        self._partitions = 0
        self._known: dict[TopicPartition, tuple[int, Instant | None, Instant | None]] = {}
        """Around an offset: when the record before it was recorded, and when the first from it on."""
        self._worked = time.monotonic()
        self._changed: Callable[[], None] = lambda: None
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="console-sources", daemon=True)

    def start(self, changed: Callable[[], None]) -> None:
        """`changed` is called whenever something is behind that was not, or is no more."""
        self._changed = changed
        if self.bounds.behind:
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    @property
    def is_known(self) -> bool:
        """Whether it is known what is behind, be it nothing."""
        return self._partitions > 0 and not self.failed

    def of(self, partition: int) -> Late | None:
        """What holds back the verdicts of a partition the furthest; None: nothing does."""
        return min((one for one in self.late if one.partition == partition), key=_until, default=None)

    def holding(self, subject: str, partition: int | None) -> Late | None:
        """The same of an escalation; without a partition, of where Kafka's default partitioner puts it."""
        if not self.late:
            return None
        if partition is None:
            partition = partition_of(subject.encode(errors="replace"), self._partitions)
        return self.of(partition)

    def tell(self, late: Sequence[Late], partitions: int) -> None:
        """What is behind, of topics with so many partitions each."""
        before, self._partitions, self.late = self.late, partitions, tuple(late)
        if self.late != before:
            self._changed()

    # -- looking ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch()
            except Exception as error:  # whatever it is: what is not known any more must not be said
                why = str(error) or type(error).__name__
                unforeseen = None if isinstance(error, KafkaError) else error
                log.warning("sources_unknown", why=why, again_in_seconds=_AGAIN_SECONDS, exc_info=unforeseen)
                if time.monotonic() - self._worked > DOUBT_SECONDS:
                    self.failed = why
                    self.tell((), self._partitions)
                self._stopping.wait(_AGAIN_SECONDS)

    def _watch(self) -> None:
        consumer = self._connect()
        try:
            while not self._stopping.is_set():
                partitions = self.begin(consumer)  # anew each time: some may have been added
                self.tell(self.look(consumer, partitions), len(partitions) // len(self._topics))
                self._worked, self.failed = time.monotonic(), ""
                self._stopping.wait(LOOK_SECONDS)
        finally:
            consumer.close(autocommit=False)
            self._committed.close()

    def begin(self, consumer: KafkaConsumer) -> list[TopicPartition]:
        """Whatever is looked at; UnknownTopicOrPartitionError."""
        found = partitions_of(consumer, self._topics)
        consumer.assign(found)  # always all: the client forgets where others lie
        consumer.pause(*found)
        return found

    def look(self, consumer: KafkaConsumer, partitions: Sequence[TopicPartition]) -> list[Late]:
        """What is behind at this moment."""
        now, until = self._now(), time.monotonic() + _READING_SECONDS
        first = consumer.beginning_offsets(partitions)
        ends = consumer.end_offsets(partitions, timeout_ms=_ANSWER_MS)
        young = _since(consumer, partitions, ends, Instant(now - self.bounds.behind))
        committed = self._committed()  # the last of all: nothing is called unread that was read meanwhile
        late: list[Late] = []
        for one in partitions:
            at = max(committed.get(one, 0), first[one])
            if at >= young[one]:
                continue
            last, unread = self._around(consumer, one, at, ends[one], until)
            if unread is not None:  # else what lies there are marks of transactions alone
                late.append(Late(one.topic, one.partition, unread, last, ends[one] - at))
        return late + self._silent(consumer, partitions, ends, now, until)

    def _silent(
        self,
        consumer: KafkaConsumer,
        partitions: Sequence[TopicPartition],
        ends: Mapping[TopicPartition, int],
        now: Instant,
        until: float,
    ) -> list[Late]:
        """Partitions that hear nothing on any topic."""
        if not self.bounds.heard:
            return []
        span = max(self.bounds.heard, self.bounds.behind)
        young = _since(consumer, partitions, ends, Instant(now - span))
        hear = {one.partition for one in partitions if young[one] < ends[one]}
        found: list[Late] = []
        for number in sorted({one.partition for one in partitions} - hear):
            of_it = [one for one in partitions if one.partition == number]
            heard = [self._around(consumer, one, ends[one], ends[one], until)[0] for one in of_it]
            last = max((at for at in heard if at is not None), default=None)
            topics = " and ".join(one.topic for one in of_it)
            found.append(Late(topics, number, last or Instant(0), last, 0))
        return found

    def _around(
        self, consumer: KafkaConsumer, one: TopicPartition, at: int, end: int, until: float
    ) -> tuple[Instant | None, Instant | None]:
        """When the last record before an offset was recorded, and the first from there on; None: there is
        none. As it was last known where there is no time left to read."""
        known = self._known.get(one)
        if known is not None and (known[0] == at or time.monotonic() > until):
            return known[1:]
        consumer.resume(one)
        consumer.seek(one, max(0, at - 2))  # the one before may be the mark of a transaction
        before: Instant | None = None
        after: Instant | None = None
        while after is None and consumer.position(one) < end and not self._stopping.is_set():
            for record in consumer.poll(timeout_ms=500).get(one, ()):
                recorded = Instant(record.timestamp * MILLISECOND)
                if record.offset >= at:
                    after = recorded
                    break
                before = recorded
            if time.monotonic() > until:
                break
        consumer.pause(one)
        self._known[one] = at, before, after
        return before, after


def _until(one: Late) -> Instant:
    return one.until


def _since(
    consumer: KafkaConsumer,
    partitions: Sequence[TopicPartition],
    ends: Mapping[TopicPartition, int],
    at: Instant,
) -> dict[TopicPartition, int]:
    """The first offset of each that was recorded at or after a time; its end where none was."""
    asked = dict.fromkeys(partitions, max(0, at // MILLISECOND))
    found = consumer.offsets_for_times(asked, timeout_ms=_ANSWER_MS)
    return {one: ends[one] if found.get(one) is None else found[one].offset for one in partitions}
