"""The full loop: a real `vigil worker` takes a backlog from the broker, and plain Faust one beside it."""

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from msgspec import Struct

from engine.bench.backlog import preload
from engine.bench.plain_faust import Values
from engine.bench.watching import NotTaken, Taken, watch
from engine.bench.workload import events, record
from engine.demo.child import Child
from engine.settings import Settings
from engine.stream import topics

Say = Callable[[str], None]
FOREVER = topics.FOREVER


class Size(Struct, frozen=True):
    """How much is measured with."""

    events: int = 200_000
    escalations: int = 20_000
    partitions: int = 4
    peer_events: int = 40_000
    patience: float = 300.0
    """Seconds for one backlog."""


class Where(Struct, frozen=True):
    """The broker to measure on, and how."""

    bootstrap: str
    policies: Path
    delivery: str = "transactions"
    idempotent: bool = True
    """False for a broker that knows no idempotent producers."""


class Loop(NamedTuple):
    """One run of both."""

    vigil: Taken
    outcomes: int
    """Said about all events, by readers of committed data."""
    typed: Taken
    """Plain Faust with models that are checked."""
    untyped: Taken
    """Plain Faust that takes any JSON."""

    @property
    def ratio(self) -> float:
        """Beside Faust that validates, as we do."""
        return self.vigil.rate / self.typed.rate

    @property
    def ratio_untyped(self) -> float:
        """Beside Faust that validates nothing."""
        return self.vigil.rate / self.untyped.rate


def settings_for_bench(where: Where, partitions: int, clock: str) -> Settings:
    """Those of an application of its own, that nothing else on the broker knows."""
    name = f"vigil-bench-{secrets.token_hex(3)}"
    kinds = ("tickets", "incidents", "commands", "outcomes", "dlq")
    chosen: dict[str, Any] = {
        "bootstrap_servers": where.bootstrap,
        "app_id": name,
        "env": "dev",
        "policies": where.policies.resolve(),
        "partitions": partitions,
        "replication_factor": 1,
        "delivery": where.delivery,
        "idempotent_producer": where.idempotent,
        "clock": clock,
        "metrics_port": 0,
        **{f"{kind}_topic": f"{name}.{kind}" for kind in kinds},
    }
    return Settings(**chosen)


@contextmanager
def on_own_topics(settings: Settings) -> Iterator[None]:
    """The application's topics, made before and deleted after."""
    topics.create(settings, FOREVER)
    try:
        yield
    finally:
        forget(settings, settings.all_topics)


def forget(settings: Settings, names: tuple[str, ...]) -> None:
    """Delete topics of ours."""
    admin = KafkaAdminClient(**settings.client_options())
    try:
        admin.delete_topics(list(names), raise_errors=False)
    finally:
        admin.close()


@contextmanager
def worker(settings: Settings) -> Iterator[Child]:
    """A `vigil worker` of these settings, in a process of its own."""
    with vigil(settings, "worker") as child:
        yield child


@contextmanager
def vigil(settings: Settings, command: str, *arguments: str) -> Iterator[Child]:
    """A command of these settings, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        child = Child(
            [sys.executable, "-m", "engine.cli.main", command, *arguments],
            log=Path(folder) / f"{command}.log",
            env=_environment(settings),
        )
        try:
            yield child
        finally:
            child.stop()


def _environment(settings: Settings) -> dict[str, str]:
    """Settings as the variables that make them; those that the caller has set stay (credentials)."""
    ours = settings.model_dump(mode="json", exclude_unset=True)
    return dict(os.environ) | {f"VIGIL_{name.upper()}": str(value) for name, value in ours.items()}


def measure_vigil(where: Where, size: Size, say: Say) -> tuple[Taken, int]:
    """Everything is awaited: what counts is what the group has committed. And how many outcomes were said."""
    settings = settings_for_bench(where, size.partitions, "events")
    with on_own_topics(settings):
        say(f"Vigil: preloading {size.events:,} events of {size.escalations:,} escalations")
        made = (record(event) for event in events(size.escalations, size.events))
        counts = asyncio.run(preload(settings, settings.tickets_topic, made))
        say("Vigil: one worker takes them")
        with worker(settings) as child:
            taken = watch(settings, settings.tickets_topic, counts, child, patience=size.patience)
        dead = record_count(settings, settings.dlq_topic)
        if dead:
            raise NotTaken(f"{dead} records were dead-lettered; the measurement would be of something else")
        return taken, record_count(settings, settings.outcomes_topic)


def record_count(settings: Settings, topic: str) -> int:
    """Records of a topic, transaction markers included: an upper bound that is close."""
    admin = KafkaAdminClient(**settings.client_options())
    try:
        found = admin.describe_topics([topic])[0]["partitions"]
        wanted = {TopicPartition(topic, one["partition_index"]): OffsetSpec.LATEST for one in found}
        return sum(end.offset for end in admin.list_partition_offsets(wanted).values())
    finally:
        admin.close()


def measure_faust(where: Where, size: Size, values: Values, say: Say) -> Taken:
    """Plain Faust over the same kind of records on the same broker, by the same yardstick."""
    settings = settings_for_bench(where, size.partitions, "events")
    changelog = f"{settings.app_id}-seen-changelog"
    topics.create(settings, FOREVER)
    try:
        say(f"plain Faust, {values.value}: preloading {size.peer_events:,} events")
        escalations = max(1, size.escalations * size.peer_events // size.events)
        made = (record(event) for event in events(escalations, size.peer_events))
        counts = asyncio.run(preload(settings, settings.tickets_topic, made))
        say(f"plain Faust, {values.value}: one worker takes them")
        with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
            arguments = (settings.app_id, settings.tickets_topic, str(size.partitions), values.value)
            child = Child(
                [sys.executable, "-m", "engine.bench.plain_faust", where.bootstrap, *arguments],
                log=Path(folder) / "faust.log",
                cwd=Path(folder),
            )
            try:
                return watch(settings, settings.tickets_topic, counts, child, patience=size.patience)
            finally:
                child.kill()
    finally:
        forget(settings, (*settings.all_topics, changelog, f"{settings.app_id}-__assignor-__leader"))


def measure_loop(where: Where, size: Size, say: Say) -> Loop:
    """Faust first, then Vigil, on the same broker: a ratio of one run says more than figures of two."""
    untyped = measure_faust(where, size, Values.UNTYPED, say)
    typed = measure_faust(where, size, Values.TYPED, say)
    taken, outcomes = measure_vigil(where, size, say)
    return Loop(taken, outcomes, typed, untyped)


def summary(loop: Loop) -> dict[str, object]:
    """For programs."""
    return {
        "vigil": {**loop.vigil._asdict(), "events_per_second": loop.vigil.rate, "outcomes": loop.outcomes},
        "faust_typed": {**loop.typed._asdict(), "events_per_second": loop.typed.rate},
        "faust_untyped": {**loop.untyped._asdict(), "events_per_second": loop.untyped.rate},
        "ratio": loop.ratio,
        "ratio_untyped": loop.ratio_untyped,
    }
