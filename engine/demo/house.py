"""The demo's own engine on a broker: topics under a name of their own, a worker process, and their end."""

import os
import secrets
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from engine.core.instants import format_instant
from engine.demo.broker import Broker, free_port
from engine.demo.child import Child, remove
from engine.demo.jars import Report
from engine.demo.playing import Pace
from engine.settings import Settings
from engine.stream import topics
from engine.stream.checks import Unreachable

PARTITIONS = 4
_OURS = (
    "VIGIL_SECURITY_",
    "VIGIL_SASL_",
    "VIGIL_TLS_",
    "VIGIL_START_TIMEOUT",
    "VIGIL_CONSOLE_CANDIDATE",
)
"""Settings of the environment that say how to reach the broker, and policies to compare the demo's with. All
others are the demo's own."""
_TOLD = {
    "bootstrap_servers",
    "app_id",
    "env",
    "partitions",
    "tickets_topic",
    "incidents_topic",
    "commands_topic",
    "outcomes_topic",
    "dlq_topic",
    "policies",
    "delivery",
    "idempotent_producer",
    "session_timeout",
    "metrics_host",
    "metrics_port",
    "tick_interval",
}
_SESSION_SECONDS = 6
_ADMIN_MS = 10_000


class WorkerEnded(Exception):
    """The worker is gone; the message says how and what it logged last."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class House:
    """A context: on entering topics and a folder, on leaving nothing of either, and no process."""

    def __init__(self, broker: Broker, policies: Path, say: Report) -> None:
        self._broker = broker
        self._policies = policies
        self._say = say
        self.name = f"vigil-demo-{secrets.token_hex(3)}"
        self._folder = Path()
        self._worker: Child | None = None
        self._console: Child | None = None
        self.settings = self._settings()

    def _settings(self) -> Settings:
        name = self.name
        return Settings(
            bootstrap_servers=self._broker.bootstrap,
            app_id=name,
            env="dev",
            partitions=PARTITIONS,
            replication_factor=int(os.environ.get("VIGIL_REPLICATION_FACTOR", "1")),
            tickets_topic=f"{name}.tickets.v1",
            incidents_topic=f"{name}.incidents.v1",
            commands_topic=f"{name}.commands.v1",
            outcomes_topic=f"{name}.outcomes.v1",
            dlq_topic=f"{name}.dlq.v1",
            policies=self._policies.resolve(),
            delivery="transactions" if self._broker.transactions else "acknowledged",
            idempotent_producer=self._broker.transactions,
            session_timeout=_SESSION_SECONDS,
            metrics_host="127.0.0.1",
            metrics_port=0,
            tick_interval=0.1,
        )

    def __enter__(self) -> "House":
        self._folder = Path(tempfile.mkdtemp(prefix="vigil-demo-"))
        try:
            topics.create(self.settings, retention_ms=topics.FOREVER)
        except Unreachable:  # so nothing of ours is there
            remove(self._folder)
            raise
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in (self._console, self._worker):
            if child is not None:
                child.stop()
        self._console = self._worker = None
        remove(self._folder)
        if self._broker.kind == "given":  # one of our own takes everything along when it ends
            try:
                self._sweep()
            except (KafkaError, Unreachable, OSError) as trouble:
                self._say(f"left on {self._broker.bootstrap}: topics and group {self.name}… ({trouble})")

    def start_worker(self, pace: Pace) -> None:
        """Start the worker on the demo's clock; it joins its group in a few seconds."""
        self._worker = Child(
            [sys.executable, "-m", "engine.cli.main", "worker"],
            log=self._folder / "worker.log",
            leftovers=self._folder,
            env=self._environment(pace),
        )

    def start_console(self, pace: Pace, zone: str) -> str:
        """Start the console beside it, with an archive of its own; the address of its page."""
        port = free_port()
        self._console = Child(
            [
                sys.executable, "-m", "engine.cli.main", "console", "--port", str(port), "--zone", zone,
                "--archive", f"sqlite:///{self._folder / 'archive.db'}", "--name", "you",
            ],
            log=self._folder / "console.log",
            leftovers=self._folder,
            env=self._environment(pace),
        )  # fmt: skip
        return f"http://127.0.0.1:{port}/"

    def check_worker(self) -> None:
        """WorkerEnded when it is not running any more."""
        if self._worker is not None and not self._worker.running:
            code = self._worker.code
            raise WorkerEnded(f"the worker ended with code {code}.\n{self._worker.last_lines()}", code or 0)

    def last_lines(self) -> str:
        """The end of the worker's log, for a failure that is not its own."""
        return self._worker.last_lines() if self._worker is not None else ""

    def _environment(self, pace: Pace) -> dict[str, str]:
        """What the worker is told: how to reach the broker as we were told it, everything else from us."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("VIGIL_") or k.startswith(_OURS)}
        ours = {name.upper(): str(value) for name, value in self.settings.model_dump(include=_TOLD).items()}
        clock = {
            "CLOCK": "scaled",
            "CLOCK_START": format_instant(pace.start),
            "CLOCK_ANCHOR": format_instant(pace.anchor),
            "CLOCK_SPEED": str(pace.speed),
        }
        return kept | {f"VIGIL_{name}": value for name, value in (ours | clock).items()}

    def _delete_group(self, client: KafkaAdminClient) -> None:
        """Only an empty group can be deleted; a worker that was killed is a member until its session ends."""
        until = time.monotonic() + 2 * _SESSION_SECONDS
        while True:
            client.delete_groups([self.name])
            if not any(group["group_id"] == self.name for group in client.list_groups()):
                return
            if time.monotonic() > until:
                self._say(f"left on {self._broker.bootstrap}: group {self.name}, which has members")
                return
            time.sleep(0.5)

    def _sweep(self) -> None:
        """Delete our topics and our group from a broker that stays."""
        client = topics.admin(self.settings)
        try:
            for name in self.settings.all_topics:
                with suppress(UnknownTopicOrPartitionError):
                    client.delete_topics([name], timeout_ms=_ADMIN_MS)
            self._delete_group(client)
        finally:
            client.close()
