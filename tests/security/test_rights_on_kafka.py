"""Each process with the rights that the generated script grants: what it does, and what it cannot do."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import TopicAuthorizationFailedError as MayNot

from engine.cli.cluster import examine_cluster, role_of
from engine.cli.exits import ExitCode
from engine.cli.findings import Sign
from engine.demo.broker import free_port
from engine.settings import Settings
from engine.stream.allowed import must_be_allowed
from engine.stream.checks import Refused
from engine.stream.rights import roles
from security.deployed import Deployed
from security.secured_kafka import Authority, SecuredKafka
from servers import unique

TOPICS = ("tickets", "incidents", "commands", "outcomes", "dlq", "changelog")
MAY_READ = {
    "worker": {"tickets", "incidents", "commands", "changelog"},
    "archive": {"tickets", "incidents", "outcomes"},
    "reader": {"tickets", "incidents", "outcomes"},
    "notify": {"outcomes"},
    "consumer": {"outcomes"},
}
MAY_WRITE = {
    "worker": {"commands", "changelog", "outcomes", "dlq"},
    "intake": {"tickets", "incidents", "dlq"},
    "producer": {"tickets", "incidents"},
}
"""Written by hand, beside what is generated."""
NOTIFY = """
receivers:
  nobody: {type: webhook, url: "https://nobody.invalid/", secret: whsec_a2tra2tra2tra2tra2tra2tra2tra2tr}
