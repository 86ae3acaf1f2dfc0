"""`vigil intake run` as it is started, on a real Apache Kafka: its answers, and what lies on the topics."""

import hmac
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from kafka import KafkaConsumer

from engine.contract.codec import Received, decode
from engine.core.instants import format_instant, parse_instant
from engine.demo.broker import KafkaBroker
from engine.intake.keys import hash_of, new_key
from engine.intake.source import MOST_BYTES
from intake.deliveries import base64_digest
from intake.test_zendesk import event
from servers import create_topics, unique

SECRET, KEY = "the-secret-of-zendesk", "the-key-of-a-producer"
DOORS = """
doors:
  acme: {source: zendesk, secrets: [{env: ACME_SECRET}], subject: "zendesk:acme:{id}"}
  oncall: {source: pagerduty, secrets: [{env: ACME_SECRET}]}
  direct: {source: cloudevents, secrets: [{env: DIRECT_KEY}]}
"""
SHOP, SLOW = new_key(), new_key()
DOORS += f"""
  keyed:
    source: cloudevents
    keys:
      - {{name: shop, hash: "{hash_of(SHOP)}", sources: ["urn:shop*"], types: ["incident.*"]}}
      - {{name: slow, hash: "{hash_of(SLOW)}", rate: {{per_second: 0.01, burst: 1}}}}
  narrow:
    source: cloudevents
    rate: {{per_second: 0.01, burst: 2}}
    keys: [{{name: shop, hash: "{hash_of(SHOP)}"}}]
"""


class Intake:
    """The process, its topics (made unless they are given) and a client."""

    def __init__(
        self, kafka: KafkaBroker, folder: Path, topics: dict[str, str] | None = None, doors: str = DOORS
    ) -> None:
        self.kafka = kafka
        if topics is None:
            topics = {name: unique(name) for name in ("tickets", "incidents", "dlq")}
            create_topics(kafka.bootstrap, *topics.values())
        self.topics = topics
        (folder / "intake.yaml").write_text(doors)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "log"
        environment = {
            **os.environ,
            "ACME_SECRET": SECRET,
            "DIRECT_KEY": KEY,
            **{f"VIGIL_{name.upper()}_TOPIC": topic for name, topic in self.topics.items()},
        }
        arguments = ["intake", "run", "-d", str(folder / "intake.yaml"), "--port", str(self.port)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine.cli.main", *arguments, "-b", kafka.bootstrap],
                env=environment,
                stdout=log,
                stderr=log,
            )
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=20)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 30
        while True:
            try:
                self.client.get("/live")
                return
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < until, self.log.read_text()
                time.sleep(0.1)

    def until_ready(self, status: int) -> None:
        until = time.monotonic() + 30
        while (answer := self.client.get("/ready")).status_code != status:
            assert time.monotonic() < until, answer.text
            time.sleep(0.2)

    def zendesk(self, body: bytes, secret: str = SECRET) -> httpx.Response:
        at = format_instant(parse_instant(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())))
        headers = {
            "X-Zendesk-Webhook-Signature": base64_digest(secret, at.encode() + body),
            "X-Zendesk-Webhook-Signature-Timestamp": at,
        }
        return self.client.post("/in/acme", content=body, headers=headers)

    def jira(self, body: bytes) -> httpx.Response:
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        return self.client.post("/in/desk", content=body, headers={"X-Hub-Signature": f"sha256={signature}"})

    def pagerduty(self, body: bytes) -> httpx.Response:
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        headers = {"X-PagerDuty-Signature": f"v1={signature}"}
        return self.client.post("/in/oncall", content=body, headers=headers)

    def records(self, name: str, count: int) -> list[Any]:
        """The first records of a topic; fails where there are fewer."""
        consumer = KafkaConsumer(
            self.topics[name],
            bootstrap_servers=self.kafka.bootstrap,
            auto_offset_reset="earliest",
            group_id=None,
            consumer_timeout_ms=15_000,
        )
        try:
            found = [record for _, record in zip(range(count), consumer, strict=False)]
        finally:
            consumer.close()
        assert len(found) == count
        return found

    def stop(self) -> int:
        self.process.terminate()
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()


@pytest.fixture
def intake(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Intake]:
    made = Intake(kafka, tmp_path)
    yield made
    made.stop()


def body(kind: str, **detail: Any) -> bytes:
    return orjson.dumps(event(kind, **detail))


def test_a_webhook_is_answered_when_its_event_is_on_the_topic(intake: Intake) -> None:
    answer = intake.zendesk(body("created"))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    (record,) = intake.records("tickets", 1)
    read = decode(record.key, record.value, record.headers, record.timestamp)
    assert isinstance(read, Received)
    assert (read.subject, read.fact.kind) == ("zendesk:acme:4711", "opened")
    assert read.fact.source == "urn:vigil:intake:acme"

    again = intake.zendesk(body("created"))
    assert again.json() == {"accepted": 1}
    one, two = (dict(record.headers)["ce_id"] for record in intake.records("tickets", 2))
    assert one == two, "the worker knows it as a duplicate"


def test_what_cannot_be_mapped_is_2xx_and_a_dead_letter_that_says_why(intake: Intake) -> None:
    sent = body("status_changed", change={"previous": "OPEN", "current": "ESCALATED"})
    answer = intake.zendesk(sent)
    assert answer.status_code == 202
    assert answer.json()["reason"] == "unknown_status"
    (letter,) = intake.records("dlq", 1)
    headers = dict(letter.headers)
    assert letter.value == sent
    assert headers["__connect.errors.topic"] == b"intake/acme"
    assert headers["__connect.errors.exception.class.name"] == b"unknown_status"
    assert b"event.current" in headers["__connect.errors.exception.message"]


