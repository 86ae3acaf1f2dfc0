"""Processes that the network cuts off from Kafka: packets vanish, and no connection breaks."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from counting import Deployment, why_not_ready

from engine.demo.broker import KafkaBroker
from engine.stream.ending import IN_DOUBT
from intake.test_intake_on_kafka import Intake, body
from network import DistantBroker, distant_kafka

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture(scope="module")
def far() -> Iterator[DistantBroker]:
    with distant_kafka(2) as broker:
        yield broker


def wait_until_told(deployment: Deployment, why: str | None, seconds: float = 90) -> None:
    """What the first worker's /ready says."""
    (line,) = deployment.logged("health_server", 0)
    until = time.monotonic() + seconds
    while (found := why_not_ready(line["port"])) != why:
        assert time.monotonic() < until, f"{found}, and not {why}"
        time.sleep(0.2)


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_one_of_two_is_split_off_and_says_so_and_nothing_is_lost_or_said_twice(
    far: DistantBroker, tmp_path: Path, delivery: str
) -> None:
    """The other takes its partitions over; what it writes when the network is back counts for nothing."""
    deployment = Deployment(far.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    try:
        for number in range(2):
            deployment.start(bootstrap_servers=far.through(number))
        for number in range(2):
            deployment.wait_for("recovered", number, seconds=90)
        deployment.send(400, 40)
        deployment.wait_until_done()
        wait_until_told(deployment, None)
        recovered = len(deployment.logged("recovered", 1))
        far.networks[0].lose()
        wait_until_told(deployment, "broker_away")
        deployment.wait_for("recovered", 1, recovered + 1)
        deployment.send(400, 40)
        deployment.wait_until_done()
        far.networks[0].heal()  # by transactions it learns from the broker that it was replaced, and ends
        deployment.send(400, 40)
        deployment.wait_until_done(supervised=True)
        deployment.assert_exact(once=delivery == "transactions")
        # Its successor may have begun just now, and the signal ends who does not listen for it yet.
        deployment.wait_for("health_server", len(deployment.workers) - 1)
        assert set(deployment.stop()) <= {0, IN_DOUBT}
    finally:
        far.networks[0].heal()
        deployment.kill()


def test_a_worker_that_is_told_to_stop_meanwhile_ends_in_order(far: DistantBroker, tmp_path: Path) -> None:
    """It does not wait for its client's last request, nor end in a traceback of it."""
    deployment = Deployment(far.bootstrap, tmp_path)
    deployment.create_topics()
    try:
        worker = deployment.start(bootstrap_servers=far.through(0))
        deployment.wait_for("recovered", seconds=90)
        wait_until_told(deployment, None)
        far.networks[0].lose()
        worker.terminate()
        assert worker.wait(90) == 0
        assert deployment.logged("stop_took_too_long")
        assert json.loads(deployment.log(0).read_text().splitlines()[-1])["event"] == "stopped"
    finally:
        far.networks[0].heal()
        deployment.kill()


def test_the_intake_answers_503_meanwhile_and_ends_when_told_though_kafka_says_nothing(
    far: DistantBroker, tmp_path: Path
) -> None:
    """What its producer still holds was answered with 503: nobody counts on it."""
    intake = Intake(cast(KafkaBroker, SimpleNamespace(bootstrap=far.through(0))), tmp_path)
    try:
        intake.until_ready(200)
        assert intake.zendesk(body("created")).status_code == 200
        far.networks[0].lose()
        assert intake.zendesk(body("soft_deleted")).status_code == 503
        intake.until_ready(503)
        intake.process.terminate()
        assert intake.process.wait(30) == 0
        assert "stopped_without_kafka" in intake.log.read_text()
    finally:
        far.networks[0].heal()
        intake.process.kill()