route: {receiver: nobody}
"""
ROLES = ("worker", "intake", "producer", "archive", "reader", "notify", "consumer", "admin")


@pytest.fixture(scope="module")
def deployed(secured_kafka: SecuredKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = Deployed(secured_kafka, tmp_path_factory.mktemp("deployed"))
    created = made.vigil(made.as_("admin"), "topics", "create")
    assert (created.returncode, created.stderr.count("created")) == (0, 6), created.stderr
    yield made
    made.stop()


def event(subject: str) -> str:
    return json.dumps(
        {
            "specversion": "1.0", "id": subject, "source": "test", "type": "ticket.opened.v1",
            "subject": subject, "time": datetime.now(UTC).isoformat(),
            "data": {"title": "down", "severity": "P1"},
        }
    )  # fmt: skip


def standing(deployed: Deployed, subject: str, seconds: float = 40) -> None:
    """A reader finds the breach."""
    verdicts = deployed.folder / "verdicts.jsonl"
    until = time.monotonic() + seconds
    while True:
        said = deployed.vigil(deployed.as_("reader"), "standing", "--kafka", "-o", str(verdicts))
        if said.returncode == 0 and subject in verdicts.read_text():
            return
        assert time.monotonic() < until, said.stdout + said.stderr
        time.sleep(0.5)


def test_the_admin_that_made_the_topics_finds_them_as_they_must_be(deployed: Deployed) -> None:
    checked = deployed.vigil(deployed.as_("admin"), "topics", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_event_becomes_a_breach_and_a_row_with_every_process_under_its_own_name(
    deployed: Deployed,
) -> None:
    doors = deployed.folder / "intake.yaml"
    doors.write_text("doors: {direct: {source: cloudevents, secrets: [{env: DOOR_KEY}]}}")
    port = free_port()
    intake = ("intake", "run", "-d", str(doors), "--port", str(port))
    deployed.start("intake", deployed.as_("intake"), *intake, DOOR_KEY="a-key-of-the-door")
    deployed.start("worker", deployed.as_("worker"), "worker")
    deployed.start("archive", deployed.as_("archive"), "archive", "run")
    alerts = deployed.folder / "notify.yaml"
    alerts.write_text(NOTIFY)
    record = f"sqlite:///{deployed.folder / 'record.db'}"
    deployed.start("notify", deployed.as_("notify", notify_config=alerts, notify_url=record), "notify", "run")
    serving = {"intake": "intake_ready", "worker": "recovered", "archive": "following", "notify": "following"}
    for name, ready in serving.items():
        deployed.wait_for(name, ready)

    answer = httpx.post(
        f"http://127.0.0.1:{port}/in/direct",
        content=event("by-webhook"),
        headers={"x-api-key": "a-key-of-the-door", "content-type": "application/cloudevents+json"},
        timeout=20,
    )
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    sent = deployed.vigil(deployed.as_("producer"), "send", "-", stdin=event("by-hand") + "\n")
    assert sent.returncode == 0, sent.stderr

    standing(deployed, "by-webhook")
    standing(deployed, "by-hand")
    with sqlite3.connect(deployed.folder / "archive.db") as archive:
        until = time.monotonic() + 30
        while len(rows := archive.execute("select distinct subject from outcomes").fetchall()) < 2:
            assert time.monotonic() < until, rows
            time.sleep(0.3)
    assert set(asyncio.run(heard(deployed.as_("consumer")))) == {b"by-webhook", b"by-hand"}
    examined = deployed.vigil(deployed.as_("worker"), "doctor", "--json")
    failed = {one["check"] for one in json.loads(examined.stdout)["findings"] if one["sign"] == "fail"}
    assert not failed & {"broker", "credentials", "rights", "topics", "group", "lag", "delivery"}, (
        examined.stdout
    )
    deployed.wait_for("notify", '"group": "by-webhook/triage/1"')
    assert deployed.stop() == [0, 0, 0, 0]


async def heard(settings: Settings) -> list[bytes | None]:
    """Outcomes' keys, read with a group as an alert consumer reads."""
    consumer = AIOKafkaConsumer(
        settings.outcomes_topic,
        **settings.client_options(),
        group_id=f"{settings.app_id}-consumer",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    async with consumer:
        first = await asyncio.wait_for(consumer.getone(), 30)
        rest = await consumer.getmany(timeout_ms=2_000)
        await consumer.commit()
    return [first.key, *(record.key for records in rest.values() for record in records)]


def test_certificates_do_as_well_as_passwords_also_without_transactions(deployed: Deployed) -> None:
    deployed.start("mtls", deployed.as_certificate("worker", delivery="acknowledged"), "worker")
    deployed.wait_for("mtls", "recovered")
    sent = deployed.vigil(deployed.as_certificate("producer"), "send", "-", stdin=event("by-mtls") + "\n")
    assert sent.returncode == 0, sent.stderr
    standing(deployed, "by-mtls")
    assert deployed.stop() == [0]


def test_a_worker_whose_right_is_taken_away_ends_itself_and_is_told_at_its_next_start(
    deployed: Deployed,
) -> None:
    outcomes = deployed.settings.outcomes_topic
    of_outcomes = (one for one in deployed.acls if one.resource_pattern.resource_name == outcomes)
    acl = next(one for one in of_outcomes if one.operation.name == "WRITE")
    worker = deployed.start("revoked", deployed.as_("worker"), "worker")
    deployed.wait_for("revoked", "recovered")
    deployed.broker.revoke(acl)
    try:
        sent = deployed.vigil(deployed.as_("producer"), "send", "-", stdin=event("too-much") + "\n")
        assert sent.returncode == 0, sent.stderr
        assert worker.wait(40) == 70
        # Of the batches of one transaction the other topics' may be answered first: that it is over.
        said = deployed.log("revoked").read_text()
        assert "TopicAuthorizationFailedError" in said or "InvalidTxnState" in said
        again = deployed.vigil(deployed.as_("worker"), "worker")
        assert again.returncode == 78
        assert "may not Write" in again.stderr
        assert f"the topic {deployed.settings.outcomes_topic}" in again.stderr
    finally:
        deployed.broker.grant([acl])
        deployed.stop()


def topic(settings: Settings, name: str) -> str:
    return settings.changelog_topic if name == "changelog" else str(getattr(settings, f"{name}_topic"))


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_reads_and_writes_what_it_must_and_nothing_else(
    deployed: Deployed, something_everywhere: None, role: str
) -> None:
    settings = deployed.as_(role)
    writable = set()
    async with AIOKafkaProducer(**settings.client_options()) as producer:
        for name in TOPICS:
            if await allowed(producer.send_and_wait(topic(settings, name), b"{}", key=b"x", partition=1)):
                writable.add(name)
    came = await asyncio.gather(*(a_record_comes(settings, topic(settings, name)) for name in TOPICS))
    readable = {name for name, yes in zip(TOPICS, came, strict=True) if yes}
    assert (readable, writable) == (MAY_READ.get(role, set()), MAY_WRITE.get(role, set()))


@pytest.fixture(scope="module")
def something_everywhere(deployed: Deployed) -> None:
    """No worker starts after it: what it puts into the changelog is no state."""
    producer = KafkaProducer(bootstrap_servers=deployed.broker.bootstrap)
    for name in TOPICS:
        producer.send(topic(deployed.settings, name), key=b"x", value=b"{}", partition=0).get(10)
    producer.close()


async def a_record_comes(settings: Settings, name: str) -> bool:
    async with AIOKafkaConsumer(**settings.client_options(), auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(name, 0)])
        try:
            await asyncio.wait_for(consumer.getone(), 3)
        except (TopicAuthorizationFailedError, TimeoutError):
            return False
        return True


