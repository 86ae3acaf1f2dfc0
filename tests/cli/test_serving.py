"""What a process listens with: how it begins, and how it ends."""

import json
import signal
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, suppress
from threading import Semaphore
from time import monotonic, sleep
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import ThreadingWSGIServer

from engine.cli import serving as serving_module
from engine.cli.exits import ExitCode, Failure
from engine.cli.serving import Health, health_served
from engine.demo.broker import free_port
from engine.metrics.archive import ArchiveMetrics
from engine.settings import Settings

pytestmark = pytest.mark.slow

_SERVES = """
import sys
from engine.cli import main
from engine.cli.serving import serve

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})

main.app = lambda prog_name: serve(app, sys.argv[2], int(sys.argv[1]), "nothing", "do", lifespan="off")
main.main()
"""


def serving(port: int, host: str = "127.0.0.1") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _SERVES, str(port), host], stderr=subprocess.PIPE, text=True
    )


def answers(port: int, host: str = "127.0.0.1") -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://{host}:{port}", timeout=5) as page:
        return bool(page.read() == b"here")
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_end_it_well(number: signal.Signals) -> None:
    port = free_port()
    with serving(port) as process:
        deadline = monotonic() + 30
        while not answers(port):
            assert monotonic() < deadline
            sleep(0.05)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in said) == (ExitCode.DONE, False), said


def test_at_every_address_it_is_asked_by_both_versions_of_ip() -> None:
    port = free_port()
    with serving(port, "::") as process:
        deadline = monotonic() + 30
        while not (answers(port) and answers(port, "[::1]")):
            assert monotonic() < deadline
            sleep(0.05)
        with serving(port, "::") as second:
            _, said = second.communicate(timeout=30)
        assert f"vigil: nothing, or :::{port} is taken" in said
        process.terminate()
        process.communicate(timeout=30)
    assert (process.returncode, second.returncode) == (ExitCode.DONE, ExitCode.UNREACHABLE)


def test_a_port_that_is_taken_is_69_and_one_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with serving(port) as process:
            _, said = process.communicate(timeout=30)
    assert process.returncode == ExitCode.UNREACHABLE, said
    assert f"vigil: nothing, or 127.0.0.1:{port} is taken\n  do\n" in said


def test_metrics_at_a_port_that_is_taken_are_refused_with_what_to_do() -> None:
    settings = Settings(metrics_host="127.0.0.1", metrics_port=0)
    with health_served(settings, CollectorRegistry(), Health(100, ArchiveMetrics())) as port:
        again = settings.model_copy(update={"metrics_port": port})
        refusal = pytest.raises(Failure, match=f"metrics_port_taken: 127.0.0.1:{port}")
        with refusal as refused, health_served(again, CollectorRegistry(), Health(100, ArchiveMetrics())):
            pass
    assert (refused.value.code, "VIGIL_METRICS_PORT" in refused.value.hint) == (ExitCode.REFUSED, True)


def test_nobody_is_answered_before_probes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus's own application says 200 to /ready."""
    settings = Settings(metrics_host="127.0.0.1", metrics_port=free_port())
    made, answered = serving_module._with_probes, []

    def asked_meanwhile(*given: Any) -> Any:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", settings.metrics_port), 2)):
            answered.append(settings.metrics_port)
        return made(*given)

    monkeypatch.setattr(serving_module, "_with_probes", asked_meanwhile)
    with health_served(settings, CollectorRegistry(), Health(100, ArchiveMetrics())):
        assert answered == []


def test_who_connects_and_says_nothing_or_resets_is_let_go_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert serving_module._Silent.timeout
    monkeypatch.setattr(serving_module._Silent, "timeout", 0.2)
    settings = Settings(metrics_host="127.0.0.1", metrics_port=0)
    ended, end = Semaphore(0), ThreadingWSGIServer.shutdown_request
    monkeypatch.setattr(ThreadingWSGIServer, "shutdown_request", lambda *of: (end(*of), ended.release()))
    with health_served(settings, CollectorRegistry(), Health(100, ArchiveMetrics())) as port:
        with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as line:
            assert line.recv(1) == b"", "it has hung up"
        reset = socket.create_connection(("127.0.0.1", port))
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()  # by a reset, as a balancer's check does
        assert ended.acquire(timeout=20)
        assert ended.acquire(timeout=20)
    assert capfd.readouterr().err == ""


def test_probes_are_told_whether_it_is_at_work_and_keeps_up() -> None:
    settings = Settings(metrics_host="127.0.0.1", metrics_port=0)
    metrics = ArchiveMetrics()
    health = Health(100, metrics)

    def asked_by_head(path: str) -> tuple[int, bytes]:
        """All that comes, to the end of the connection: urllib would not read a body."""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(f"HEAD {path} HTTP/1.0\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: line.recv(4096), b"")).partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def asked(path: str) -> tuple[int, object]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    with health_served(settings, metrics.registry, health) as port:
        assert asked("/ready") == (503, {"ready": False, "why_not": "starting", "lag": 0})
        assert asked("/live") == (200, {"live": True})
        assert (asked_by_head("/ready"), asked_by_head("/live")) == ((503, b""), (200, b""))
        health.why_off = lambda: ""
        for topic, behind in (("tickets", 90), ("outcomes", 10)):
            health.lag(topic, behind)
        assert asked("/ready") == (200, {"ready": True, "why_not": None, "lag": 100})
        health.lag("outcomes", 11)
        assert asked("/ready") == (503, {"ready": False, "why_not": "falling_behind", "lag": 101})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert b'vigil_archive_lag_records{topic="outcomes"} 11.0' in answer.read()
