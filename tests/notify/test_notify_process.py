"""`vigil notify run` as it is used: real Kafka, a real server to tell, real processes."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from subprocess import CalledProcessError

import pytest
from kafka import KafkaAdminClient, TopicPartition
from sqlalchemy import text

from engine.cli.exits import ExitCode
from engine.demo.broker import KafkaBroker, free_port
from engine.notify.record import Record
from notify.alerting import outcome
from notify.counterpart import Counterpart
from notify.notifying import Notifying, webhook
from postgres import Postgres
from servers import create_topics, unique


@pytest.fixture
def notifying(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Notifying]:
    made = Notifying(kafka, tmp_path)
    yield made
    made.kill()


def states(other: Counterpart) -> list[tuple[str, str]]:
    return [(one["key"], one["state"]) for sent in other.requests for one in sent.json["data"]["alerts"]]


async def test_a_breach_is_told_once_and_resolved_once_and_what_is_unreadable_stops_nothing(
    notifying: Notifying, other: Counterpart
) -> None:
    notifying.configure({"desk": webhook(other.url)}, {"receiver": "desk"})
    notifying.start()
    notifying.send([outcome("breached")], b"no outcome")
    await notifying.until(lambda: len(other.requests) == 1)
    notifying.send([outcome("stopped_late", seq=6)])
    await notifying.until(lambda: len(other.requests) == 2)
    await notifying.until(lambda: 'result="delivered"} 2.0' in notifying.metrics())
    await notifying.until(lambda: notifying.why_not_ready() is None)
    for line in (
        'vigil_notify_circuit{receiver="desk"} 0.0',
        'vigil_notify_outcomes_total{result="skipped"} 1.0',
        'vigil_notify_notifications_total{receiver="desk",result="dead"} 0.0',
        'vigil_notify_oldest_undelivered_seconds{receiver="desk"}',
    ):
        assert line in notifying.metrics()
    assert notifying.stop() == 0, notifying.log.read_text()
    (fired, over) = states(other)
    assert fired == ("zendesk:acme:4711/resolve/1", "firing")
    assert over == (fired[0], "resolved")
    said = notifying.log.read_text()
    assert '"event": "skipped"' in said
    assert '"event": "stopped"' in said


async def told_of_a_breach(notifying: Notifying, other: Counterpart) -> None:
    notifying.configure({"desk": webhook(other.url)}, {"receiver": "desk"})
    notifying.start()
    notifying.send([outcome("breached")])
    await notifying.until(lambda: len(other.requests) == 1)


async def test_outcomes_that_retention_deleted_unread_are_counted(
    notifying: Notifying, other: Counterpart
) -> None:
    await told_of_a_breach(notifying, other)
    assert "\nvigil_notify_records_gone_total 0.0" in notifying.metrics()
    assert notifying.stop() == 0
    notifying.send([outcome("stopped_late", seq=6 + n, id=f"s{n}") for n in range(3)])
    admin = KafkaAdminClient(bootstrap_servers=notifying.bootstrap)
    admin.delete_records({TopicPartition(notifying.topic, number): -1 for number in range(2)})
    admin.close()
    again = notifying.beside()
    again.start()
    try:
        await again.until(lambda: '"event": "following"' in again.log.read_text())
        await again.until(lambda: "\nvigil_notify_records_gone_total 3.0" in again.metrics())
        assert again.stop() == 0
    finally:
        again.kill()


async def test_a_record_goes_on_with_a_topic_that_was_made_anew(
    notifying: Notifying, other: Counterpart
) -> None:
    await told_of_a_breach(notifying, other)
    with pytest.raises(CalledProcessError) as held:
        notifying.command("reread")
    assert "stop `vigil notify run` first" in held.value.stderr
    assert notifying.stop() == 0
    old, notifying.topic = notifying.topic, unique("outcomes")
    create_topics(notifying.bootstrap, notifying.topic, partitions=2)
    with Record.open(notifying.url, None) as record, record.engine.begin() as connection:
        renamed = text("UPDATE notify_offsets SET topic = :new WHERE topic = :old")
        connection.execute(renamed, {"new": notifying.topic, "old": old})
    notifying.start()
    assert notifying.process is not None
    assert notifying.process.wait(60) == ExitCode.REFUSED
    assert "`vigil notify reread`" in notifying.log.read_text()
    assert "0 alerts" in notifying.command("reread")
    again = notifying.beside()
    again.start()
    try:
        again.send([outcome("stopped_late", seq=6)])
        await again.until(lambda: [state for _, state in states(other)] == ["firing", "resolved"])
        assert again.stop() == 0
    finally:
        again.kill()


async def test_a_second_process_waits_and_takes_over_and_a_receiver_that_is_down_delays_no_other(
    kafka: KafkaBroker, postgres: Postgres, other: Counterpart, tmp_path: Path
) -> None:
    first = Notifying(kafka, tmp_path, postgres.new_database())
    receivers = {"desk": webhook(other.url), "down": webhook(f"http://127.0.0.1:{free_port()}")}
    everyone: dict[str, object] = {"match": {"metric": "resolve"}, "continue": True}
    routes = [{"receiver": name, **everyone} for name in ("down", "desk")]
    first.configure(receivers, {"receiver": "desk", "routes": routes})
    second = first.beside()
    try:
        first.start()
        first.send([outcome("breached", subject=f"desk:{n}", id=f"b{n}") for n in range(20)])
        await first.until(lambda: len(other.requests) == 20)
        second.start()
        await second.until(lambda: '"event": "waiting"' in second.log.read_text())
        assert second.why_not_ready() is None, "to take over: a rolling upgrade waits for it"
        assert "\nvigil_notify_stalled_seconds " not in second.metrics(), "it has not been at work"
        first.kill()
        second.send([outcome("stopped_late", subject=f"desk:{n}", id=f"s{n}") for n in range(20)])
        await second.until(lambda: len({one for one in states(other) if one[1] == "resolved"}) == 20)
        assert second.stop() == 0
    finally:
        first.kill()
        second.kill()
    assert len([one for one in states(other) if one[1] == "firing"]) == 20, "told again by the second"
    assert "receiver_is_down" in first.log.read_text()


async def test_many_mail_servers_that_say_nothing_delay_no_other(
    notifying: Notifying, other: Counterpart
) -> None:
    """They are asked in threads, of which asyncio has 32 at most, and six where there are two cores."""
    number, silent = 40, list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0), backlog=number) as server, ExitStack() as held:
        mail: dict[str, object] = {"type": "email", "host": "127.0.0.1", "port": server.getsockname()[1]}
        mail |= {"security": "none", "sender": "v@example.com", "to": ["o@example.com"], "timeout": 120}
        receivers = {f"mail{n}": mail | {"allow_private": True} for n in range(number)}
        everyone: dict[str, object] = {"match": {"metric": "resolve"}, "continue": True}
        routes = [{"receiver": name, **everyone} for name in (*receivers, "desk")]
        notifying.configure(receivers | {"desk": webhook(other.url)}, {"receiver": "desk", "routes": routes})
        notifying.start()
        notifying.send([outcome("breached")])
        server.settimeout(60)
        while len(silent) < min(32, (os.cpu_count() or 1) + 4):
            silent.append(held.enter_context(await asyncio.to_thread(lambda: server.accept()[0])))
        notifying.send([outcome("breached", subject="desk:2", id="b2")])
        await notifying.until(lambda: len(other.requests) == 2, seconds=40)
        notifying.kill()


async def test_a_database_that_refuses_is_one_line_and_shows_nothing_of_what_was_to_be_written(
    kafka: KafkaBroker, postgres: Postgres, tmp_path: Path
) -> None:
    one = Notifying(kafka, tmp_path, postgres.new_database())
    one.configure({"desk": webhook("http://127.0.0.1:1/")}, {"receiver": "desk"})
    with Record.open(one.url, outcome().detected_at) as record, record.engine.begin() as connection:
        connection.execute(text("ALTER TABLE notify_members RENAME TO others"))
    one.send([outcome("breached", customer_id="acme-of-secrets")])
    one.start()
    assert one.process is not None
    try:
        code = one.process.wait(60)
    finally:
        one.kill()
    said = one.log.read_text()
    assert (code, 'vigil: relation "notify_members" does not exist' in said) == (ExitCode.REFUSED, True), said
    assert "Traceback" not in said
    assert "acme-of-secrets" not in said
