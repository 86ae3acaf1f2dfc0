"""What retention deletes unread is lost, and only that: whatever lies behind it is judged."""

import asyncio
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from faust.types import TP

from engine.contract.codec import encode_tick
from engine.core.decide import Options
from engine.core.instants import HOUR, MILLISECOND, Instant
from engine.metrics import Metrics
from engine.policies import load
from engine.settings import Settings
from engine.stream import duties
from engine.stream.app import faust_app
from engine.stream.chunks import Chunk, PositionedRecords
from engine.stream.clock import RealClock
from engine.stream.delivery import Decision, Settled
from engine.stream.desk import Desk
from engine.stream.duties import Duties
from engine.stream.observer import Observer
from engine.stream.sender import Sender
from engine.stream.shell import Shell
from engine.stream.transactions import Transactions

SETTINGS = Settings()
TICKETS, COMMANDS = TP(SETTINGS.tickets_topic, 0), TP(SETTINGS.commands_topic, 0)
POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
match: {}
clocks:
  triage: {budget: {P1: 3s}, risk: []}
"""


def opened(subject: str, at: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"{subject}-opened",
        "source": "test",
        "type": "ticket.opened.v1",
        "subject": subject,
        "time": at.isoformat(),
        "data": {"title": "down", "severity": "P1", "customer": {"id": "acme"}},
    }


class Log:
    """One partition of each source: where it begins and where it was sought. Offsets were committed at 5."""

    def __init__(self) -> None:
        self.begins, self.ends = 0, 100
        self.away = False
        self.led = True
        self.sought: list[tuple[TP, int]] = []

    def generation(self) -> int:
        return 1

    def settled_assignment(self) -> bool:
        return True

    def recovers_again(self) -> bool:
        return False

    def changelog_ends(self) -> dict[int, int]:
        return {}

    def source_partitions(self) -> set[TP]:
        return {TP(topic, 0) for topic in SETTINGS.input_topics}

    async def committed_of(self, tp: TP) -> int | None:
        return 5 if tp == TICKETS else None

    async def earliest(self, tps: Iterable[TP]) -> dict[TP, int]:
        if self.away:
            raise KafkaTimeoutError
        return dict.fromkeys(tps, self.begins) if self.led else {}

    async def latest(self, tps: Iterable[TP]) -> dict[TP, int]:
        return dict.fromkeys(tps, self.ends) if self.led else {}

    def position_of(self, tp: TP) -> int | None:
        return self.ends

    def end_of(self, tp: TP) -> int | None:
        return self.ends

    async def seek(self, tp: TP, offset: int) -> None:
        self.sought.append((tp, offset))


class Durable:
    """A stage that needs no broker."""

    commits_offsets = True

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self.ends: list[tuple[TP, int]] = []

    async def own(self, partitions: set[int]) -> None: ...

    async def drain(self) -> None: ...

    async def close(self) -> None: ...

    def put(self, decision: Decision) -> None:
        self.ends.append((decision.chunk.tp, decision.chunk.end))
        self._shell.settled(Settled(0, [decision], None, 0.0))


class Silent(Sender):
    """Connects to nothing."""

    async def start(self) -> None: ...


async def worker(log: Log, folder: Path) -> Shell:
    """A shell that has just recovered an empty partition."""
    (folder / "policy.yaml").write_text(POLICY)
    book, metrics, clock = load(folder), Metrics(), RealClock()
    _, table = faust_app(SETTINGS, 1)
    table.hold_only({0})
    desk = Desk(book, Options(), SETTINGS)
    shell = Shell(
        SETTINGS, book, desk, clock, metrics, Observer(metrics, clock), table,
        log, Durable, Silent(SETTINGS),  # type: ignore[arg-type]  # the log answers what is asked here
    )  # fmt: skip
    await shell.recovered()
    return shell


def gone(shell: Shell) -> float:
    return shell._metrics.registry.get_sample_value("vigil_records_gone_total", {"mode": "live"}) or 0.0


def chunk(tp: TP, start: int, *records: Any) -> Any:
    at = time.time_ns() // 1_000_000
    made = PositionedRecords(
        SimpleNamespace(topic=tp.topic, partition=0, offset=start + number, timestamp=at, **record)
        for number, record in enumerate(records)
    )
    made.start, made.end = start, start + len(records)
    return SimpleNamespace(message=SimpleNamespace(value=Chunk(tp, made, 1)), ack=bool)


def event(subject: str) -> dict[str, Any]:
    value = json.dumps(opened(subject, datetime.now(UTC))).encode()
    headers = [("content-type", b"application/cloudevents+json")]
    return {"key": subject.encode(), "value": value, "headers": headers}


async def test_an_assignment_begins_where_the_log_begins(tmp_path: Path) -> None:
    log = Log()
    shell = await worker(log, tmp_path)
    assert (shell.intake.expected(TICKETS), shell.intake.expected(COMMANDS), gone(shell)) == (5, 0, 0)
    log.begins = 9
    await shell.recovered()
    assert (shell.intake.expected(TICKETS), shell.intake.expected(COMMANDS)) == (9, 9)
    assert gone(shell) == 4, "where no offset was committed nothing was waited for"


async def test_what_was_passed_over_is_committed_though_nothing_comes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next worker would find the same records gone, and the doctor until then."""
    monkeypatch.setattr(duties, "IDLE_INTERVAL", 0.0)
    log = Log()
    log.begins = 9
    shell = await worker(log, tmp_path)
    durable: Any = shell.stage
    everything = asyncio.Event()

    def put(decision: Decision) -> None:
        durable.put(decision)
        if len(durable.ends) >= len(SETTINGS.input_topics):
            everything.set()

    shell.stage = Transactions(SETTINGS, shell.settled)  # it owns no lane, so none is idle
    monkeypatch.setattr(shell.stage, "put", put)
    some: Any = (None, shell, *[None] * 6)
    keeping = asyncio.create_task(Duties(*some)._keep_producers())
    await asyncio.wait_for(everything.wait(), 5)
    keeping.cancel()
    assert sorted(durable.ends) == sorted((TP(topic, 0), 9) for topic in SETTINGS.input_topics)
    assert shell.passed_over == set(), "once"


