"""What the archive takes of the topics that it follows."""

import time
from collections.abc import Collection, Sequence

import structlog

from engine.archive.archive import Archive
from engine.archive.reading import NOT_AN_OUTCOME, Record, Skipped, Topics, read
from engine.contract.codec import Received
from engine.core.outcomes import Outcome
from engine.metrics.archive import ArchiveMetrics
from engine.sql.offsets import Advance

log = structlog.stdlib.get_logger("vigil.archive")


class IntoArchive:
    """Reads records and writes them; says and counts what is skipped. For `engine.sql.following`."""

    def __init__(self, archive: Archive, topics: Topics, metrics: ArchiveMetrics) -> None:
        self._archive, self._topics, self._metrics = archive, topics, metrics
        for reason in NOT_AN_OUTCOME:  # an alert looks for the first
            metrics.skipped(topics.outcomes, reason, 0)

    def offsets(self) -> dict[tuple[str, int], int]:
        return self._archive.offsets()

    def topic_ids(self) -> dict[str, str]:
        return self._archive.topic_ids()

    def take(self, records: Sequence[Record], advances: Collection[Advance]) -> None:
        happened: list[Received] = []
        said: list[Outcome] = []
        skipped: list[tuple[Record, Skipped]] = []
        for record in records:
            match read(record, self._topics):
                case Received() as one:
                    happened.append(one)
                case Outcome() as outcome:
                    said.append(outcome)
                case Skipped() as why:
                    skipped.append((record, why))
        began = time.monotonic()
        new = self._archive.write(happened, said, advances)
        for record, why in skipped:
            self._metrics.skipped(record.topic, why.reason)
            if record.topic == self._topics.outcomes:
                place = f"{record.topic}/{record.partition}/{record.offset}"
                log.warning("skipped", record=place, reason=why.reason, detail=why.detail)
        self._metrics.written(new.facts, new.outcomes)
        log.debug(
            "written",
            records=len(records),
            facts=new.facts,
            outcomes=new.outcomes,
            seconds=round(time.monotonic() - began, 3),
        )