def test_the_longest_body_that_is_taken_is_a_dead_letter_too(intake: Intake) -> None:
    sent = b'{"event": {"event_type": "' + b"a" * (MOST_BYTES - 30) + b'"}}'
    assert len(sent) == MOST_BYTES - 1
    answer = intake.pagerduty(sent + b" ")
    assert (answer.status_code, answer.json()["reason"]) == (202, "bad_payload")
    (letter,) = intake.records("dlq", 1)
    headers = dict(letter.headers)
    assert letter.value == sent[: len(letter.value)]
    assert int(headers["vigil-omitted-bytes"]) == MOST_BYTES - len(letter.value)
    assert headers["__connect.errors.exception.class.name"] == b"bad_payload"


def test_nobody_comes_in_without_the_secret(intake: Intake) -> None:
    forged = intake.zendesk(body("created"), secret="a guess of somebody")
    assert (forged.status_code, forged.json()["reason"]) == (401, "wrong_signature")
    assert intake.client.post("/in/acme", content=b"{}").status_code == 401
    assert intake.client.post("/in/nowhere", content=b"{}").status_code == 404
    assert intake.client.post("/in/acme", content=b"x" * (1024 * 1024 + 1)).status_code == 413
    shown = intake.client.get("/metrics").text
    assert 'vigil_intake_deliveries_total{door="acme",result="wrong_signature"} 1.0' in shown
    assert 'vigil_intake_deliveries_total{door="acme",result="missing_signature"} 1.0' in shown
    assert SECRET not in shown + intake.log.read_text()


def cloud_event(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "type": "incident.opened.v1", "source": "urn:own", "id": f"e{number}",
        "subject": f"own:{number}", "time": "2026-03-02T10:00:00Z",
        "data": {"title": "Own", "severity": "P1"}, **changes,
    }  # fmt: skip


def test_producers_that_speak_the_contract_hear_of_their_mistakes(intake: Intake) -> None:
    auth = {"Authorization": f"Bearer {KEY}"}
    batch = {**auth, "Content-Type": "application/cloudevents-batch+json"}
    answer = intake.client.post("/in/direct", json=[cloud_event(n) for n in range(3)], headers=batch)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 3})
    assert len(intake.records("incidents", 3)) == 3

    wrong = cloud_event(4, data={"title": "Own", "severity": "P9"})
    answer = intake.client.post("/in/direct", json=[cloud_event(3), wrong], headers=batch)
    assert answer.status_code == 422
    assert answer.json()["path"] == "data.severity"
    assert "opened (2 of 2)" in answer.json()["detail"]

    single = {**auth, "Content-Type": "application/cloudevents+json"}
    assert intake.client.post("/in/direct", json=cloud_event(5), headers=single).json() == {"accepted": 1}
    attributes = ("type", "source", "id", "subject", "time", "specversion")
    binary = {**auth, **{f"ce-{name}": cloud_event(6)[name] for name in attributes}}
    assert intake.client.post("/in/direct", json={"title": "x"}, headers=binary).json() == {"accepted": 1}


def test_a_key_is_for_what_it_may_send_and_for_as_much_as_it_may(intake: Intake) -> None:
    def post(door: str, key: str, events: list[dict[str, Any]]) -> httpx.Response:
        headers = {"x-api-key": key, "content-type": "application/cloudevents-batch+json"}
        return intake.client.post(f"/in/{door}", json=events, headers=headers)

    mine = cloud_event(1, source="urn:shop:1")
    assert post("keyed", SHOP, [mine]).json() == {"accepted": 1}
    for foreign in (cloud_event(2, source="urn:desk"), {**mine, "type": "ticket.opened.v1"}):
        answer = post("keyed", SHOP, [mine, foreign])
        assert (answer.status_code, answer.json()["reason"]) == (403, "out_of_scope")
        assert foreign["type"] in answer.json()["detail"]
    assert len(intake.records("incidents", 1)) == 1
    assert post("keyed", new_key(), [mine]).status_code == 401

    assert post("keyed", SLOW, [cloud_event(3)]).status_code == 200
    late = post("keyed", SLOW, [cloud_event(4)])
    assert (late.status_code, late.json()["reason"]) == (429, "rate_limited")
    assert 1 <= int(late.headers["Retry-After"]) <= 100
    assert post("keyed", SHOP, [mine]).status_code == 200, "another's limit is not ours"

    assert [post("narrow", "a guess", [mine]).status_code for _ in range(3)] == [401, 401, 429]
    shown = intake.client.get("/metrics").text
    assert 'vigil_intake_deliveries_total{door="keyed",result="rate_limited"} 1.0' in shown
    assert 'vigil_intake_deliveries_total{door="keyed",result="out_of_scope"} 2.0' in shown
    logged = intake.log.read_text()
    assert "out_of_scope" in logged
    assert not [key for key in (SHOP, SLOW) if key in shown + logged]


def test_while_kafka_is_away_the_source_is_told_to_come_again_and_nothing_is_lost(intake: Intake) -> None:
    assert intake.zendesk(body("created")).status_code == 200
    assert intake.client.get("/ready").json() == {"ready": True, "why_not": None}
    intake.kafka.kill()
    try:
        answer = intake.zendesk(body("soft_deleted"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        intake.until_ready(503)
        assert intake.client.get("/live").status_code == 200
    finally:
        intake.kafka.start()
    until = time.monotonic() + 60
    while (answer := intake.zendesk(body("soft_deleted"))).status_code != 200:
        assert time.monotonic() < until, answer.text
        time.sleep(1)
    intake.until_ready(200)
    kinds = {dict(record.headers)["ce_type"] for record in intake.records("tickets", 2)}
    assert kinds == {b"ticket.opened.v1", b"ticket.cancelled.v1"}
    assert intake.stop() == 0, "SIGTERM ends it in order"
