"""`vigil notify reread`: the outcomes topic into a delivery record that has read another one."""

from collections.abc import Iterator
from typing import NamedTuple

import structlog

from engine.cli.exits import ExitCode, Failure
from engine.cli.inputs import now
from engine.cli.notifying import configured
from engine.cli.reading import place, read_topics
from engine.core.instants import DAY, SECOND, Instant, Span
from engine.core.outcomes import Outcome
from engine.notify.record import Record
from engine.notify.taking import outcome_of, since
from engine.settings import Settings

log = structlog.stdlib.get_logger("vigil.notify")


class Reread(NamedTuple):
    """What came of it."""

    outcomes: int
    skipped: int
    changed: int
    """Alerts."""


def read_again(settings: Settings, record: Record) -> Reread:
    """Failure where a process tells from the record, or the topic cannot be read; then nothing is changed."""
    root, at = configured(settings).root, now()
    record.begin(at)
    # What was said once, told and forgotten since is not to be told again.
    kept = at - int(settings.notify_keep_days * DAY)
    begins = since(record, Span(int(settings.notify_not_older * SECOND)), at)
    reading = _Reading(settings)
    with record.alone() as held:
        if held is None:
            raise Failure("a process tells from this record", ExitCode.FOUND, "stop `vigil notify run` first")
        changed = record.reread(reading, reading.ends, root, at, Instant(max(begins, kept)))
    return Reread(reading.outcomes, reading.skipped, changed)


class _Reading:
    """The outcomes that can be read, and once they are, how far."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.ends: dict[tuple[str, int], int] = {}
        self.outcomes = self.skipped = 0

    def __iter__(self) -> Iterator[Outcome]:
        for record in read_topics(self._settings, [self._settings.outcomes_topic]):
            self.ends[record.topic, record.partition] = record.offset + 1
            try:
                outcome = outcome_of(record)
            except ValueError as error:
                self.skipped += 1
                log.error("skipped", record=place(record), why=str(error))
            else:
                self.outcomes += 1
                yield outcome