async def test_what_is_deleted_under_a_worker_holds_nothing_up(tmp_path: Path) -> None:
    log = Log()
    shell = await worker(log, tmp_path)
    await shell.take(chunk(TICKETS, 8, event("a")))
    assert log.sought == [(TICKETS, 5)], "the log has them: dropped on the way, and read again"
    log.begins = 7
    await shell.take(chunk(TICKETS, 8, event("a")))
    assert log.sought == [(TICKETS, 5), (TICKETS, 7)], "a part of the hole is no deletion"
    assert gone(shell) == 2
    log.begins = 8
    await shell.take(chunk(TICKETS, 8, event("a")))
    assert shell.stage.ends == [(TICKETS, 9)]  # type: ignore[attr-defined]
    assert gone(shell) == 3
    log.begins = 20
    await shell.read_again(TICKETS)
    assert shell.intake.expected(TICKETS) == 20, "and where nothing comes after it"


async def test_a_topic_that_was_made_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    """At an assignment, and where nothing of it comes: Faust passes over what lies before its position."""
    log = Log()
    log.ends = 3
    shell = await worker(log, tmp_path)
    assert (shell.intake.expected(TICKETS), gone(shell)) == (0, 2)
    await shell.take(chunk(TICKETS, 0, event("a"), event("b"), event("c")))
    assert shell.untaken() == {
        TP(topic, 0): (0, 3) for topic in SETTINGS.input_topics if topic != TICKETS.topic
    }
    log.ends = 1
    assert shell.untaken()[TICKETS] == (3, 1)
    await shell.read_again(TICKETS)
    assert (log.sought[-1], gone(shell)) == ((TICKETS, 0), 4)
    await shell.take(chunk(TICKETS, 0, event("d")))
    assert shell.stage.ends == [(TICKETS, 3), (TICKETS, 1)]  # type: ignore[attr-defined]


async def test_where_nobody_says_where_the_log_begins_it_is_a_hole(tmp_path: Path) -> None:
    log = Log()
    shell = await worker(log, tmp_path)
    log.begins, log.away = 8, True
    await shell.take(chunk(TICKETS, 8, event("a")))
    assert (log.sought, gone(shell)) == ([(TICKETS, 5)], 0)


async def test_without_a_leader_it_begins_where_offsets_were_committed_and_passes_what_is_gone_later(
    tmp_path: Path,
) -> None:
    log = Log()
    log.begins, log.led = 8, False
    shell = await worker(log, tmp_path)
    assert shell.accepting
    assert (shell.intake.expected(TICKETS), shell.intake.expected(COMMANDS), gone(shell)) == (5, 0, 0)
    await shell.take(chunk(TICKETS, 8, event("a")))
    assert (log.sought, gone(shell)) == ([(TICKETS, 5)], 0), "it has lost its leader again"
    log.led = True
    await shell.take(chunk(TICKETS, 8, event("a")))
    assert (shell.stage.ends, gone(shell)) == ([(TICKETS, 9)], 3)  # type: ignore[attr-defined]


async def test_where_no_offset_was_committed_and_nobody_led_nothing_is_gone_before_the_beginning(
    tmp_path: Path,
) -> None:
    log = Log()
    log.begins, log.led = 8, False
    shell = await worker(log, tmp_path)
    log.led = True
    await shell.take(chunk(COMMANDS, 8))
    assert (shell.intake.expected(COMMANDS), gone(shell)) == (8, 0)
    log.begins = 10
    await shell.take(chunk(COMMANDS, 10))
    assert (shell.intake.expected(COMMANDS), gone(shell)) == (10, 2), "those it waited for"


async def test_alarms_whose_ticks_are_gone_are_asked_for_again(tmp_path: Path) -> None:
    log = Log()
    shell = await worker(log, tmp_path)
    await shell.take(chunk(TICKETS, 5, event("a"), event("b")))
    later = Instant(time.time_ns() // 1_000 + HOUR)
    asked = shell.timers.take_due(later, {0})[0]
    assert {subject for _, subject in asked} == {"a", "b"}
    assert shell.timers.take_due(later, {0}) == {}
    log.begins = 2
    tick = encode_tick("b", Instant(asked[0][0] + MILLISECOND))
    await shell.take(chunk(COMMANDS, 2, {"key": tick.key, "value": tick.value, "headers": tick.headers}))
    again = shell.timers.take_due(later, {0})[0]
    assert next(at for at, subject in again if subject == "a") == dict(map(reversed, asked))["a"]
