"""Between the topics and an archive: what `vigil archive run` and `rebuild` read with."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import structlog
from kafka import KafkaConsumer

from engine.archive.archive import Archive
from engine.archive.following import IntoArchive
from engine.archive.reading import Topics
from engine.cli.databases import at_work, when_there
from engine.cli.exits import ExitCode, Failure, until_told
from engine.cli.reading import partitions_of, read_topics, reader
from engine.cli.serving import Health, health_served
from engine.cli.topics import broker_errors
from engine.metrics.archive import ArchiveMetrics
from engine.metrics.certificates import show_certificates
from engine.settings import Settings
from engine.sql.database import give_up_on_silence, shown
from engine.sql.following import Follower, Watch, made_anew
from engine.stream.allowed import must_be_allowed
from engine.stream.rights import reading
from engine.stream.topics import let_in

log = structlog.stdlib.get_logger("vigil.archive")


def archived(settings: Settings) -> Topics:
    """Which topics an archive follows."""
    return Topics((settings.tickets_topic, settings.incidents_topic), settings.outcomes_topic)


def follow(settings: Settings, topics: Topics) -> None:
    """Until SIGTERM or SIGINT. Failure where it cannot begin; TopicMadeAnew."""
    with broker_errors():
        let_in(settings, settings.start_timeout)
        must_be_allowed(settings, reading(topics.all))
    with _reading(settings) as consumer:
        partitions_of(consumer, topics.all)  # later a topic that is not there is waited for
    stopping = until_told()  # until here a signal ends it at once: `ends_when_told`
    metrics = ArchiveMetrics()
    show_certificates(metrics.registry, settings.certificates)
    # Answered from here on: a probe must not end a process that brings a large archive's schema up to date.
    health = Health(settings.ready_lag, metrics)
    with health_served(settings, metrics.registry, health) as port:
        archive = opened(settings, stopping)
        if archive is None:
            return
        with archive:
            log.info("archiving", database=shown(archive.engine), metrics_port=port)
            one = follower(settings, topics, archive, metrics, stopping, health)
            health.why_off = one.why_off
            with at_work():
                one.run()
    log.info("stopped")


def follower(
    settings: Settings,
    topics: Topics,
    archive: Archive,
    metrics: ArchiveMetrics,
    stopping: Event,
    watch: Watch | None = None,
) -> Follower:
    """What follows the topics into the archive until `stopping` is set. `watch`: who counts what it does, if
    not the metrics alone."""
    into, most = IntoArchive(archive, topics, metrics), settings.archive_records
    return Follower(into, topics.all, lambda: reader(settings, "none"), stopping, watch or metrics, most)


def opened(settings: Settings, stopping: Event, *, only_reads: bool = False) -> Archive | None:
    """The archive, or None if stopped before it could be."""
    url = settings.archive_url.get_secret_value()
    archive = when_there(lambda: Archive.open(url, only_reads=only_reads), stopping, settings.start_timeout)
    if archive is not None:
        give_up_on_silence(archive.engine)
    return archive


@contextmanager
def _reading(settings: Settings) -> Iterator[KafkaConsumer]:
    consumer = reader(settings, "none")
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False)


def records(settings: Settings, topics: Topics, into: Archive | None) -> Iterator[Any]:
    """All records that are there. `into`: the archive that is to be made of them alone. Failure, at once,
    where it would lose what it has."""
    with broker_errors():
        must_be_allowed(settings, reading(topics.all))
    if into is not None:
        with _reading(settings) as consumer:
            partitions = partitions_of(consumer, topics.all)
            first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
            gone = made_anew(consumer, topics.all, into.topic_ids())
        gone += [f"{one.topic}/{one.partition} has no more its first records" for one in first if first[one]]
        ends = {(one.topic, one.partition): offset for one, offset in end.items()}
        gone += [
            f"{topic}/{number} ends before what the archive has read of it, or is not read any more"
            for (topic, number), offset in into.offsets().items()
            if offset > ends.get((topic, number), 0)
        ]
        if gone:
            hint = "--keep keeps what the archive has of them; into a new database it is all that there is"
            raise Failure(gone[0], ExitCode.REFUSED, hint)
    return read_topics(settings, topics.all)
