"""Certificates that are renewed under running processes: what is on disk is shown and believed from the next
connection on, and who is refused says why."""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from engine.demo.broker import NoJava, free_port
from engine.settings import Settings
from security.deployed import Deployed
from security.secured_kafka import Authority, SecuredKafka, start_secured_kafka
from security.test_rights_on_kafka import event, standing
from servers import missing


@contextlib.contextmanager
def who_comes(authority: Authority) -> Iterator[int]:
    """The port of a server that asks for certificates of that authority, and answers with whose it was."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(authority.pair("127.0.0.1"))

    def serve() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return  # the test is over
            with (
                accepted,
                contextlib.suppress(OSError),
                context.wrap_socket(accepted, server_side=True) as one,
            ):
                shown = one.getpeercert() or {}
                one.sendall(dict(pair[0] for pair in shown["subject"])["commonName"].encode())

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def by_socket(port: int, context: ssl.SSLContext) -> str:
    """As kafka-python connects."""
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return connection.recv(100).decode()


def by_loop(port: int, context: ssl.SSLContext) -> str:
    """As aiokafka connects."""

    async def ask() -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        try:
            return (await reader.read(100)).decode()
        finally:
            writer.close()

    return asyncio.run(asyncio.wait_for(ask(), 10))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def context(authority: Authority, tmp_path: Path) -> ssl.SSLContext:
    """Of a process that was started with the certificate of `before`, in client.crt and client.key."""
    for end in ("crt", "key"):
        put(tmp_path / f"client.{end}", part(authority, "before", end))
    settings = Settings(
        security_protocol="SSL",
        tls_ca_file=authority.file,
        tls_cert_file=tmp_path / "client.crt",
        tls_key_file=tmp_path / "client.key",
    )
    made = settings.client_options()["ssl_context"]
    assert isinstance(made, ssl.SSLContext)
    return made


def part(authority: Authority, name: str, end: str) -> bytes:
    return authority.pair(name).with_suffix(f".{end}").read_bytes()


def put(file: Path, content: bytes) -> None:
    """In one step, as Kubernetes and cert-manager do."""
    made = file.with_name(f"{file.name}.new")
    made.write_bytes(content)
    made.replace(file)


@pytest.mark.parametrize("ask", [by_socket, by_loop])
def test_what_is_renewed_on_disk_is_shown_at_the_next_connection(
    authority: Authority, context: ssl.SSLContext, tmp_path: Path, ask: Callable[[int, ssl.SSLContext], str]
) -> None:
    with who_comes(authority) as port:
        assert ask(port, context) == "before"
        for end in ("crt", "key"):
            put(tmp_path / f"client.{end}", part(authority, "after", end))
        assert ask(port, context) == "after"


def test_half_a_pair_changes_nothing_until_the_other_half_is_there(
    authority: Authority, context: ssl.SSLContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with who_comes(authority) as port, caplog.at_level(logging.WARNING, "vigil.settings"):
        put(tmp_path / "client.crt", part(authority, "after", "crt"))
        assert [by_socket(port, context) for _ in range(3)] == ["before"] * 3
        (said,) = caplog.messages
        assert said.startswith("tls_files: ")
        (tmp_path / "client.key").unlink()
        assert by_socket(port, context) == "before"
        put(tmp_path / "client.key", part(authority, "after", "key"))
        assert by_socket(port, context) == "after"


def test_a_new_authority_is_believed_and_the_one_that_went_is_not(
    authority: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    new = Authority(tmp_path / "new")
    with who_comes(authority) as old_port, who_comes(new) as new_port:
        with pytest.raises(ssl.SSLCertVerificationError):
            by_socket(new_port, context)
        for end in ("crt", "key"):
            put(tmp_path / f"client.{end}", part(new, "after", end))
        put(authority.file, new.file.read_bytes())
        assert by_socket(new_port, context) == "after"
        with pytest.raises(ssl.SSLCertVerificationError):
            by_socket(old_port, context)


@pytest.fixture
def broker() -> Iterator[SecuredKafka]:
    """Of its own: its authority is replaced."""
    try:
        made = start_secured_kafka()
    except NoJava as error:
        missing(f"no Apache Kafka here: {error}")
    yield made
    made.stop()


@pytest.mark.kafka
def test_processes_go_on_with_what_was_renewed_when_the_broker_wants_it(
    broker: SecuredKafka, tmp_path: Path
) -> None:
    """Authority and certificates are others now, as they are at the end of the old ones."""
    deployed = Deployed(broker, tmp_path)
    created = deployed.vigil(deployed.as_("admin"), "topics", "create")
    assert created.returncode == 0, created.stderr
    doors, port = tmp_path / "intake.yaml", free_port()
    doors.write_text("doors: {direct: {source: cloudevents, secrets: [{env: DOOR_KEY}]}}")
    intake = ("intake", "run", "-d", str(doors), "--port", str(port))
    deployed.start("intake", deployed.as_certificate("intake"), *intake, DOOR_KEY="a-key-of-the-door")
    deployed.start("worker", deployed.as_certificate("worker"), "worker")
    try:
        deployed.wait_for("intake", "intake_ready")
        deployed.wait_for("worker", "recovered")
        new, old = Authority(tmp_path / "new"), broker.authority
        for name in (
            "127.0.0.1",
            *(deployed.roles[role].principal for role in ("intake", "worker", "reader")),
        ):
            put(old.pair(name), new.pair(name).read_bytes())
        put(old.file, new.file.read_bytes())
        broker.restart()
        answer = sent_again(port, "after-renewal")
        assert answer.status_code == 200, deployed.log("intake").read_text()[-2000:]
        standing(deployed, "after-renewal", 60)
        assert deployed.stop() == [0, 0]
    finally:
        deployed.stop()


def sent_again(port: int, subject: str, seconds: float = 60) -> httpx.Response:
    """The answer that a source has in the end, which sends again after a 503."""
    headers = {"x-api-key": "a-key-of-the-door", "content-type": "application/cloudevents+json"}
    until = time.monotonic() + seconds
    while True:
        url = f"http://127.0.0.1:{port}/in/direct"
        answer = httpx.post(url, content=event(subject), headers=headers, timeout=20)
        if answer.status_code != 503 or time.monotonic() > until:
            return answer
        time.sleep(0.3)