async def allowed(doing: Any) -> bool:
    try:
        await asyncio.wait_for(doing, 10)
    except TopicAuthorizationFailedError:
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
async def test_only_the_worker_joins_its_group_and_takes_its_transactional_ids(
    deployed: Deployed, role: str
) -> None:
    """Whoever joins takes partitions away, and whoever initialises an id fences the worker that has it."""
    settings, mine = deployed.as_(role), role == "worker"
    consumer = AIOKafkaConsumer(**settings.client_options(), group_id=settings.app_id)
    async with consumer:
        try:
            await consumer.committed(TopicPartition(settings.tickets_topic, 0))
            joined = True
        except (GroupAuthorizationFailedError, TopicAuthorizationFailedError):
            joined = False
    assert joined == mine
    producer = AIOKafkaProducer(**settings.client_options(), transactional_id=f"{settings.app_id}-0")
    try:
        await asyncio.wait_for(producer.start(), 10)
        taken = True
    except TransactionalIdAuthorizationFailed:
        taken = False
    finally:
        await producer.stop()
    assert taken == mine


@pytest.mark.parametrize("role", ROLES)
def test_only_the_admin_makes_a_topic_and_nobody_deletes_one(deployed: Deployed, role: str) -> None:
    settings = deployed.as_(role)
    created = deployed.vigil(deployed.as_(role, tickets_topic=unique("another")), "topics", "create")
    assert created.returncode == 78, "not even the admin, beyond its own names"
    assert "not_authorized" in created.stderr
    assert "--operation Create --topic another-" in created.stderr
    client = KafkaAdminClient(**settings.client_options())
    try:
        with pytest.raises(MayNot):
            client.delete_topics([settings.outcomes_topic])
    finally:
        client.close()


