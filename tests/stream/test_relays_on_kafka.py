"""Links and merges between partitions, on a real Apache Kafka, by either delivery."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from counting import PARTITIONS, environment
from kafka.partitioner.default import murmur2
from test_worker_on_kafka import Real, event, now, opened

from engine.demo.broker import KafkaBroker

POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  first_response: {budget: {P1: 10m}, risk: []}
cadence:
  customer: {every: {P1: 2h}, risk: []}
"""


def partition(subject: str) -> int:
    """Where producers with the default partitioner put it."""
    return int(murmur2(subject.encode()) & 0x7FFFFFFF) % PARTITIONS


def subject(name: str, elsewhere_than: str = "") -> str:
    """A subject of that name; of another partition than the other's."""
    names = (f"{name}:{number}" for number in range(100))
    return next(one for one in names if not elsewhere_than or partition(one) != partition(elsewhere_than))


@pytest.fixture(params=["transactions", "acknowledged"])
def deployment(request: pytest.FixtureRequest, kafka: KafkaBroker, tmp_path: Path) -> Iterator[Real]:
    with Real.prepared(kafka, tmp_path, POLICY, delivery=request.param) as made:
        yield made


def wait_for(deployment: Real, *wanted: tuple[str, str]) -> list[tuple[str, str]]:
    until = time.monotonic() + 40
    while not set(wanted) <= set(said := deployment.said()):
        assert time.monotonic() < until, f"{said}\n{deployment.text()[-3000:]}"
        time.sleep(0.2)
    return said


def test_an_update_of_the_incident_settles_the_ticket_of_another_partition_until_it_is_taken_back(
    deployment: Real,
) -> None:
    incident = subject("incident")
    ticket = subject("ticket", elsewhere_than=incident)
    start = now() - timedelta(minutes=4)
    deployment.publish([opened(incident, start), opened(ticket, start)])
    deployment.start()
    deployment.publish(
        [
            event(incident, "linked", start + timedelta(minutes=1), to=ticket),
            event(incident, "update_published", start + timedelta(minutes=3), audience="customer"),
        ]
    )
    said = wait_for(deployment, (ticket, "met"))
    assert said.count((ticket, "met")) == 2, "its first response, and its interval"
    (relay,) = deployment.read(deployment.settings.commands_topic)
    assert (relay.key.decode(), relay.partition) == (ticket, partition(ticket))
    assert relay.partition != partition(incident)
    deployment.publish([event(incident, "unlinked", start + timedelta(minutes=2), to=ticket)])
    said = wait_for(deployment, (ticket, "retracted"))
    assert said.count((ticket, "retracted")) == 2
    assert deployment.stop() == [0]


def test_explain_recomputes_what_came_of_another_partition(deployment: Real) -> None:
    incident = subject("incident")
    ticket = subject("ticket", elsewhere_than=incident)
    start = now() - timedelta(minutes=4)
    deployment.publish([opened(incident, start), opened(ticket, start)])
    linked = event(incident, "linked", start + timedelta(minutes=1), to=ticket)
    update = event(incident, "update_published", start + timedelta(minutes=3), audience="customer")
    deployment.publish([linked, update])
    deployment.start()
    wait_for(deployment, (ticket, "met"))
    assert deployment.stop() == [0]
    command = [sys.executable, "-m", "engine.cli.main", "explain", ticket, "--json"]
    done = subprocess.run(
        [*command, "-p", str(deployment.folder / "policies")],
        env=environment(deployment.values, {}), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [one["check"] for one in json.loads(done.stdout)["verdicts"]] == ["equal", "equal"]


def test_what_survives_a_merge_waits_since_the_contact_in_another_partition(deployment: Real) -> None:
    secondary = subject("secondary")
    survivor = subject("survivor", elsewhere_than=secondary)
    start = now() - timedelta(minutes=30)
    later = start + timedelta(minutes=28)
    deployment.publish([opened(secondary, start), opened(survivor, later)])
    deployment.publish([event(secondary, "merged", later + timedelta(minutes=1), into=survivor)])
    answered = subject("answered")
    calm = subject("calm", elsewhere_than=answered)
    deployment.publish([opened(answered, start), opened(calm, later)])
    deployment.publish([event(answered, "message_sent", start + timedelta(minutes=5), public=True)])
    deployment.publish([event(answered, "merged", later + timedelta(minutes=1), into=calm)])
    deployment.publish([event(calm, "message_sent", now(), public=True)])
    deployment.start()
    said = wait_for(deployment, (survivor, "breached"), (calm, "met"))
    assert (secondary, "cancelled") in said
    assert {(answered, "breached"), (calm, "breached")}.isdisjoint(said), "who was answered waits for nobody"
    assert deployment.stop() == [0]


def test_a_relay_in_an_input_topic_changes_nothing(deployment: Real) -> None:
    ticket = subject("ticket")
    start = now()
    outsider = {
        **event(ticket, "x", start, version=1, event_source="x", event_id="x", **{"from": "incident:1"}),
        "type": "vigil.relayed_update.v1",
    }
    deployment.publish([opened(ticket, start), outsider])
    deployment.publish([event(ticket, "cancelled", start, reason="spam")])
    deployment.start()
    said = wait_for(deployment, (ticket, "cancelled"))
    assert (ticket, "met") not in said
    assert deployment.read(deployment.settings.dlq_topic) == []
    assert deployment.stop() == [0]
