"""A console answers while its archive is opened: probes do not end it in the middle of a migration."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from cli.running import variables
from console.boards import Changelog, Desk
from console.console_house import POLICIES, Kept, served
from engine.cli.exits import ExitCode
from engine.console.app import application
from engine.console.live import Live
from engine.console.opening import Opening
from engine.core.instants import Instant
from engine.demo.broker import KafkaBroker, free_port
from engine.metrics.console import ConsoleMetrics
from servers import listening, unique

pytestmark = pytest.mark.slow

_TOPICS = ("TICKETS", "INCIDENTS", "OUTCOMES", "COMMANDS", "DLQ")
OPENING = {"ready": False, "why_not": "opening_archive", "failed": "", "archive_failed": ""}


def reached(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


class Unheard(Kept):
    """No broker is there; whether it was begun and ended is known."""

    began = ended = False

    async def start(self) -> None:
        self.began = True

    async def stop(self) -> None:
        self.ended = True


def test_it_answers_from_the_first_moment_and_then_as_the_console(tmp_path: Path) -> None:
    may_go_on, left, sent = threading.Event(), [], Unheard()
    metrics, board = ConsoleMetrics(), Desk().board
    live = Live(board, "state", Changelog().connect, lambda: Instant(0), metrics)
    more = {"sender": sent, "metrics": metrics, "live": live}
    port = free_port()
    with served(tmp_path, events=False, **more) as console, httpx.Client() as client:

        def make(stack: object) -> FastAPI:
            assert may_go_on.wait(60)
            stack.callback(left.append, "house")  # type: ignore[attr-defined]
            return application(console.house)

        def asked(path: str, method: str = "GET") -> httpx.Response:
            return client.request(method, f"http://127.0.0.1:{port}{path}")

        with listening(Opening(make, metrics), port):
            assert asked("/live").status_code == 200
            ready = asked("/ready")
            assert (ready.status_code, ready.json()) == (503, OPENING)
            assert 'vigil_console_stopped{part="board"} 0.0' in asked("/metrics").text
            for early in (asked("/"), asked("/stream"), asked("/forms/opened/desk:1", "POST")):
                assert (early.status_code, early.headers["retry-after"]) == (503, "5")
                assert "The console is starting" in early.text
                assert "default-src 'none'" in early.headers["content-security-policy"]
                assert early.headers["cache-control"] == "no-store"
            clocks = asked("/api/v1/clocks")
            assert (clocks.status_code, clocks.json()["name"]) == (503, "archive_away")
            assert not sent.began
            may_go_on.set()
            reached(lambda: asked("/ready").status_code == 200)
            assert asked("/ready").json() == OPENING | {"ready": True, "why_not": None}
            assert "Deadline board" in asked("/").text
            assert (sent.began, sent.ended, left) == (True, False, [])
        assert (sent.ended, left) == (True, ["house"])


_SERVES = """
import sys, time
from engine.cli import main
from engine.cli.console import _serve
from engine.cli.exits import ExitCode, Failure
from engine.console.opening import Opening
from engine.metrics.console import ConsoleMetrics

def never(_):
    print("opening", flush=True)
    time.sleep(600)

def refused(_):
    raise Failure("no database: it is not there", ExitCode.UNREACHABLE, "is it there?")

def without_a_topic(_):
    from contextlib import asynccontextmanager
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(_):
        raise TimeoutError
        yield

    return FastAPI(lifespan=lifespan)

main.app = lambda prog_name: _serve(Opening(globals()[sys.argv[1]], ConsoleMetrics()), "127.0.0.1", int(sys.argv[2]))
main.main()
"""  # noqa: E501


@contextmanager
def serving(make: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _SERVES, make, str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        ("refused", "vigil: no database: it is not there\n  is it there?\n"),
        ("without_a_topic", "vigil: no broker answers, or a topic is missing\n"),
    ],
)
def test_one_that_cannot_begin_ends_with_the_reason(make: str, said: str) -> None:
    with serving(make) as process:
        _, told = process.communicate(timeout=60)
    assert (process.returncode, said in told, "Traceback" in told) == (ExitCode.UNREACHABLE, True, False), (
        told
    )


def test_one_that_is_told_to_stop_does_not_wait_for_what_it_opens() -> None:
    with serving("never") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opening\n"
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in told) == (ExitCode.DONE, False), told


def test_the_command_listens_while_somebody_has_its_database(kafka: KafkaBroker, tmp_path: Path) -> None:
    name, port, file = unique("opening"), free_port(), tmp_path / "archive.db"
    given = variables(
        {
            "VIGIL_ENV": "dev", "VIGIL_BOOTSTRAP_SERVERS": kafka.bootstrap, "VIGIL_APP_ID": name,
            "VIGIL_ARCHIVE_URL": f"sqlite:///{file}", "VIGIL_POLICIES": str(POLICIES),
            "VIGIL_PARTITIONS": "1", "VIGIL_REPLICATION_FACTOR": "1",
        }
        | {f"VIGIL_{one}_TOPIC": f"{name}.{one.lower()}" for one in _TOPICS}
    )  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("VIGIL_", "KAFKA_"))} | given
    command = [sys.executable, "-m", "engine.cli.main"]
    subprocess.run([*command, "topics", "create"], env=environment, check=True, timeout=60)

    def answer(path: str) -> tuple[int, object]:
        try:
            found = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=10)
        except httpx.TransportError:
            return 0, None
        return found.status_code, found.json()

    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")  # as whoever brings its schema up to date has it
        console = subprocess.Popen([*command, "console", "--port", str(port)], env=environment)
        try:
            reached(lambda: answer("/live")[0] == 200)
            assert answer("/ready") == (503, OPENING)
            other.execute("ROLLBACK")
            reached(lambda: answer("/ready")[0] == 200)
        finally:
            console.terminate()
            assert console.wait(60) == 0
