"""What works until it is stopped, stopped while it starts: at once, with 0 and no traceback."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import variables

from engine.cli.exits import ExitCode

pytestmark = pytest.mark.slow

LONG = 300
"""Seconds for which a broker is waited for: longer than any test."""
_HELD = """
import sys
from importlib.abc import MetaPathFinder

class Held(MetaPathFinder):
    def find_spec(self, name, *_):
        if name == "structlog":  # of what the commands import when they have begun
            print("imports", flush=True)
            input()

sys.meta_path.insert(0, Held())
from engine.cli.main import main
main()
"""

WAIT = [("worker",), ("archive", "run"), ("notify", "run")]
each = pytest.mark.parametrize("command", [*WAIT, ("intake", "run"), ("console",)], ids=" ".join)
by_each = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@contextmanager
def starting(folder: Path, program: list[str], bootstrap: str) -> Iterator["subprocess.Popen[str]"]:
    desk = f'{{type: webhook, url: "https://example.com", secret: whsec_{"a" * 32}}}'
    (folder / "notify.yaml").write_text(f"receivers:\n  desk: {desk}\nroute: {{receiver: desk}}\n")
    settings = {
        "VIGIL_BOOTSTRAP_SERVERS": bootstrap,
        "VIGIL_POLICIES": "deploy/policies",
        "VIGIL_START_TIMEOUT": str(LONG),
        "VIGIL_NOTIFY_CONFIG": str(folder / "notify.yaml"),
        "VIGIL_METRICS_PORT": "0",
    }
    with subprocess.Popen(
        [sys.executable, *program],
        env=variables(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in said) == (ExitCode.DONE, False), said


@each
@by_each
def test_while_it_imports(tmp_path: Path, command: tuple[str, ...], number: signal.Signals) -> None:
    with starting(tmp_path, ["-c", _HELD, *command], "127.0.0.1:1") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "imports\n"
        ended(process, number)


@pytest.mark.parametrize("command", WAIT, ids=" ".join)
@by_each
def test_while_it_waits_for_a_broker_that_lets_it_connect_and_answers_nothing(
    tmp_path: Path, command: tuple[str, ...], number: signal.Signals
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with starting(tmp_path, ["-m", "engine.cli.main", *command], address) as process:
            connection, _ = silent.accept()
            with connection:
                ended(process, number)
