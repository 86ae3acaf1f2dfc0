"""The ticks of each partition are sent at its own pace: one without a leader holds up no other."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, LeaderNotAvailableError, TopicAuthorizationFailedError

from engine.contract.records import Record
from engine.core.decide import Alarms
from engine.core.instants import NEVER, Instant
from engine.metrics import Metrics
from engine.settings import Settings
from engine.stream.duties import Duties
from engine.stream.timers import Timers

NOW = Instant(1_000)

pytestmark = pytest.mark.usefixtures("ends")


class HeldUp:
    """Takes what every partition sends but the first, which waits until it is told how that ends."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str]] = []
        self.asked = 0
        self.ends: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.cancelled = False

    async def send(self, topic: str, partition: int, records: Iterable[Record]) -> tuple[int, int]:
        subjects = [(partition, (record.key or b"").decode()) for record in records]
        if partition == 0:
            self.asked += 1
            try:
                await asyncio.shield(self.ends)
            except asyncio.CancelledError:
                self.cancelled = True
                raise
        self.sent += subjects
        return 0, len(subjects) - 1

    def fail(self, error: KafkaError) -> None:
        """What is under way fails; what is asked for next waits anew."""
        failed, self.ends = self.ends, asyncio.get_running_loop().create_future()
        failed.set_exception(error)


class Ticking:
    def __init__(self) -> None:
        self.timers, self.sender, self.metrics = Timers(), HeldUp(), Metrics()
        known: Any = SimpleNamespace(until=lambda number, now: now, bound=lambda until, now: NEVER)
        self.shell: Any = SimpleNamespace(
            accepting=True, timers=self.timers, completeness=known, stage=None, table=None
        )
        group: Any = SimpleNamespace(settled_assignment=lambda: True)
        clock: Any = SimpleNamespace(now=lambda: NOW)
        unused: Any = None
        settings = Settings(tick_interval=0.05)
        sender: Any = self.sender
        self.duties = Duties(settings, self.shell, group, clock, self.metrics, sender, unused, unused)

    def due(self, number: int, subject: str) -> None:
        self.timers.of(number).push(Instant(5), subject)

    def heartbeat(self) -> float:
        return self.metrics.registry.get_sample_value("vigil_heartbeat_timestamp_seconds", MODE) or 0.0

    def count(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, {**MODE, **labels}) or 0.0


MODE = {"mode": "live"}


@asynccontextmanager
async def ticking(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ticking]:
    """The duty alone, which ends as all duties do."""
    made = Ticking()
    monkeypatch.setattr(Duties, "_count", forever)
    monkeypatch.setattr(Duties, "_watch_lag", forever)
    monkeypatch.setattr(Duties, "_read_dropped", forever)
    made.duties._clock.event_time = False  # type: ignore[misc]
    made.duties.start()
    try:
        yield made
    finally:
        await made.duties.stop()


async def forever(_: object) -> None:
    await asyncio.Event().wait()


async def becomes(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (a metric has no event)
            await asyncio.sleep(0.01)


async def test_while_one_waits_the_others_are_sent_round_after_round(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ticking(monkeypatch) as made:
        made.due(0, "stuck")
        for number in range(3):
            made.due(1, f"well{number}")
            await becomes(lambda: len(made.sender.sent) == number + 1)  # noqa: B023
            made.due(0, "later")
        assert made.sender.asked == 1, "what is under way is not asked for again"
        made.sender.ends.set_result(None)
        await becomes(lambda: len(made.sender.sent) == 5)
        assert sorted(made.sender.sent) == [
            (0, "later"), (0, "stuck"), (1, "well0"), (1, "well1"), (1, "well2"),
        ]  # fmt: skip
        assert made.count("vigil_ticks_total") == 5


async def test_a_partition_without_a_leader_is_asked_again_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ticking(monkeypatch) as made:
        made.due(0, "stuck")
        for failures in (1, 2):
            await becomes(lambda: made.sender.asked == failures)  # noqa: B023
            made.sender.fail(LeaderNotAvailableError())
        await becomes(lambda: made.sender.asked == 3)
        assert made.count("vigil_retries_total", reason="ticks") == 2
        made.sender.ends.set_result(None)
        await becomes(lambda: made.sender.sent == [(0, "stuck")])


async def test_the_heartbeat_tells_since_when_ticks_are_not_sent_and_goes_on_after_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ticking(monkeypatch) as made:
        await becomes(lambda: made.heartbeat() > 0)
        made.due(0, "stuck")
        await becomes(lambda: made.sender.asked == 1)
        asked = time.time()
        for failures in (2, 3, 4):
            made.sender.fail(LeaderNotAvailableError())
            await becomes(lambda: made.sender.asked == failures)  # noqa: B023
        await asyncio.sleep(0.2)
        assert made.heartbeat() <= asked + 0.01
        made.sender.ends.set_result(None)
        await becomes(lambda: made.heartbeat() > asked + 0.2)


async def test_what_is_no_longer_due_holds_back_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ticking(monkeypatch) as made:
        made.due(0, "judged")
        await becomes(lambda: made.sender.asked == 1)
        failed = time.time()
        monkeypatch.setattr(made.timers, "give_back", lambda number, due: None)  # an event settled it
        made.sender.fail(LeaderNotAvailableError())
        await becomes(lambda: made.heartbeat() > failed + 0.2)


@pytest.mark.parametrize("recovered", [True, False])
async def test_a_partition_that_was_taken_away_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, recovered: bool
) -> None:
    async with ticking(monkeypatch) as made:
        made.due(0, "stuck")
        await becomes(lambda: made.sender.asked == 1)
        taken = time.time()
        if recovered:
            made.timers.replace({1: Alarms()})
            await becomes(lambda: made.sender.cancelled)
        else:
            made.shell.accepting = False
        await becomes(lambda: made.heartbeat() > taken + 0.2)


async def test_what_is_under_way_ends_with_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ticking(monkeypatch) as made:
        made.due(0, "stuck")
        await becomes(lambda: made.sender.asked == 1)
    assert made.sender.cancelled


async def test_an_error_that_does_not_pass_ends_the_worker(
    ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ticking(monkeypatch) as made:
        made.due(0, "stuck")
        await becomes(lambda: made.sender.asked == 1)
        made.sender.fail(TopicAuthorizationFailedError())
        await becomes(lambda: ends == [70])
