"""What `vigil notify` takes of the outcomes topic. For `engine.sql.following`."""

from collections.abc import Callable, Collection, Sequence

import structlog

from engine.contract.outcomes import decode_outcome, unstorable
from engine.core.instants import Instant, Span
from engine.core.outcomes import Outcome
from engine.metrics.notify import NotifyMetrics
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.sql.following import Record as Received
from engine.sql.offsets import Advance

log = structlog.stdlib.get_logger("vigil.notify")


def outcome_of(record: Received) -> Outcome:
    """The outcome of a record of the topic. ValueError, which says why, for one that cannot be taken."""
    outcome = decode_outcome(record.value or b"", record.headers)
    if why := unstorable(outcome):
        raise ValueError(f"outcome {outcome.name} {outcome.id!r}: {why}")
    return outcome


def since(record: Record, not_older: Span, now: Instant) -> Instant:
    """What was found before is told to nobody. A clock that was ahead at the first start, as many are until
    NTP has set them, must not hush what is found from now on."""
    return Instant(min(record.began, now) - not_older)


class IntoRecord:
    """Outcomes into the delivery record; one that cannot be read is said, counted, and stops nothing."""

    def __init__(
        self,
        record: Record,
        root: Route,
        not_older: Span,
        metrics: NotifyMetrics,
        now: Callable[[], Instant],
        news: Callable[[], None],
    ) -> None:
        """`not_older`: what was found longer before the record's first start is told to nobody. `news` is
        called when alerts have changed."""
        self._record, self._root, self._not_older = record, root, not_older
        self._metrics, self._now, self._news = metrics, now, news

    def offsets(self) -> dict[tuple[str, int], int]:
        return self._record.offsets()

    def topic_ids(self) -> dict[str, str]:
        return self._record.topic_ids()

    def take(self, records: Sequence[Received], read: Collection[Advance]) -> None:
        said: list[Outcome] = []
        skipped: list[tuple[Received, str]] = []
        for record in records:
            try:
                said.append(outcome_of(record))
            except ValueError as error:
                skipped.append((record, str(error)))
        now = self._now()
        changed = self._record.take(said, read, self._root, now, since(self._record, self._not_older, now))
        for record, why in skipped:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            log.error("skipped", record=place, why=why)
        self._metrics.taken(len(said), len(skipped))
        if changed:
            self._news()
