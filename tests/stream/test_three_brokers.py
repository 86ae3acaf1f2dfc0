"""Brokers come and go under load: each is restarted in turn, then the one that leads most is killed.

Both ways of delivery, and an archive beside them. Nothing of it is to be seen in what is said.
`pytest -s` prints how late outcomes were.
"""

import json
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from counting import environment
from kafka import KafkaProducer
from kafka.errors import KafkaError
from test_rolling_restart import a_life, is_to_breach, replayed
from test_worker_on_kafka import Real
from three_brokers import START_SECONDS, Cluster

from engine.archive.archive import Archive
from engine.contract.codec import decode_outcome
from engine.demo.broker import NoJava
from engine.replay.verdicts import differences, verdicts
from servers import missing

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

POLICY = """
policy: cluster
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
match: {}
clocks:
  triage: {budget: {P1: 3s}, risk: []}
"""
RATE = 6
"""Escalations a second; every third is triaged at once, the others breach three seconds later."""


class Flow:
    """Escalations at an even rate, the same to every deployment, until `stop`; `events` is all of them."""

    def __init__(self, deployments: list[Real]) -> None:
        self.events: list[dict[str, Any]] = []
        self.breaching = 0
        self._deployments = deployments
        # Idempotent, to all that are in sync, and patient: as a producer of events should be.
        self._producer = KafkaProducer(
            bootstrap_servers=deployments[0].bootstrap,
            max_block_ms=120_000,
            delivery_timeout_ms=300_000,
        )
        self._sent: list[Any] = []
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        for number in count():
            for made in (life := a_life(number)):
                self._send(made)
            self.breaching += is_to_breach(life)
            if self._enough.wait(1 / RATE):
                return

    def _send(self, made: dict[str, Any]) -> None:
        self.events.append(made)
        for one in self._deployments:
            self._sent.append(
                self._producer.send(
                    one.settings.tickets_topic,
                    key=made["subject"].encode(),
                    value=json.dumps(made).encode(),
                    headers=[("content-type", b"application/cloudevents+json")],
                )
            )

    def wait_until_said(self, seconds: float = 120) -> None:
        """That what was sent up to now is breached, in every deployment."""
        wanted, until = self.breaching, time.monotonic() + seconds
        for one in self._deployments:
            while breached(one) < wanted:
                assert time.monotonic() < until, one.text()[-3000:]
                time.sleep(1)

    def stop(self) -> None:
        """All of it is acknowledged when this returns."""
        self._enough.set()
        self._thread.join()
        for one in self._sent:
            one.get(300)
        self._producer.close()


def breached(deployment: Real) -> int:
    """How many escalations; 0 where the reader itself was told of a broker that has just gone."""
    try:
        return len({subject for subject, name in deployment.said() if name == "breached"})
    except KafkaError:
        return 0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        made.start()
        yield made
    except NoJava as error:
        missing(f"no Apache Kafka here: {error}")
    finally:
        made.kill()


@pytest.fixture
def deployments(cluster: Cluster, tmp_path: Path) -> Iterator[list[Real]]:
    made = []
    try:
        for delivery in ("transactions", "acknowledged"):
            folder = tmp_path / delivery
            folder.mkdir()
            # A session that a busy machine does not miss: who is replaced is tried elsewhere.
            how = {"env": "production", "partitions": 4, "session_timeout": 30}
            made.append(one := Real(cluster.bootstrap, folder, delivery=delivery, **how))
            one.policy(POLICY)
            created = one.command("topics", "create")
            assert created.returncode == 0, created.stderr
        yield made
    finally:
        for one in made:
            one.kill()


@pytest.fixture
def archive(deployments: list[Real], tmp_path: Path) -> Iterator[str]:
    """Of the first deployment; its process ends well."""
    url = f"sqlite:///{tmp_path}/archive.db"
    with (tmp_path / "archive.log").open("wb") as log:
        command = [sys.executable, "-m", "engine.cli.main", "archive", "run"]
        variables = environment(deployments[0].values, {"ARCHIVE_URL": url})
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log)
    try:
        yield url
        process.terminate()
        assert process.wait(60) == 0, (tmp_path / "archive.log").read_text()[-3000:]
    finally:
        process.kill()
        process.wait()


def test_brokers_restarted_in_turn_and_one_killed_are_not_seen_in_what_is_said(
    cluster: Cluster, deployments: list[Real], archive: str
) -> None:
    topics = [topic for one in deployments for topic in one.settings.all_topics]
    workers = [one.start() for one in deployments]
    for one in deployments:
        one.wait_for("recovered", 0, seconds=120)
    flow = Flow(deployments)
    try:
        flow.wait_until_said()
        for broker in cluster.brokers.values():
            broker.stop()
            flow.wait_until_said()
            broker.start(START_SECONDS)
            cluster.wait_until_whole(topics)
        leads_most = cluster.leads_most(topics)
        leads_most.kill()
        flow.wait_until_said()
        leads_most.start(START_SECONDS)
        cluster.wait_until_whole(topics)
    finally:
        flow.stop()
    flow.wait_until_said()
    assert [worker.poll() for worker in workers] == [None, None]
    for one in deployments:
        records = one.read(one.settings.outcomes_topic)
        said = [decode_outcome(record.value, record.headers) for record in records]
        expected = replayed(one, flow.events)
        assert [str(each) for each in differences(verdicts(said), verdicts(expected))] == []
        assert one.read(one.settings.dlq_topic) == []
        if one.settings.delivery == "transactions":
            assert max(Counter(each.id for each in said).values()) == 1
            wait_until_archived(archive, {each.id for each in said})
        assert different(records) == []
        late = sorted(
            (each.detected_at - each.effective_at) / 1e6 for each in said if each.name == "breached"
        )
        print(f"\n{one.settings.delivery}: {len(said)} outcomes, detected {late[-1]:.1f} s late at most")
        assert one.stop() == [0]


def different(records: list[Any]) -> list[str]:
    """The ids under which two things were said, leaving aside when they were found."""
    said: dict[bytes, set[str]] = defaultdict(set)
    for record in records:
        what = json.loads(record.value) | {"detected_at": None}
        said[dict(record.headers)["ce_id"]].add(json.dumps(what, sort_keys=True))
    return [name.decode() for name, whats in said.items() if len(whats) > 1]


def wait_until_archived(url: str, ids: set[str], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        with Archive.open(url, only_reads=True) as archive:
            found = [outcome.id for account in archive.accounts() for outcome in account.outcomes]
        if set(found) == ids and len(found) == len(ids):
            return
        assert time.monotonic() < until, f"{len(found)} of {len(ids)} outcomes are archived"
        time.sleep(0.5)
