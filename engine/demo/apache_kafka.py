"""One node of Apache Kafka (KRaft) on this machine, for the demo and for tests."""

import random
import secrets
import socket
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import cache
from importlib import resources
from itertools import cycle, islice
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from engine.demo.child import Child, StartFailed, remove
from engine.demo.jars import Report, java, kafka_jars

READY_SECONDS = 60.0
_HEAP = "-Xmx512m"
_ATTEMPTS = 3
_PORTS = range(20_000, 32_000)
_BLOCK = 200
"""Ports that a process takes for itself at once; the first of them says that they are taken."""


class KafkaBroker:
    """A running broker on 127.0.0.1. `bootstrap` stays the same over kill and restart.

    `sasl_bootstrap` is a second listener that asks for `user` and `password` (PLAIN, SCRAM-SHA-512; no TLS).
    """

    kind = "Apache Kafka"
    transactions = True
    user = "vigil"

    def __init__(
        self, folder: Path, *, port: int = 0, report: Report | None = None, removes: bool = False
    ) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe(12)
        self._report = report or (lambda _: None)
        self._removes = removes
        self._child: Child | None = None
        self._port, self._sasl_port, self._controller_port = (port or free_port(), free_port(), free_port())

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def sasl_bootstrap(self) -> str:
        return f"127.0.0.1:{self._sasl_port}"

    @property
    def pid(self) -> int | None:
        """The process id of the server; None while it is down."""
        return self._child.pid if self._child is not None else None

    @property
    def log(self) -> Path:
        return self.folder / "kafka.log"

    def start(self, seconds: float = READY_SECONDS) -> None:
        """Start the broker on its folder and return when it answers; StartFailed says what it logged last."""
        if self._child is not None and self._child.running:
            return
        if not self._data.exists():
            self._format()
        self._child = Child(
            self._command("kafka.Kafka", str(self._settings)),
            log=self.log,
            leftovers=self.folder if self._removes else None,
        )
        try:
            self._child.wait_until(self._answers, seconds=seconds, what="Apache Kafka")
        except StartFailed:
            self._child.kill()
            raise

    def stop(self) -> None:
        """End the broker cleanly, and remove its folder when it was made for this broker."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        if self._removes:
            remove(self.folder)

    def kill(self) -> None:
        """SIGKILL the broker; its data and its address stay for `restart`."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def restart(self, seconds: float = READY_SECONDS) -> None:
        """Stop (when it runs) and start again on the same data and the same address."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self.start(seconds)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _settings(self) -> Path:
        return self.folder / "server.properties"

    def _command(self, main: str, *arguments: str) -> list[str]:
        logging = self.folder / "log4j2.yaml"
        return [
            str(java()),
            _HEAP,
            "-XX:TieredStopAtLevel=1",  # a short life never earns the second compiler
            "-XX:+UseSerialGC",
            f"-Dlog4j2.configurationFile={logging}",
            "-cp",
            f"{kafka_jars(self._report)}/*",
            main,
            *arguments,
        ]

    def _format(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.yaml").write_bytes(
            resources.files("engine.demo").joinpath("log4j2.yaml").read_bytes()
        )
        self._settings.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        scram = f"SCRAM-SHA-512=[name={self.user},password={self.password}]"
        arguments = ("format", "-t", cluster_id(), "-c", str(self._settings), "--add-scram", scram)
        done = subprocess.run(  # noqa: S603
            self._command("kafka.tools.StorageTool", *arguments),
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
        )
        if done.returncode != 0:
            remove(self._data)
            raise StartFailed(f"Apache Kafka could not format {self._data}:\n{done.stdout}{done.stderr}")

    def _properties(self) -> dict[str, object]:
        plain = "org.apache.kafka.common.security.plain.PlainLoginModule"
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},SASL://{self.sasl_bootstrap},"
            f"CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap},SASL://{self.sasl_bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl.plain.sasl.jaas.config": (
                f'{plain} required user_{self.user}="{self.password}";'
            ),
            "listener.name.sasl.scram-sha-512.sasl.jaas.config": f"{scram} required;",
            "log.dirs": self._data,
            # Histories are played with their own, old timestamps, which a retention would delete at once.
            "log.retention.ms": -1,
            # A topic that nobody declared is a mistake here as in production.
            "auto.create.topics.enable": "false",
            "message.max.bytes": 10 * 1024 * 1024,
            "replica.fetch.max.bytes": 10 * 1024 * 1024,
            "default.replication.factor": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            # Few internal partitions: fifty each would cost seconds at every start.
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.num.partitions": 1,
            # A broker that was killed is let in again when its old session ends (9 s by default).
            "broker.heartbeat.interval.ms": 500,
            "broker.session.timeout.ms": 3000,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            # Bounds, as a broker in production has them: what lies beyond is refused by it.
            "group.max.session.timeout.ms": 200_000,
            "transaction.max.timeout.ms": 600_000,
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "log.index.size.max.bytes": 1024 * 1024,
        }

    def _cluster(self) -> str | None:
        lines = (self._data / "meta.properties").read_text().splitlines()
        return next((line.partition("=")[2] for line in lines if line.startswith("cluster.id=")), None)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1):
                pass
            admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=2000)
        except (OSError, KafkaError):
            return False
        try:
            cluster = admin.describe_cluster()
            # Another broker may sit on our port, and answer for ours, which is about to find that out.
            return bool(cluster["brokers"]) and cluster["cluster_id"] == self._cluster()
        except KafkaError:
            return False
        finally:
            admin.close()


def start_kafka(folder: Path | None = None, *, port: int = 0, report: Report | None = None) -> KafkaBroker:
    """A ready Apache Kafka; on a folder of its own that `stop()` removes, unless one is given.

    NoJava when this machine cannot run it, StartFailed when it does not come up.
    """
    for attempt in range(_ATTEMPTS):
        own = folder or Path(tempfile.mkdtemp(prefix="vigil-kafka-"))
        broker = KafkaBroker(own, port=port, report=report, removes=folder is None)
        try:
            broker.start()
        except Exception as error:
            broker.stop()
            # Somebody took a free port between our asking for it and Kafka's binding it.
            if "Address already in use" in str(error) and folder is None and attempt + 1 < _ATTEMPTS:
                continue
            raise
        return broker
    raise AssertionError("the last attempt returns or raises")


def cluster_id(number: uuid.UUID | None = None) -> str:
    """A new id as Kafka writes it: 16 bytes in 22 characters, the first a letter.

    One in 64 would begin with a dash, and the command line would take it for an option.
    """
    first, *rest = (number or uuid.uuid4()).bytes
    return urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses now, and that no outgoing connection will be given.

    A client that keeps calling a broker that is down may be given the broker's own port as its own (Linux
    hands out 32768 and above): it then talks to itself, and the broker cannot come back to its address.
    Nor is it handed out to any other process of ours, nor again here before all others of a block were.
    """
    _, ports = _block()
    for port in islice(ports, _BLOCK - 1):
        with socket.socket() as probe:
            if _bound(probe, port):
                return port
    raise StartFailed("every port of this process's block is in use")


@cache
def _block() -> tuple[socket.socket, Iterator[int]]:
    """Ports that are this process's as long as it lives, round and round, and the socket that keeps them so.

    Between a port's being found free and a server's binding it lie seconds, in which others look for ports.
    """
    for first in random.sample(_PORTS[::_BLOCK], len(_PORTS) // _BLOCK):
        keeper = socket.socket()
        if _bound(keeper, first):
            return keeper, cycle(range(first + 1, first + _BLOCK))
        keeper.close()
    raise StartFailed(f"no block of {_BLOCK} ports is free from {_PORTS.start} to {_PORTS.stop}")


def _bound(one: socket.socket, port: int) -> bool:
    try:
        one.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
