"""What a process listens with: how it begins, and how it ends."""

import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import closing, suppress
from time import monotonic, sleep

import pytest
from prometheus_client import CollectorRegistry

from engine.cli.exits import ExitCode, Failure
from engine.cli.serving import metrics_served
from engine.demo.broker import free_port
from engine.settings import Settings

_SERVES = """
import sys
from engine.cli import main
from engine.cli.serving import serve

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})

main.app = lambda prog_name: serve(app, "127.0.0.1", int(sys.argv[1]), "nothing", "do", lifespan="off")
main.main()
"""


def serving(port: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _SERVES, str(port)], stderr=subprocess.PIPE, text=True)


def answers(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=5) as page:
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


def test_a_port_that_is_taken_is_69_and_one_line() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with serving(port) as process:
            _, said = process.communicate(timeout=30)
    assert process.returncode == ExitCode.UNREACHABLE, said
    assert f"vigil: nothing, or 127.0.0.1:{port} is taken\n  do\n" in said


def test_metrics_at_a_port_that_is_taken_are_refused_with_what_to_do() -> None:
    settings = Settings(metrics_host="127.0.0.1", metrics_port=0)
    with metrics_served(settings, CollectorRegistry()) as port:
        again = settings.model_copy(update={"metrics_port": port})
        refusal = pytest.raises(Failure, match=f"metrics_port_taken: 127.0.0.1:{port}")
        with refusal as refused, metrics_served(again, CollectorRegistry()):
            pass
    assert (refused.value.code, "VIGIL_METRICS_PORT" in refused.value.hint) == (ExitCode.REFUSED, True)
