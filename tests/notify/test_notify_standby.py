"""A `vigil notify run` that waits for another to go, and one whose record is away for a moment."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from structlog.testing import capture_logs

from engine.cli import notifying
from engine.cli.serving import Health
from engine.core.instants import Instant
from engine.metrics.notify import NotifyMetrics
from engine.notify.record import Record


class Held:
    """A record that another process sends from, whose database is away for a while."""

    def __init__(self, health: Health, stopping: Event) -> None:
        self._health, self._stopping = health, stopping
        self._looks = 0
        self.told: list[Any] = []
        """What probes were told before each look."""

    @contextmanager
    def alone(self) -> Iterator[Callable[[], bool] | None]:
        self._looks += 1
        self.told.append(self._health.answer("/ready"))
        if self._looks == 2:
            raise OperationalError("SELECT", {}, Exception("no route to it"))
        if self._looks == 4:
            self._stopping.set()
        yield None


def test_one_that_waits_is_ready_and_a_database_that_goes_away_does_not_end_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notifying, "_TAKE_OVER_SECONDS", 0.0)
    health, stopping = Health(100, NotifyMetrics([])), Event()
    record = Held(health, stopping)
    notifying._alone(cast(Any, None), [], cast(Record, record), health, stopping)
    said = [(status, answer["why_not"]) for status, answer in record.told]
    assert said == [(503, "starting"), (200, None), (503, "database_away"), (200, None)]


class Telling:
    """A process that sends, and has nothing to tell."""

    async def run(self, _: Callable[[], bool]) -> None:
        return


class OneLook(Event):
    """Stops who waits after its first look."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def test_who_sends_says_whom_it_tells_and_who_waits_does_not(tmp_path: Path) -> None:
    health, stopping = Health(100, NotifyMetrics([])), Event()
    with Record.open(f"sqlite:///{tmp_path}/record.db", Instant(0)) as record:
        assert record.receivers() is None, "nobody has told from it yet"
        notifying._alone(cast(Any, Telling()), {"desk": 1, "chat": 2}, record, health, stopping)
        assert record.receivers() == ["chat", "desk"]
        with record.alone():
            notifying._alone(cast(Any, Telling()), ["other"], record, health, OneLook())
        assert record.receivers() == ["chat", "desk"]


async def test_a_pruning_for_which_no_connection_is_free_is_said_and_ends_nothing() -> None:
    stopping = Event()

    class Busy:
        def prune(self, before: Instant) -> int:
            stopping.set()
            raise NoneFree("QueuePool limit of size 5 overflow 10 reached")

    given: Any = SimpleNamespace(notify_keep_days=90.0), None, Busy(), None, None, stopping
    with capture_logs() as lines:
        await notifying._Process(*given)._watch(lambda: True, [])
    assert [line["event"] for line in lines] == ["not_pruned"]
