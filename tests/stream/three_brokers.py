"""A cluster as in production: three brokers, each partition on all of them, two of three must have a record.

The controller is a process apart: what is tried is the brokers, not the quorum.
"""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from engine.demo import apache_kafka
from engine.demo.broker import KafkaBroker

BROKERS = (1, 2, 3)
CONTROLLER = 100
INTERNAL = ("__consumer_offsets", "__transaction_state")
START_SECONDS = 120.0
"""A virtual machine each, all at once."""


class Controller(KafkaBroker):
    """Keeps the cluster's metadata, and no record."""

    @property
    def voters(self) -> str:
        return f"{CONTROLLER}@127.0.0.1:{self._controller_port}"

    def _properties(self) -> dict[str, object]:
        kept = super()._properties() | {
            "process.roles": "controller",
            "node.id": CONTROLLER,
            "controller.quorum.voters": self.voters,
            "listeners": f"CONTROLLER://127.0.0.1:{self._controller_port}",
        }
        return {name: value for name, value in kept.items() if name != "advertised.listeners"}

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._controller_port), timeout=1).close()
        except OSError:
            return False
        return True


class Member(KafkaBroker):
    """One of the three. `stop` leaves its data and its address, as `kill` does."""

    def __init__(self, folder: Path, number: int, controller: Controller) -> None:
        super().__init__(folder)
        self._number = number
        self._controller = controller

    def _properties(self) -> dict[str, object]:
        own = super()._properties()
        copies = {name: 3 for name in own if name.endswith("replication.factor")}
        enough = {name: 2 for name in own if name.endswith("min.isr")}
        return {
            **own,
            **copies,
            **enough,
            "process.roles": "broker",
            "node.id": self._number,
            "controller.quorum.voters": self._controller.voters,
            "listeners": own["advertised.listeners"],
            "min.insync.replicas": 2,
        }


class Cluster:
    """`bootstrap` names all three brokers, as `VIGIL_BOOTSTRAP_SERVERS` should."""

    def __init__(self, folder: Path) -> None:
        self.controller = Controller(folder / "controller")
        self.brokers = {n: Member(folder / str(n), n, self.controller) for n in BROKERS}

    @property
    def bootstrap(self) -> str:
        return ",".join(one.bootstrap for one in self.brokers.values())

    def start(self) -> None:
        """NoJava where this machine cannot run it."""
        everybody = (self.controller, *self.brokers.values())
        number = apache_kafka.cluster_id()
        with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(len(everybody)) as pool:
            patched.setattr(apache_kafka, "cluster_id", lambda: number)
            patched.setattr(apache_kafka, "READY_SECONDS", START_SECONDS)
            list(pool.map(lambda one: one.start(START_SECONDS), everybody))
        self.wait_until(lambda: len(self._ask(KafkaAdminClient.describe_cluster)["brokers"]) == len(BROKERS))

    def kill(self) -> None:
        for one in (*self.brokers.values(), self.controller):
            one.kill()

    def leads_most(self, topics: Iterable[str]) -> KafkaBroker:
        """Who leads most partitions of these."""
        leaders = Counter(one["leader_id"] for topic in topics for one in self._partitions(topic))
        return self.brokers[leaders.most_common(1)[0][0]]

    def wait_until_whole(self, topics: Iterable[str]) -> None:
        """Every copy of every partition is in sync, of Kafka's own topics too."""
        named = [*topics, *INTERNAL]
        self.wait_until(
            lambda: all(
                len(one["isr_nodes"]) == len(BROKERS) for topic in named for one in self._partitions(topic)
            )
        )

    def wait_until(self, true: Callable[[], bool], seconds: float = 120) -> None:
        """KafkaError, as of a broker that has just gone, is no answer yet."""
        until = time.monotonic() + seconds
        why: object = "not yet"
        while True:
            try:
                if true():
                    return
            except KafkaError as error:
                why = error
            assert time.monotonic() < until, why
            time.sleep(0.2)

    def _partitions(self, topic: str) -> list[dict[str, Any]]:
        (found,) = self._ask(lambda admin: admin.describe_topics([topic]))
        return list(found["partitions"])

    def _ask(self, question: Callable[[KafkaAdminClient], Any]) -> Any:
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=10_000)
        try:
            return question(admin)
        finally:
            admin.close()
