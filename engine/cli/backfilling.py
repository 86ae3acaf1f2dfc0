"""Between a source's history and Kafka or a file: what `vigil intake backfill` is made of."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

from aiokafka.errors import KafkaError

from engine.cli.exits import ExitCode, Failure
from engine.cli.inputs import now
from engine.cli.output import people
from engine.cli.topics import broker_errors
from engine.core.instants import Instant, format_instant
from engine.intake.configuration import Door
from engine.intake.history.asking import Api
from engine.intake.history.journal import Journal, Standing, begin
from engine.intake.history.loading import Load
from engine.intake.history.readers import READERS
from engine.intake.history.sinks import Sink, ToFile, ToKafka
from engine.intake.sending import DLQ, Sender
from engine.settings import Settings
from engine.stream.allowed import must_be_allowed
from engine.stream.rights import roles

_ACKNOWLEDGED_WITHIN = 30.0
"""Seconds: nobody waits for the answer, as sources do at a door."""


class Wish(NamedTuple):
    since: Instant | None
    until: Instant | None
    interval: float | None
    """Seconds between two times of asking; None: once."""
    state: Path | None
    output: Path | None

    def journal(self, door: str) -> Path:
        if self.state is not None:
            return self.state
        if self.output is not None:
            return self.output.with_name(self.output.name + ".state")
        return Path(f"backfill-{door}.json")


def load(settings: Settings, door: Door, wish: Wish) -> dict[str, object]:
    """The summary. HistoryFailed and Failure by their names."""
    if door.history is None:
        raise Failure(
            f"the door {door.name} has no `history`", ExitCode.REFUSED, "docs/intake.md tells of it"
        )
    with Journal(wish.journal(door.name)) as journal:
        output = "" if wish.output is None else str(wish.output)
        standing = begin(journal.read(), door.name, door.history, wish.since, output)
        before = standing
        if wish.output is None:
            with broker_errors():
                must_be_allowed(settings, roles(settings)["intake"].rights)
        with _shown(door.name) as heard:
            after = asyncio.run(_load(settings, door, wish, journal, standing, heard))
    return _summary(door.name, before, after)


async def _load(
    settings: Settings,
    door: Door,
    wish: Wish,
    journal: Journal,
    standing: Standing,
    heard: Callable[[Standing], None],
) -> Standing:
    assert door.history is not None  # noqa: S101  # `load` has asked
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with (
        Api(door.history, stopping=stopping) as api,
        _sink(settings, door, wish, standing, stopping) as sink,
    ):
        reader = READERS[door.source.name](api, door.mapping, door.history.jql)
        loading = Load(door, reader, sink, journal, standing, now=now, heard=heard)
        if wish.interval is None:
            await loading.run(wish.until, stopping)
        else:
            people().print(f"{door.name}: follows, asking every {wish.interval:g} s until stopped")
            await loading.follow(wish.until, wish.interval, stopping)
        return loading.standing


@asynccontextmanager
async def _sink(
    settings: Settings, door: Door, wish: Wish, standing: Standing, stopping: asyncio.Event
) -> AsyncIterator[Sink]:
    if wish.output is not None:
        with ToFile(wish.output, (standing.written, standing.written_dead)) as file:
            yield file
        return
    topics = {"ticket": settings.tickets_topic, "incident": settings.incidents_topic, DLQ: settings.dlq_topic}
    sender = Sender(settings.client_options(), topics, _ACKNOWLEDGED_WITHIN)
    try:
        await sender.start()
    except (KafkaError, TimeoutError) as error:
        hint = "`vigil doctor` looks closer"
        raise Failure(f"{settings.bootstrap_servers}: {error!r}", ExitCode.UNREACHABLE, hint) from None
    try:
        yield ToKafka(sender, door.name, stopping)
    finally:
        await sender.stop()


@contextmanager
def _shown(door: str) -> Iterator[Callable[[Standing], None]]:
    """A line on a terminal that says how far it is."""
    with people().status(f"{door}: asking") as status:

        def heard(stands: Standing) -> None:
            status.update(f"{door}: {stands.pages:,} pages, {stands.events:,} events, {_words(stands)}")

        yield heard


def _words(stands: Standing) -> str:
    if stands.until is None:
        return f"loaded until {format_instant(stands.start)}"
    return f"loading until {format_instant(stands.until)}"


def _summary(door: str, before: Standing, after: Standing) -> dict[str, object]:
    """What this start has done."""
    counted = ("pages", "events", "refused", "ignored")
    counts = {name: getattr(after, name) - getattr(before, name) for name in counted}
    people().print(
        f"{door}: {counts['events']:,} events of {counts['pages']:,} pages, {counts['refused']:,} dead"
        f" letters, {counts['ignored']:,} of kinds that nobody asked for; {_words(after)}"
    )
    loaded = None if after.until is not None else format_instant(after.start)
    return {"door": door, **counts, "since": format_instant(after.since), "loaded_until": loaded}
