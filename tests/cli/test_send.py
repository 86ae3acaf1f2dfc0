"""`vigil send` puts CloudEvents on real Kafka, and says what it did not."""

import gzip
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaConsumer
from kafka.partitioner import murmur2
from running import vigil

from engine.cli.exits import ExitCode
from engine.contract.codec import Received, decode
from engine.demo.broker import KafkaBroker, free_port
from servers import create_topics, unique

PARTITIONS = 4


@pytest.fixture
def topics(kafka: KafkaBroker) -> dict[str, str]:
    """The environment of a deployment with topics of its own."""
    name = unique("send")
    create_topics(kafka.bootstrap, f"{name}.tickets", f"{name}.incidents", partitions=PARTITIONS)
    return {
        "VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "VIGIL_TICKETS_TOPIC": f"{name}.tickets",
        "VIGIL_INCIDENTS_TOPIC": f"{name}.incidents",
    }


def event(number: int, kind: str = "ticket", **over: Any) -> dict[str, Any]:
    known = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "urn:test",
        "type": f"{kind}.opened.v1",
        "subject": f"{kind}:{number}",
        "time": f"2026-03-02T09:{number % 60:02d}:00Z",
        "sequence": f"{number:04d}",
        "datacontenttype": "application/json",
        "data": {"title": "Down", "severity": "P1"},
    }
    return {**known, **over}


def lines(*events: dict[str, Any] | str) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in events)