@pytest.mark.parametrize("number", range(8))
def test_a_worker_that_lacks_one_right_is_told_which(deployed: Deployed, number: int) -> None:
    rights = roles(deployed.settings)["worker"].rights
    assert len(rights) == 8
    name = unique("almost")
    settings = deployed.as_("worker", sasl_username=name, sasl_password=deployed.broker.add_user(name))
    lacked = rights[number]
    deployed.broker.grant(
        [renamed(acl, name) for acl in deployed.acls if of(acl, deployed.roles["worker"].principal)
         and acl.resource_pattern.resource_name != lacked.name]
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        must_be_allowed(settings, rights)
    assert refused.value.name == "not_authorized"
    assert lacked.resource in refused.value.message
    assert name in refused.value.message
    assert lacked.options in refused.value.hint


def of(acl: Any, principal: str) -> bool:
    return bool(acl.principal == f"User:{principal}")


def renamed(acl: Any, name: str) -> Any:
    return type(acl)(f"User:{name}", acl.host, acl.operation, acl.permission_type, acl.resource_pattern)


def test_to_describe_is_not_to_write(deployed: Deployed) -> None:
    """The one who may read a topic may describe it, and is told that writing is what it lacks."""
    with pytest.raises(Refused) as refused:
        must_be_allowed(deployed.as_("reader"), roles(deployed.settings)["intake"].rights)
    assert refused.value.message.endswith(f"may not Write the topic {deployed.settings.tickets_topic}")


@pytest.mark.parametrize(
    "command",
    [
        "worker",
        "worker --delivery acknowledged",
        "intake run -d {doors} --port 0",
        "archive run",
        "archive rebuild",
        "standing --kafka",
        "send -",
        "topics create",
        "topics check",
    ],
)
def test_a_process_without_rights_says_which_it_needs_and_ends(deployed: Deployed, command: str) -> None:
    doors = deployed.folder / "doors.yaml"
    doors.write_text("doors: {direct: {source: cloudevents, secrets: [{env: PATH}]}}")
    name = unique("nobody")
    settings = deployed.as_("worker", sasl_username=name, sasl_password=deployed.broker.add_user(name))
    done = deployed.vigil(settings, *command.format(doors=doors).split(), stdin=event("x") + "\n")
    assert done.returncode == 78, done.stdout + done.stderr
    assert f"{name} may not " in done.stderr
    assert "kafka-acls --add" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("role", ["worker", "console", "notify", "archive", "intake"])
def test_doctor_looks_for_the_rights_of_whose_principal_it_has(deployed: Deployed, role: str) -> None:
    findings = list(examine_cluster(deployed.as_(role), 10.0, role_of(deployed.as_(role))))
    assert role_of(deployed.as_(role)) == role
    assert [finding for finding in findings if finding.sign is Sign.FAIL] == []
    shown = [finding for finding in findings if finding.check == "certificates"]
    assert [one.sign for one in shown] == [Sign.WARN] * 2, "authority and broker's are made for two days"
    if role in ("notify", "archive", "intake"):
        (group,) = [finding for finding in findings if finding.check == "group"]
        assert (group.sign, role in group.found) == (Sign.SKIP, True)


def test_doctor_names_the_right_that_a_process_lacks_and_no_other(deployed: Deployed) -> None:
    settings = deployed.as_("notify")
    done = deployed.vigil(settings, "doctor", "--role", "archive", "--json")
    assert done.returncode == 78, done.stdout + done.stderr
    failed = [one for one in json.loads(done.stdout)["findings"] if one["sign"] == "fail"]
    assert [one["check"] for one in failed] == ["rights", "rights"]
    for one, topic in zip(failed, (settings.tickets_topic, settings.incidents_topic), strict=True):
        assert one["found"] == f"{topic}: the archive is not allowed to Read"
    unknown = deployed.vigil(settings, "doctor", "--role", "archivist")
    assert unknown.returncode == 2
    assert "expected one of worker, intake" in unknown.stderr


@pytest.mark.parametrize("command", ["worker", "archive run", "standing --kafka"])
def test_a_certificate_of_another_authority_is_not_let_in_and_that_is_said(
    deployed: Deployed, tmp_path: Path, command: str
) -> None:
    foreign = Authority(tmp_path / "foreign").pair(deployed.roles["worker"].principal)
    settings = deployed.as_certificate("worker", tls_cert_file=foreign, tls_key_file=foreign, start_timeout=0)
    done = deployed.vigil(settings, *command.split())
    assert done.returncode == 78, done.stderr
    assert "alert certificate unknown" in done.stderr, "the broker's own word"
    assert "Traceback" not in done.stderr
    findings = [one for one in examine_cluster(settings, 10.0) if one.check == "credentials"]
    assert [(one.sign, one.code) for one in findings] == [(Sign.FAIL, ExitCode.REFUSED)]
    assert "alert certificate unknown" in findings[0].found


def test_a_broker_with_a_certificate_of_another_authority_is_not_believed(
    deployed: Deployed, tmp_path: Path
) -> None:
    settings = deployed.as_("worker", tls_ca_file=Authority(tmp_path / "foreign").file)
    done = deployed.vigil(settings, "worker")
    assert done.returncode == 78
    assert "tls_failed" in done.stderr
    *_, finding = examine_cluster(settings, 10.0)
    assert (finding.check, finding.code) == ("credentials", ExitCode.REFUSED)
    assert "VIGIL_TLS_CA_FILE" in finding.advice
