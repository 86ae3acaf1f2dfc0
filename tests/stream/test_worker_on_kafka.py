"""`vigil worker` as users run it: a process, policy files, CloudEvents, a real Apache Kafka."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from counting import Deployment, environment
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from engine.demo.broker import KafkaBroker, free_port
from engine.settings import Settings

POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
default_severity: P2
match: {}
clocks:
  triage: {budget: {P1: 8s, P2: 1h}, risk: []}
"""


class Real(Deployment):
    """A deployment of the real worker."""

    @classmethod
    @contextmanager
    def prepared(
        cls, kafka: KafkaBroker, folder: Path, policy: str = POLICY, **settings: Any
    ) -> Iterator[Self]:
        """With its topics and a policy; its workers end with it."""
        made = cls(kafka.bootstrap, folder, **settings)
        made.create_topics()
        made.policy(policy)
        try:
            yield made
        finally:
            made.kill()

    def policy(self, text: str = POLICY) -> Path:
        folder = self.folder / "policies"
        folder.mkdir(exist_ok=True)
        (folder / "policy.yaml").write_text(text)
        return folder

    def start(self, *program: str, **settings: Any) -> "subprocess.Popen[bytes]":
        """`program`: what Python runs instead of `vigil`."""
        values = environment(self.values, {"POLICIES": self.folder / "policies", **settings})
        with self.log(len(self.workers)).open("wb") as log:
            command = [sys.executable, *(program or ("-m", "engine.cli.main")), "worker"]
            worker = subprocess.Popen(command, env=values, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run `vigil` with the same settings."""
        values = environment(self.values, {"POLICIES": self.folder / "policies"})
        command = [sys.executable, "-m", "engine.cli.main", *arguments]
        return subprocess.run(command, env=values, capture_output=True, text=True, timeout=60, check=False)

    def text(self, number: int = 0) -> str:
        return self.log(number).read_text("utf-8", errors="replace")

    def publish(self, events: list[dict[str, Any]], topic: str = "") -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20, batch_size=200_000)
        for event in events:
            producer.send(
                topic or self.settings.tickets_topic,
                key=event["subject"].encode(),
                value=json.dumps(event).encode(),
                headers=[("content-type", b"application/cloudevents+json")],
            )
        producer.flush()
        producer.close()

    def said(self) -> list[tuple[str, str]]:
        """(subject, name) of every outcome that is committed, in the order of each partition."""
        found = []
        for record in self.read(self.settings.outcomes_topic):
            headers = dict(record.headers)
            found.append((record.key.decode(), headers["ce_type"].decode().split(".")[1]))
        return found

    def wait_for_outcomes(self, number: int, seconds: float = 40) -> list[tuple[str, str]]:
        until = time.monotonic() + seconds
        while len(said := self.said()) < number:
            assert time.monotonic() < until, f"{said}\n{self.text()[-3000:]}"
            time.sleep(0.2)
        return said


@pytest.fixture
def deployment(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Real]:
    with Real.prepared(kafka, tmp_path) as made:
        yield made


def event(subject: str, verb: str, at: datetime, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{subject}-{verb}-{at.timestamp()}",
        "source": "test",
        "type": f"ticket.{verb}.v1",
        "subject": subject,
        "time": at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def opened(subject: str, at: datetime, severity: str = "P1") -> dict[str, Any]:
    return event(subject, "opened", at, title="down", severity=severity, customer={"id": "acme"})


def now() -> datetime:
    return datetime.now(UTC)


def test_a_breach_is_said_at_its_due_time_and_a_triage_in_time_is_met(deployment: Real) -> None:
    start = now()
    deployment.publish([opened("silent", start), opened("quick", start)])
    deployment.publish([event("quick", "triaged", start + timedelta(seconds=1), severity="P1", by="ann")])
    deployment.start()
    said = deployment.wait_for_outcomes(2)
    assert ("quick", "met") in said
    assert ("silent", "breached") in said
    assert deployment.stop() == [0]


def test_alarms_are_set_again_after_a_kill(deployment: Real) -> None:
    deployment.publish([opened("silent", now())])
    worker = deployment.start()
    deployment.wait_for("chunk", 0)
    worker.kill()
    worker.wait()
    assert deployment.said() == []
    deployment.start()
    assert deployment.wait_for_outcomes(1) == [("silent", "breached")]
    assert deployment.stop()[-1] == 0


def delete(deployment: Real, topic: str, partition: int, before: int = -1) -> None:
    """As a retention does, of all offsets before one; -1: of all that are there."""
    admin = KafkaAdminClient(bootstrap_servers=deployment.bootstrap)
    admin.delete_records({TopicPartition(topic, partition): before})
    admin.close()


def test_what_retention_deletes_unread_is_lost_and_only_that(deployment: Real) -> None:
    tickets, commands = deployment.settings.tickets_topic, deployment.settings.commands_topic
    deployment.publish([opened("silent", now())])
    deployment.start()
    deployment.wait_for_outcomes(1)
    (place,) = {record.partition for record in deployment.read(tickets)}
    deployment.stop()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap)
    for topic, value in ((tickets, b"gone"), (tickets, b"kept"), (commands, b"gone")):
        producer.send(topic, key=b"silent", value=value, partition=place).get(10)
    delete(deployment, tickets, place, 2)
    delete(deployment, commands, place)
    worker = deployment.start()
    deployment.wait_for("chunk", 1)
    gone = deployment.logged("records_gone", 1)
    assert (tickets, 1) in {(line["topic"], line["records"]) for line in gone}
    # Under a worker that stands still, and in the topic of its ticks.
    worker.send_signal(signal.SIGSTOP)
    for _ in range(2):  # a fetch that is under way brings the first
        producer.send(tickets, key=b"silent", value=b"gone", partition=place).get(10)
        producer.send(commands, key=b"silent", value=b"gone", partition=place).get(10)
        time.sleep(0.5)
    delete(deployment, tickets, place)
    delete(deployment, commands, place)
    worker.send_signal(signal.SIGCONT)
    producer.close()
    deployment.publish([event("silent", "triaged", now(), severity="P1", by="ann")])
    assert deployment.wait_for_outcomes(2) == [("silent", "breached"), ("silent", "stopped_late")]
    deployment.wait_for("records_gone", 1, times=4)
    assert deployment.stop()[-1] == 0


def test_a_rebase_moves_one_escalation_to_another_version_and_outlives_a_kill(deployment: Real) -> None:
    start = now()
    comes = start.replace(microsecond=0) + timedelta(seconds=1)
    strict = POLICY.replace("2020-01-01T00:00:00Z", comes.isoformat()).replace("P1: 8s", "P1: 9s")
    deployment.policy(f"{POLICY.replace('P1: 8s', 'P1: 1h')}\n---\n{strict}")
    deployment.publish([opened("moved", start), opened("stays", start)])
    worker = deployment.start()
    deployment.wait_for("chunk", 0)
    chunks = len(deployment.logged("chunk", 0))
    asked = ("--subject", "moved", "--reason", "the new contract")
    done = deployment.command("policy", "rebase", "-p", str(deployment.folder / "policies"), *asked)
    assert done.returncode == 0, done.stderr
    deployment.wait_for("chunk", 0, times=chunks + 1)
    worker.kill()
    worker.wait()
    deployment.start()
    deployment.wait_for("recovered", 1)
    assert deployment.wait_for_outcomes(1) == [("moved", "breached")]
    assert deployment.stop()[-1] == 0
    (breach,) = deployment.read(deployment.settings.outcomes_topic)
    judged_by = json.loads(breach.value)["policy"]["version"]
    assert datetime.fromisoformat(judged_by) == comes


def test_a_holiday_that_is_taken_back_reaches_what_is_open_without_an_event(deployment: Real) -> None:
    days = [(now() + timedelta(days=ahead)).date() for ahead in range(-1, 3)]
    closed = "holidays: {dates: {" + ", ".join(f"{day}: closed" for day in days) + "}}"
    hours = 'calendar: shop\nzone: UTC\nhours: {mon-sun: ["00:00-24:00"]}'
    policy = POLICY.replace("P1: 8s", "P1: 3s @shop")
    deployment.policy(f"{hours}\n{closed}\n---\n{policy}")
    deployment.publish([opened("holiday", now())])
    deployment.start()
    deployment.wait_for("chunk", 0)
    time.sleep(4)
    assert deployment.stop() == [0]
    assert deployment.said() == [], "due when the holidays are over"
    deployment.policy(f"{hours}\n---\n{policy}")
    deployment.start()
    assert deployment.wait_for_outcomes(1) == [("holiday", "breached")]
    assert deployment.stop()[-1] == 0


def test_a_source_that_fell_silent_makes_a_breach_provisional(deployment: Real) -> None:
    deployment.start(HEARD_WITHIN=3, BEHIND_AFTER=2)
    deployment.wait_for("recovered", 0)
    deployment.publish([opened("silent", now())])
    assert deployment.wait_for_outcomes(1) == [("silent", "breached")]
    (record,) = deployment.read(deployment.settings.outcomes_topic)
    assert json.loads(record.value)["provisional"] is True
    assert deployment.stop() == [0]


def test_a_worker_that_is_started_again_knows_what_was_heard_before(deployment: Real) -> None:
    deployment.start(HEARD_WITHIN=60, BEHIND_AFTER=2)
    deployment.wait_for("recovered", 0)
    deployment.publish([opened("heard", now())])
    deployment.wait_for("chunk", 0)
    assert deployment.stop() == [0]
    assert deployment.said() == [], "it is due in some seconds"
    deployment.start(HEARD_WITHIN=60, BEHIND_AFTER=2)
    assert deployment.wait_for_outcomes(1) == [("heard", "breached")]
    (record,) = deployment.read(deployment.settings.outcomes_topic)
    assert "provisional" not in json.loads(record.value)
    assert deployment.stop()[-1] == 0


def test_or_its_breach_waits_until_the_source_is_heard_again(deployment: Real) -> None:
    deployment.start(HEARD_WITHIN=3, BEHIND_AFTER=2, WHEN_BEHIND="wait")
    deployment.wait_for("recovered", 0)
    deployment.publish([opened("silent", now())])
    assert deployment.wait_for_outcomes(1) == [("silent", "source_behind")]
    time.sleep(2)
    assert deployment.said() == [("silent", "source_behind")], "told once, and not judged"
    deployment.publish([event("silent", "updated", now(), title="still down")])
    assert deployment.wait_for_outcomes(2) == [("silent", "source_behind"), ("silent", "breached")]
    assert deployment.stop() == [0]


def test_with_ten_thousand_open_clocks_outcomes_are_readable_within_a_second_of_their_due_time(
    deployment: Real,
) -> None:
    deployment.start()
    deployment.wait_for("recovered", 0)
    start = now() + timedelta(seconds=8)
    late: list[float] = []
    stop = threading.Event()
    reader = threading.Thread(target=watch_breaches, args=(deployment, late, stop))
    reader.start()
    try:
        # 9,000 stay open for an hour; 1,000 come due within ten seconds.
        deployment.publish([opened(f"open-{n}", start, "P2") for n in range(9_000)])
        deployment.publish([opened(f"due-{n}", start + timedelta(milliseconds=10 * n)) for n in range(1_000)])
        until = time.monotonic() + 50
        while len(late) < 1_000 and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        stop.set()
        reader.join()
    assert len(late) == 1_000
    late.sort()
    print(f"lateness p50 {late[500]:.3f} p99 {late[990]:.3f} max {late[-1]:.3f}")
    assert late[0] >= 0
    assert late[990] <= 1.0
    assert deployment.stop() == [0]


def watch_breaches(deployment: Real, late: list[float], stop: threading.Event) -> None:
    """How long after its due time each breach can be read by a reader of committed data."""
    topic = deployment.settings.outcomes_topic
    consumer = KafkaConsumer(
        bootstrap_servers=deployment.bootstrap, isolation_level="read_committed", fetch_max_wait_ms=20
    )
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    while not stop.is_set():
        for records in consumer.poll(timeout_ms=50).values():
            seen = time.time()
            for record in records:
                if dict(record.headers)["ce_type"].startswith(b"sla.breached"):
                    due = datetime.fromisoformat(json.loads(record.value)["due_at"])
                    late.append(seen - due.timestamp())
    consumer.close()


def test_history_is_judged_by_the_events_own_time_and_needs_no_waiting(deployment: Real) -> None:
    start = datetime(2021, 3, 1, 12, tzinfo=UTC)
    deployment.publish([opened("old", start), opened("older", start)])
    in_time = event("older", "triaged", start + timedelta(seconds=2), severity="P1")
    late = event("old", "triaged", start + timedelta(seconds=60), severity="P1")
    deployment.publish([in_time, late])
    deployment.start(clock="events")
    said = deployment.wait_for_outcomes(2)
    time.sleep(1)
    said = deployment.said()
    assert sorted(said) == [("old", "breached"), ("old", "stopped_late"), ("older", "met")]
    assert deployment.read(deployment.settings.commands_topic) == [], "no ticks"
    assert deployment.stop() == [0]


def test_an_event_clock_that_was_killed_goes_on_from_the_stored_watermark(deployment: Real) -> None:
    start = datetime(2021, 3, 1, 12, tzinfo=UTC)
    deployment.publish([opened("silent", start)])
    worker = deployment.start(clock="events")
    deployment.wait_for("chunk", 0)
    worker.kill()
    worker.wait()
    deployment.start(clock="events")
    deployment.wait_for("recovered", 1)
    deployment.publish([event("silent", "updated", start + timedelta(minutes=5), title="still down")])
    assert deployment.wait_for_outcomes(1) == [("silent", "breached")]
    assert deployment.stop()[-1] == 0


def test_what_cannot_be_taken_is_dead_lettered_with_its_reason_and_bytes(deployment: Real) -> None:
    good = opened("good", now())
    deployment.publish([good])
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, max_request_size=8_000_000)
    structured = [("content-type", b"application/cloudevents+json")]
    wrong = {
        b"unparsable": b"{",
        b"large": b"[" + b"9" * 5_000_000,
        b"field": json.dumps({**good, "subject": "field", "data": {"title": 5}}).encode(),
        b"mismatch": json.dumps(good).encode(),
    }
    for key, value in wrong.items():
        producer.send(deployment.settings.tickets_topic, key=key, value=value, headers=structured).get(10)
    producer.send(deployment.settings.tickets_topic, key=b"tombstone", value=None).get(10)
    producer.close()
    deployment.start()
    until = time.monotonic() + 30
    while len(dead := deployment.read(deployment.settings.dlq_topic)) < 5 and time.monotonic() < until:
        time.sleep(0.2)
    assert {record.key: record.value for record in dead} == {**wrong, b"tombstone": None}
    assert all(any(b"reason" in n.encode() or "errors" in n for n, _ in r.headers) for r in dead)
    assert [s for s, _ in deployment.wait_for_outcomes(1)] == ["good"]
    assert deployment.stop() == [0]


def test_ready_and_metrics_tell_of_what_is_open_and_due(deployment: Real) -> None:
    start = now()
    deployment.publish([opened("a", start, "P2"), opened("b", start, "P2"), opened("c", start)])
    deployment.start()
    deployment.wait_for("recovered", 0)
    port = deployment.logged("health_server", 0)[0]["port"]
    deployment.wait_for_outcomes(1)
    until = time.monotonic() + 20
    while 'sla_open_escalations{mode="live",severity="P2"} 2.0' not in (page := fetch(port, "/metrics")):
        assert time.monotonic() < until, page
        time.sleep(0.3)
    due = float(
        re.findall(r'sla_next_deadline_timestamp_seconds\{mode="live",severity="P2"\} (\S+)', page)[0]
    )
    assert due == pytest.approx(start.timestamp() + 3600, abs=1)
    assert 'sla_breaches_total{metric="triage",mode="live",severity="P1"} 1.0' in page
    assert 'vigil_ready{mode="live"} 1.0' in page
    assert 'vigil_recovering{mode="live"} 0.0' in page
    assert float(re.findall(r"\nvigil_heartbeat_timestamp_seconds\S+ (\S+)", page)[0]) > time.time() - 60
    assert re.search(r"\nvigil_changelog_acknowledgement_seconds_count\S+ [1-9]", page)
    oldest = float(
        re.findall(r'sla_oldest_open_timestamp_seconds\{mode="live",severity="P2"\} (\S+)', page)[0]
    )
    assert oldest == pytest.approx(start.timestamp(), abs=1)
    assert json.loads(fetch(port, "/ready"))["ready"] is True
    assert deployment.stop() == [0]


def fetch(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        text: str = answer.read().decode()
        return text


def test_a_policy_version_that_vanished_is_refused_with_an_escalation_that_needs_it(deployment: Real) -> None:
    deployment.publish([opened("pinned", now(), "P2")])
    deployment.start()
    deployment.wait_for("chunk", 0)
    deployment.stop()
    deployment.policy(POLICY.replace("1h", "2h"))
    worker = deployment.start()
    assert worker.wait(30) == 78
    (line,) = deployment.logged("policy_vanished", 1)
    assert (line["policy"], line["escalation"]) == ("short", "pinned")
    assert line["version"].startswith("2020-01-01")


def test_a_shadow_judges_the_same_events_by_other_policies_and_touches_nothing_of_the_first(
    deployment: Real,
) -> None:
    proposed = deployment.folder / "proposed"
    proposed.mkdir()
    (proposed / "policy.yaml").write_text(POLICY.replace("P1: 8s", "P1: 2s"))
    beside = Settings(**deployment.settings.model_dump(exclude_unset=True), shadow=proposed)
    names = (beside.commands_topic, beside.dlq_topic, beside.outcomes_topic, beside.changelog_topic)
    assert not set(names) & set(deployment.settings.all_topics)
    created = vigil_topics(deployment, "create", "--shadow", str(proposed), "--replication-factor", "1")
    assert all(f"created  {name}" in created for name in names), created
    first = deployment.start(metrics_port=0)
    port = free_port()
    second = deployment.start(shadow=proposed, metrics_port=port)
    deployment.wait_for("recovered", 0)
    deployment.wait_for("recovered", 1)
    start = now()
    deployment.publish([opened("quick", start), opened("silent", start)])
    time.sleep(max(0.0, 4 - (now() - start).total_seconds()))
    deployment.publish([event("quick", "triaged", start + timedelta(seconds=4), severity="P1", by="ann")])
    assert sorted(deployment.wait_for_outcomes(2)) == [("quick", "met"), ("silent", "breached")]
    said = {
        (record.key.decode(), dict(record.headers)["ce_type"].decode())
        for record in deployment.read(beside.outcomes_topic)
    }
    assert said >= {("quick", "sla.breached.v1"), ("quick", "sla.stopped_late.v1")}
    exposition = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    assert 'vigil_recovering{mode="shadow"}' in exposition, "the rules leave it out by that"
    assert "sla_" not in exposition, "what a shadow finds alerts nobody"
    assert [first.poll(), second.poll()] == [None, None]
    assert deployment.stop() == [0, 0]
    assert len(deployment.said()) == 2


def vigil_topics(deployment: Real, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", "topics", *arguments],
        env=environment(deployment.values, {"POLICIES": deployment.folder / "policies", "ENV": "dev"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_sigterm_right_after_the_start_ends_well(deployment: Real) -> None:
    worker = deployment.start()
    deployment.wait_for("worker_starts", 0)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"commands_topic": "not-there"}, 78, "topic_missing"),
        ({"env": "production"}, 78, "replication_factor_1"),
        ({"policies": "/nowhere"}, 78, "/nowhere"),
        ({"delivery": "twice"}, 78, "VIGIL_DELIVERY"),
        ({"session_timeout": 240}, 78, "session_timeout_refused"),
        ({"transaction_timeout": 900}, 78, "transaction_timeout_refused"),
        (
            {"bootstrap_servers": f"127.0.0.1:{free_port()}", "start_timeout": 1},
            69,
            "VIGIL_BOOTSTRAP_SERVERS",
        ),
    ],
)
def test_what_is_refused_is_one_line_with_its_exit_code(
    deployment: Real, changes: dict[str, Any], code: int, says: str
) -> None:
    worker = deployment.start(**changes)
    assert worker.wait(30) == code, deployment.text()
    assert says in deployment.text()
    assert "Traceback" not in deployment.text()


def test_a_metrics_port_that_is_taken_is_refused_by_name(deployment: Real) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        worker = deployment.start(metrics_port=taken.getsockname()[1])
        assert worker.wait(30) == 78
    assert "metrics_port_taken" in deployment.text()
    assert "Traceback" not in deployment.text()


def test_wrong_credentials_end_the_worker_at_once_and_right_ones_work(
    kafka: KafkaBroker, deployment: Real
) -> None:
    sasl = {
        "bootstrap_servers": kafka.sasl_bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": kafka.user,
    }
    began = time.monotonic()
    worker = deployment.start(**sasl, sasl_password="wrong")
    assert worker.wait(30) == 78
    assert time.monotonic() - began < 15
    assert "VIGIL_SASL_PASSWORD" in deployment.text()
    deployment.publish([opened("silent", now())])
    deployment.start(**sasl, sasl_password=kafka.password)
    assert deployment.wait_for_outcomes(1) == [("silent", "breached")]
    assert deployment.stop()[-1] == 0