def received(bootstrap: str, *names: str) -> Iterator[Any]:
    """Every record of the topics."""
    consumer = KafkaConsumer(*names, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            batch = consumer.poll(timeout_ms=500)
            for records in batch.values():
                yield from records
            positions = {p: consumer.position(p) for p in consumer.assignment()}
            if positions and positions == consumer.end_offsets(list(positions)):
                return
    finally:
        consumer.close()


def test_lines_of_a_file_arrive_in_binary_mode_on_the_topics_of_their_types(
    topics: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl.gz"
    kinds = ["ticket" if n % 3 else "incident" for n in range(300)]
    file.write_bytes(gzip.compress(lines(*(event(n, kind) for n, kind in enumerate(kinds))).encode()))
    done = vigil("send", str(file), **topics)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "300 events acknowledged, 0 lines refused" in done.stderr
    tickets, incidents = topics["VIGIL_TICKETS_TOPIC"], topics["VIGIL_INCIDENTS_TOPIC"]
    records = list(received(topics["VIGIL_BOOTSTRAP_SERVERS"], tickets, incidents))
    assert len(records) == 300
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        assert record.key.decode() == headers["ce_subject"]
        assert record.topic == (tickets if headers["ce_type"].startswith("ticket.") else incidents)
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS
        assert headers["content-type"] == "application/json"
        assert orjson.loads(record.value) == {"title": "Down", "severity": "P1"}


def test_what_arrives_is_what_the_engine_reads(topics: dict[str, str]) -> None:
    from engine.contract.codec import Received, decode, read_line

    sent = event(7, recordedtime="2026-03-02T10:00:00Z")
    assert vigil("send", "-", stdin=lines(sent), **topics).returncode == ExitCode.DONE
    [record] = received(topics["VIGIL_BOOTSTRAP_SERVERS"], topics["VIGIL_TICKETS_TOPIC"])
    there = decode(record.key, record.value, record.headers, record.timestamp)
    here = read_line(json.dumps(sent).encode())
    assert isinstance(there, Received)
    assert isinstance(here, Received)
    assert there.subject == here.subject
    assert (there.fact.order, there.fact.data) == (here.fact.order, here.fact.data)


def test_data_in_any_form_that_a_file_may_have_arrives(topics: dict[str, str]) -> None:
    data = {"title": "Down", "severity": "P1"}
    bare, encoded, untyped = (event(number) for number in range(3))
    del bare["data"], encoded["data"]
    bare["type"] = "ticket.resolved.v1"
    encoded["data_base64"] = b64encode(orjson.dumps(data)).decode()
    untyped["datacontenttype"] = None
    done = vigil("send", "-", stdin=lines(bare, encoded, untyped), **topics)
    assert done.returncode == 0, done.stderr
    found = list(received(topics["VIGIL_BOOTSTRAP_SERVERS"], topics["VIGIL_TICKETS_TOPIC"]))
    read = [decode(one.key, one.value, one.headers, one.timestamp) for one in found]
    said = {one.subject: one.fact.data for one in read if isinstance(one, Received)}
    assert said == {"ticket:0": {}, "ticket:1": data, "ticket:2": data}


def test_a_line_that_cannot_be_read_is_not_sent_and_is_named(topics: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(lines(event(1), "{", event(2, data={"title": 7}), event(3, subject=""), event(4)))
    done = vigil("send", str(file), "--json", **topics)
    assert done.returncode == ExitCode.FOUND
    said = json.loads(done.stdout)
    assert said["acknowledged"] == 2
    assert [one["place"] for one in said["refused"]] == [f"{file}:{line}" for line in (2, 3, 4)]
    assert f"{file}:2: unparsable" in done.stderr
    assert len(list(received(topics["VIGIL_BOOTSTRAP_SERVERS"], topics["VIGIL_TICKETS_TOPIC"]))) == 2


def test_an_event_that_no_broker_takes_is_named_and_the_rest_is_sent(topics: dict[str, str]) -> None:
    large = event(2, data={"title": "x" * 1_200_000})
    done = vigil("send", "-", stdin=lines(event(1), large, event(3)), **topics)
    assert done.returncode == ExitCode.FOUND
    assert "-:2: too_large" in done.stderr
    assert "2 events acknowledged, 1 line refused" in done.stderr


def test_one_event_is_sent_by_hand(topics: dict[str, str]) -> None:
    data = '{"title": "Down", "severity": "P0"}'
    done = vigil("send", "--type", "ticket.opened.v1", "--subject", "desk:1", "--data", data, **topics)
    assert done.returncode == ExitCode.DONE, done.stderr
    [record] = received(topics["VIGIL_BOOTSTRAP_SERVERS"], topics["VIGIL_TICKETS_TOPIC"])
    assert record.key == b"desk:1"
    assert orjson.loads(record.value) == json.loads(data)


def by_hand(topics: dict[str, str], *more: str, type_: str = "ticket.opened.v1") -> Any:
    return vigil("send", "--type", type_, "--subject", "desk:1", *more, **topics)


def nothing_on(topics: dict[str, str]) -> bool:
    return not list(received(topics["VIGIL_BOOTSTRAP_SERVERS"], topics["VIGIL_TICKETS_TOPIC"]))


@pytest.mark.parametrize(
    ("type_", "hint"),
    [
        ("ticket.acknowledge.v1", "did you mean ticket.acknowledged.v1?"),
        ("ticket.opend.v1", "did you mean ticket.opened.v1?"),
        ("ticket.zzz", "docs/contract.md has the types"),
    ],
)
def test_a_type_by_hand_that_is_none_is_refused_with_the_nearest(
    topics: dict[str, str], type_: str, hint: str
) -> None:
    done = by_hand(topics, type_=type_)
    assert (done.returncode, "is no type of this contract" in done.stderr) == (ExitCode.FOUND, True)
    assert hint in done.stderr
    assert nothing_on(topics)


def test_a_time_that_is_yet_to_come_is_refused_by_hand_and_in_a_file(topics: dict[str, str]) -> None:
    coming = "2199-01-01T00:00:00Z"
    done = by_hand(topics, "--time", coming)
    assert (done.returncode, "from_the_future: " in done.stderr) == (ExitCode.FOUND, True)
    recorded = event(1, time=coming, recordedtime=coming)
    assert "-:1: from_the_future: " in vigil("send", "-", stdin=lines(recorded), **topics).stderr
    assert nothing_on(topics)
    assert by_hand(topics, "--time", "tomorrow").returncode == ExitCode.USAGE


def test_types_and_fields_that_are_unknown_are_sent_and_counted(topics: dict[str, str]) -> None:
    done = by_hand(topics, "--data", '{"title": "Down", "severty": "P1"}')
    assert (done.returncode, "unknown field severty: 1" in done.stderr) == (ExitCode.DONE, True)
    strange = event(2, type="ticket.opend.v1"), event(3, type="ticket.opend.v1")
    written = lines(*strange, event(4, data={"title": "Down", "severty": "P1"}))
    done = vigil("send", "-", "--json", stdin=written, **topics)
    assert json.loads(done.stdout) == {
        "acknowledged": 3, "refused": [], "unknown_types": {"ticket.opend.v1": 2},
        "unknown_fields": {"severty": 1},
    }  # fmt: skip
    said = vigil("send", "-", stdin=written, **topics).stderr
    assert "unknown type ticket.opend.v1: 2\nunknown field severty: 1\n" in said


def test_a_topic_may_be_named(topics: dict[str, str]) -> None:
    other = topics["VIGIL_INCIDENTS_TOPIC"]
    assert vigil("send", "-", "--topic", other, stdin=lines(event(1)), **topics).returncode == ExitCode.DONE
    assert len(list(received(topics["VIGIL_BOOTSTRAP_SERVERS"], other))) == 1


def test_a_rate_is_kept(topics: dict[str, str]) -> None:
    start = time.monotonic()
    done = vigil("send", "-", "--rate", "20", stdin=lines(*map(event, range(41))), **topics)
    assert done.returncode == ExitCode.DONE
    assert 2.0 <= time.monotonic() - start < 8


def test_a_topic_that_is_not_there_is_refused_with_what_to_do(topics: dict[str, str]) -> None:
    done = vigil("send", "-", "--topic", "nowhere", stdin=lines(event(1)), **topics)
    assert done.returncode == ExitCode.REFUSED
    assert "the topic nowhere does not exist" in done.stderr
    assert "vigil topics create" in done.stderr


def test_a_broker_that_is_away_is_one_line_and_69() -> None:
    done = vigil("send", "-", stdin=lines(event(1)), VIGIL_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
    assert done.returncode == ExitCode.UNREACHABLE
    assert "Traceback" not in done.stderr
    assert "VIGIL_BOOTSTRAP_SERVERS" in done.stderr


def test_credentials_are_used(kafka: KafkaBroker, topics: dict[str, str]) -> None:
    secured = {
        **topics,
        "VIGIL_BOOTSTRAP_SERVERS": kafka.sasl_bootstrap,
        "VIGIL_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "VIGIL_SASL_MECHANISM": "SCRAM-SHA-512",
        "VIGIL_SASL_USERNAME": kafka.user,
        "VIGIL_SASL_PASSWORD": kafka.password,
    }
    assert vigil("send", "-", stdin=lines(event(1)), **secured).returncode == ExitCode.DONE
    wrong = vigil("send", "-", stdin=lines(event(1)), **{**secured, "VIGIL_SASL_PASSWORD": "wrong"})
    assert wrong.returncode == ExitCode.REFUSED
    assert "VIGIL_SASL_PASSWORD" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to send"),
        (("--type", "ticket.opened.v1"), "--type needs --subject"),
        (("--type", "ticket.opened.v1", "--subject", "x", "--data", "{"), "--data is not JSON"),
        (("/nowhere/events.jsonl",), "/nowhere/events.jsonl: No such file or directory"),
    ],
)
def test_a_wrong_command_line_says_so_before_anything_is_sent(arguments: tuple[str, ...], said: str) -> None:
    done = vigil("send", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert said in done.stderr


def test_a_rebase_goes_to_each_escalation_that_is_named_once(topics: dict[str, str], tmp_path: Path) -> None:
    from engine.contract.codec import Received, decode

    (tmp_path / "policy.yaml").write_text(
        "policy: standard\neffective_from: 2026-01-01T00:00:00Z\nclocks: {resolve: {budget: {P1: 8h}}}\n"
    )
    named = ("--subject", "desk:1", "--subject", "desk:2", "--subject", "desk:1")
    at = ("--at", "2026-03-02T09:00:00Z", "--reason", "the new contract", "--by", "kim")
    done = vigil("policy", "rebase", "-p", str(tmp_path), *named, *at, **topics)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "2 escalations told to move to standard of 2026-01-01T00:00:00Z" in done.stderr
    read = [
        decode(one.key, one.value, one.headers, one.timestamp)
        for one in received(topics["VIGIL_BOOTSTRAP_SERVERS"], topics["VIGIL_TICKETS_TOPIC"])
    ]
    assert all(isinstance(one, Received) for one in read)
    moved = {one.subject: one.fact for one in read if isinstance(one, Received)}
    assert sorted(moved) == ["desk:1", "desk:2"]
    assert {fact.kind for fact in moved.values()} == {"rebased"}
    said = moved["desk:1"].data
    assert (said["policy"], said["version"], said["by"]) == ("standard", "2026-01-01T00:00:00Z", "kim")
    assert len(str(said["hash"])) == 16
