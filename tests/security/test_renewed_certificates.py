"""Certificates that are renewed under running processes: what is on disk is shown and believed from the next
connection on, and who is refused says why."""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from engine.demo.broker import free_port
from engine.metrics.certificates import show_certificates
from engine.settings import Settings
from security.deployed import Deployed
from security.secured_kafka import Authority, SecuredKafka, secured_kafka_or_skip
from security.test_rights_on_kafka import NOTIFY, event, standing


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
def settings(authority: Authority, tmp_path: Path) -> Settings:
    """Of a process that is started with the certificate of `before`, in client.crt and client.key."""
    for end in ("crt", "key"):
        put(tmp_path / f"client.{end}", part(authority, "before", end))
    return Settings(
        security_protocol="SSL",
        tls_ca_file=authority.file,
        tls_cert_file=tmp_path / "client.crt",
        tls_key_file=tmp_path / "client.key",
    )


@pytest.fixture
def context(settings: Settings) -> ssl.SSLContext:
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
    with who_comes(authority) as port, caplog.at_level(logging.WARNING, "vigil.tls"):
        put(tmp_path / "client.crt", part(authority, "after", "crt"))
        assert [by_socket(port, context) for _ in range(3)] == ["before"] * 3
        (said,) = caplog.messages
        assert said.startswith("tls_files: ")
        (tmp_path / "client.key").unlink()
        assert by_socket(port, context) == "before"
        put(tmp_path / "client.key", part(authority, "after", "key"))
        assert by_socket(port, context) == "after"


def test_a_client_that_is_made_anew_goes_on_with_what_was_there_too(
    authority: Authority, settings: Settings, tmp_path: Path
) -> None:
    """As those are by which the archive, notify and the console read, whenever a broker was away."""
    settings.client_options()
    put(tmp_path / "client.crt", part(authority, "after", "crt"))
    with who_comes(authority) as port:
        for again in (settings, settings.model_copy(update={"start_timeout": 0.0})):
            assert by_socket(port, again.client_options()["ssl_context"]) == "before"
    other = settings.model_copy(update={"tls_cert_file": authority.pair("other"), "tls_key_file": None})
    with who_comes(authority) as port:
        assert by_socket(port, other.client_options()["ssl_context"]) == "other"


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


def test_of_what_ends_the_earliest_of_ours_is_shown_and_the_last_authority(tmp_path: Path) -> None:
    short, long = Authority(tmp_path / "short"), Authority(tmp_path / "long", days=400)
    ours = tmp_path / "client.pem"
    ours.write_bytes(long.pair("client").read_bytes() + short.file.read_bytes())
    believed = tmp_path / "ca.pem"
    believed.write_bytes(short.file.read_bytes() + long.file.read_bytes())
    settings = Settings(security_protocol="SSL", tls_ca_file=believed, tls_cert_file=ours, tls_key_file=ours)
    registry = CollectorRegistry()
    show_certificates(registry, settings.certificates)

    def days(of: str, end: str) -> int | None:
        at = registry.get_sample_value(f"vigil_certificate_not_{end}_timestamp_seconds", {"of": of})
        return None if at is None else round((at - time.time()) / 86_400)

    assert (days("client", "after"), days("authority", "after")) == (2, 400)
    assert (days("client", "before"), days("authority", "before")) == (0, 0)
    believed.unlink()
    ours.write_text("no certificate")
    assert (days("client", "after"), days("authority", "after")) == (None, None)


@pytest.fixture
def broker() -> Iterator[SecuredKafka]:
    """Of its own: its authority is replaced."""
    yield from secured_kafka_or_skip()


@pytest.mark.kafka
def test_processes_go_on_with_what_was_renewed_when_the_broker_wants_it(
    broker: SecuredKafka, tmp_path: Path
) -> None:
    """Authority and certificates are others now, as they are at the end of the old ones."""
    deployed = Deployed(broker, tmp_path)
    created = deployed.vigil(deployed.as_("admin"), "topics", "create")
    assert created.returncode == 0, created.stderr
    doors, alerts = tmp_path / "intake.yaml", tmp_path / "notify.yaml"
    doors.write_text("doors: {direct: {source: cloudevents, secrets: [{env: DOOR_KEY}]}}")
    alerts.write_text(NOTIFY)
    ports = {role: free_port() for role in ("intake", "worker", "archive", "notify", "console")}
    commands = {
        "intake": ("intake", "run", "-d", str(doors), "--port", str(ports["intake"])),
        "worker": ("worker",),
        "archive": ("archive", "run"),
        "notify": ("notify", "run"),
        "console": ("console", "--port", str(ports["console"])),
    }
    own = {name: f"sqlite:///{tmp_path / name}.db" for name in ("archive", "notify", "console")}
    try:
        for role, command in commands.items():
            settings = deployed.as_certificate(
                role, metrics_port=ports[role], notify_config=alerts, notify_url=own["notify"],
                archive_url=own.get(role, own["archive"]),
            )  # fmt: skip
            deployed.start(role, settings, *command, DOOR_KEY="a-key-of-the-door")
        for role, port in ports.items():
            assert ends(port, role, deployed) == {"client": 2, "authority": 2}, "days"
        new, old = Authority(tmp_path / "new", days=400), broker.authority
        for name in ("127.0.0.1", *(deployed.roles[role].principal for role in (*ports, "reader"))):
            put(old.pair(name), new.pair(name).read_bytes())
        put(old.file, new.file.read_bytes())
        broker.restart()
        answer = sent_again(ports["intake"], "after-renewal")
        assert answer.status_code == 200, deployed.log("intake").read_text()[-2000:]
        standing(deployed, "after-renewal", 60)
        deployed.wait_for("notify", '"group": "after-renewal/triage/1"')
        for role, port in ports.items():
            assert ends(port, role, deployed) == {"client": 400, "authority": 400}
        assert deployed.stop() == [0] * 5
    finally:
        deployed.stop()


def ends(port: int, role: str, deployed: Deployed, seconds: float = 60) -> dict[str, int]:
    """In how many days what a process shows and believes is over, by its metrics, once it is ready."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=10).status_code == 200:
                break
        assert time.monotonic() < until, f"{role}: {deployed.log(role).read_text()[-2000:]}"
        time.sleep(0.2)
    said = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    found = re.findall(r'^vigil_certificate_not_after_timestamp_seconds\{of="(\w+)"\} (\S+)', said, re.M)
    return {of: round((float(at) - time.time()) / 86_400) for of, at in found}


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
