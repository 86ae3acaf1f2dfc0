"""The full loop: a real `vigil worker` takes a backlog from the broker, and plain Faust one beside it."""

import asyncio
import json
import os
import secrets
import subprocess
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
    peer_events: int = 20_000
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
    faust: Taken

    @property
    def ratio(self) -> float:
        return self.vigil.rate / self.faust.rate


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
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        child = Child(
            [sys.executable, "-m", "engine.cli.main", "worker"],
            log=Path(folder) / "worker.log",
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


def measure_faust(where: Where, size: Size, say: Say) -> Taken:
    """Plain Faust over the same kind of records on the same broker."""
    settings = settings_for_bench(where, size.partitions, "events")
    changelog = f"{settings.app_id}-seen-changelog"
    topics.create(settings, FOREVER)
    try:
        say(f"plain Faust: preloading {size.peer_events:,} events")
        escalations = max(1, size.escalations * size.peer_events // size.events)
        made = (record(event) for event in events(escalations, size.peer_events))
        counts = asyncio.run(preload(settings, settings.tickets_topic, made))
        say("plain Faust: one worker takes them")
        with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
            arguments = (
                where.bootstrap,
                settings.app_id,
                settings.tickets_topic,
                size.partitions,
                sum(counts),
            )
            done = subprocess.run(  # noqa: S603  (our own module)
                [sys.executable, "-m", "engine.bench.plain_faust", *map(str, arguments)],
                cwd=folder,
                capture_output=True,
                timeout=size.patience,
                check=False,
            )
        if done.returncode != 0:
            raise NotTaken(f"plain Faust ended with {done.returncode}\n{done.stderr.decode()[-2000:]}")
        answer = json.loads(done.stdout[done.stdout.rindex(b"{") :])
        return Taken(answer["records"], answer["seconds"])
    finally:
        forget(settings, (*settings.all_topics, changelog, f"{settings.app_id}-__assignor-__leader"))


def measure_loop(where: Where, size: Size, say: Say) -> Loop:
    """Faust first, then Vigil, on the same broker: a ratio of one run says more than figures of two."""
    faust = measure_faust(where, size, say)
    taken, outcomes = measure_vigil(where, size, say)
    return Loop(taken, outcomes, faust)


def summary(loop: Loop) -> dict[str, object]:
    """For programs."""
    return {
        "vigil": {**loop.vigil._asdict(), "events_per_second": loop.vigil.rate, "outcomes": loop.outcomes},
        "faust": {**loop.faust._asdict(), "events_per_second": loop.faust.rate},
        "ratio": loop.ratio,
    }
