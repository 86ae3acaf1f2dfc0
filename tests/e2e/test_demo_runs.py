"""`vigil demo` from start to end on real brokers: all that was promised is said, nothing is left behind."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from kafka import KafkaAdminClient

from engine.core.instants import parse_instant
from engine.demo.broker import KafkaBroker
from engine.demo.feed import real_now
from engine.demo.story import Promise, load_story
from engine.demo.tansu import NoTansu, start_tansu
from servers import missing

DEMO = (sys.executable, "-m", "engine.cli.main", "demo")
STORY = load_story(real_now())


def environment(bootstrap: str | None, folder: Path) -> dict[str, str]:
    """Ours without its brokers, and with a temporary folder of its own: what is left in it is left behind."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("VIGIL_", "KAFKA_"))}
    if bootstrap is not None:
        env["KAFKA_BOOTSTRAP_SERVERS"] = bootstrap
    return env | {"TMPDIR": str(folder)}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the demo puts its temporary files; at the end it must be empty."""
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        yield Path(name)
        assert list(Path(name).iterdir()) == []


def said(lines: list[dict[str, object]], promise: Promise) -> bool:
    for line in lines:
        data = line["data"]
        assert isinstance(data, dict)
        same = (line["subject"], line["type"], data["metric"]) == (
            promise.subject,
            f"sla.{promise.name}.v1",
            promise.metric,
        )
        if same and (promise.at is None or parse_instant(data["effective_at"]) == promise.at):
            return True
    return False


def run(*options: str, bootstrap: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *options],
        env=environment(bootstrap, folder),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def left_on(bootstrap: str, told: str) -> list[str]:
    """Topics and groups of the demo that told its name."""
    name = re.search(r"vigil-demo-[0-9a-f]{6}", told)
    assert name is not None, told
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        groups = [group["group_id"] for group in admin.list_groups()]
        return [each for each in [*admin.list_topics(), *groups] if name[0] in each]
    finally:
        admin.close()


@pytest.mark.timeout(240)
def test_on_kafka_every_promise_of_the_story_is_said_and_nothing_stays(
    kafka: KafkaBroker, folder: Path
) -> None:
    done = run("--json", "--seconds", "60", bootstrap=kafka.bootstrap, folder=folder)
    assert done.returncode == 0, done.stderr
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [p for p in STORY.promises if not said(lines, p)] == []
    ids = [line["id"] for line in lines]
    assert len(ids) == len(set(ids)), "a reader of committed data sees no outcome twice"
    assert "How to go on" in done.stderr
    assert left_on(kafka.bootstrap, done.stderr) == []


@pytest.mark.timeout(240)
def test_plain_prints_one_line_an_outcome_with_sign_word_and_customer(
    kafka: KafkaBroker, folder: Path
) -> None:
    done = run("--plain", "--seconds", "40", bootstrap=kafka.bootstrap, folder=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert any("! missed" in line and "3rd in a row" in line and "Kestrel Rail" in line for line in lines)
    assert any("+ kept" in line and "Promise: full export" in line for line in lines)
    assert any("- retracted" in line and "First answer to customer" in line for line in lines)
    assert "\x1b" not in done.stdout
    assert left_on(kafka.bootstrap, done.stderr) == []


@pytest.mark.timeout(240)
def test_on_the_broker_from_pypi_the_same_is_said_without_transactions(folder: Path) -> None:
    try:
        start_tansu().stop()
    except NoTansu as error:
        missing(f"no Tansu here: {error}")
    env = environment(None, folder) | {"JAVA_HOME": str(folder / "none")}
    done = subprocess.run(
        [*DEMO, "--json"], env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Tansu" in done.stderr
    assert "delivery acknowledged" in done.stderr
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [p for p in STORY.promises if not said(lines, p)] == []


def started(*options: str, bootstrap: str, folder: Path) -> subprocess.Popen[str]:
    """A demo that has just said its first outcome."""
    demo = subprocess.Popen(
        [*DEMO, "--plain", *options],
        env=environment(bootstrap, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert demo.stdout is not None
    assert demo.stdout.readline(), demo.communicate()[1]
    return demo


def children(pid: int) -> dict[int, str]:
    """The processes that this one started, with their command lines."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found[int(folder.name)] = line
    return found


def worker_of(demo: subprocess.Popen[str]) -> int:
    return next(pid for pid, line in children(demo.pid).items() if "engine.cli.main worker" in line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_stays(kafka: KafkaBroker, folder: Path, number: signal.Signals) -> None:
    demo = started(bootstrap=kafka.bootstrap, folder=folder)
    worker = worker_of(demo)
    demo.send_signal(number)
    _, told = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "nothing is left behind" in told
    assert "Traceback" not in told
    assert not Path(f"/proc/{worker}").exists()
    assert left_on(kafka.bootstrap, told) == []


def test_a_worker_that_dies_ends_it_with_the_reason_and_its_last_lines(
    kafka: KafkaBroker, folder: Path
) -> None:
    demo = started(bootstrap=kafka.bootstrap, folder=folder)
    os.kill(worker_of(demo), signal.SIGKILL)
    _, told = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "the worker ended with code -9" in told
    assert "Last lines of" in told
    assert "Traceback" not in told
    assert left_on(kafka.bootstrap, told) == []


@pytest.mark.timeout(180)
def test_a_broker_that_goes_away_ends_it_with_the_reason_and_says_what_stays(
    kafka: KafkaBroker, folder: Path
) -> None:
    demo = started(bootstrap=kafka.bootstrap, folder=folder)
    kafka.kill()
    _, told = demo.communicate(timeout=120)
    assert demo.returncode == 69, told
    assert f"the broker at {kafka.bootstrap} does not answer any more" in told
    assert f"left on {kafka.bootstrap}" in told
    assert "Traceback" not in told


@pytest.mark.timeout(180)
def test_on_a_terminal_it_draws_the_board_and_q_quits(kafka: KafkaBroker, folder: Path) -> None:
    ours, its = pty.openpty()
    env = environment(kafka.bootstrap, folder) | {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "34"}
    demo = subprocess.Popen(DEMO, env=env, stdin=its, stdout=its, stderr=its, start_new_session=True)
    os.close(its)
    drawn, until = b"", time.monotonic() + 60
    while b"What Vigil said" not in drawn or b"+ met" not in drawn:
        assert time.monotonic() < until, drawn[-3000:].decode(errors="replace")
        drawn += read_some(ours)
    os.write(ours, b"mq")
    until = time.monotonic() + 40
    while demo.poll() is None and time.monotonic() < until:
        drawn += read_some(ours)
    drawn += read_some(ours)
    os.close(ours)
    assert demo.wait(5) == 0
    assert "WHAT IS OWED" in drawn.decode(errors="replace")
    assert "How to go on" in drawn.decode(errors="replace")
    assert left_on(kafka.bootstrap, drawn.decode(errors="replace")) == []


def read_some(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], 0.5)
    try:
        return os.read(terminal, 65536) if ready else b""
    except OSError:  # the other end is closed: Linux says so by an error
        return b""
