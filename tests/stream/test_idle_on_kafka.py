"""A partition without events: Kafka forgets who writes nothing for a while, and must not forget its lane."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from counting import Deployment, environment
from kafka import KafkaProducer

from engine.demo.broker import KafkaBroker
from servers import kafka_or_skip

pytestmark = pytest.mark.kafka

REMEMBERED = 8.0
POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
match: {}
clocks:
  triage: {budget: {P1: 1h}, risk: []}
"""
WORKER = """
import runpy, sys
from engine.stream import duties, transactions
transactions.IDLE_SECONDS, duties.IDLE_INTERVAL = 2.0, 0.5
sys.argv = ["vigil", "worker"]
runpy.run_module("engine.cli.main", run_name="__main__")
"""


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaBroker]:
    """A broker that forgets a transactional id after seconds, not after seven days; a producer, too."""
    plain = KafkaBroker._properties
    short = {
        "transactional.id.expiration.ms": int(REMEMBERED * 1_000),
        "transaction.remove.expired.transaction.cleanup.interval.ms": 500,
        "producer.id.expiration.ms": 4_000,
        "producer.id.expiration.check.interval.ms": 500,
    }
    monkeypatch.setattr(KafkaBroker, "_properties", lambda self: {**plain(self), **short})
    broker = kafka_or_skip()
    yield broker
    broker.stop()


def test_an_event_after_a_long_silence_is_taken_as_any_other(forgetful: KafkaBroker, tmp_path: Path) -> None:
    deployment = Deployment(forgetful.bootstrap, tmp_path, partitions=1)
    deployment.create_topics(1)
    (tmp_path / "policy.yaml").write_text(POLICY)
    with deployment.log(0).open("wb") as log:
        values = environment(deployment.values, {"POLICIES": tmp_path / "policy.yaml"})
        worker = subprocess.Popen([sys.executable, "-c", WORKER], env=values, stdout=log, stderr=log)
    deployment.workers.append(worker)
    try:
        for number in range(2):
            deployment.wait_for("recovered", 0)
            time.sleep(REMEMBERED * 2)
            send(deployment, f"desk:{number}")
            until = time.monotonic() + 20
            while sum(line["facts"] for line in deployment.logged("chunk", 0)) <= number:
                assert worker.poll() is None, deployment.log(0).read_text()[-2_000:]
                assert time.monotonic() < until
                time.sleep(0.1)
        assert deployment.stop() == [0]
        kept = [line for line in deployment.logged("chunk", 0) if not line["records"]]
        assert {line["topic"] for line in kept} == set(deployment.settings.input_topics)
    finally:
        deployment.kill()


def send(deployment: Deployment, subject: str) -> None:
    event = {
        "specversion": "1.0", "id": subject, "source": "test", "type": "ticket.opened.v1", "subject": subject,
        "time": datetime.now(UTC).isoformat(), "data": {"title": "down", "severity": "P1"},
    }  # fmt: skip
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    headers = [("content-type", b"application/cloudevents+json")]
    topic = deployment.settings.tickets_topic
    producer.send(topic, key=subject.encode(), value=json.dumps(event).encode(), headers=headers).get(10)
    producer.close()
