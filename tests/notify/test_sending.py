"""Several groups are told at once, to a real server: how many, what stands, and what a failure does."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from aiohttp import web
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from engine.core.instants import HOUR, SECOND, Instant, Span
from engine.metrics.notify import NotifyMetrics
from engine.notify.alert import Memory, Notification
from engine.notify.circuit import FAILURES, FIRST_OPEN, FIRST_WAIT
from engine.notify.receivers.webhook import Webhook, WebhookConfig
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.notify.sending import Remembered, Sender
from engine.notify.wording import Wording
from engine.sql.following import AWAY
from notify.alerting import outcome
from notify.keeping import NOW, ROOT, after, take
from notify.notifying import SECRET
from postgres import Postgres


class Busy:
    """A server that keeps each delivery for a moment, and counts those that it has at once."""

    def __init__(self) -> None:
        self.now = self.most = self.taken = 0
        self.status = 200
        self.fails_every = 0
        """So many deliveries are taken for each that is not."""

    async def handle(self, request: web.Request) -> web.Response:
        self.now += 1
        self.most = max(self.most, self.now)
        await request.read()
        await asyncio.sleep(0.05)
        self.now, self.taken = self.now - 1, self.taken + 1
        if self.fails_every and self.taken % self.fails_every == 0:
            return web.Response(status=503)
        return web.Response(status=self.status)


@pytest.fixture
async def busy() -> AsyncIterator[tuple[Busy, str]]:
    there, app = Busy(), web.Application()
    app.router.add_post("/", there.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield there, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


class Time:
    now = NOW

    def __call__(self) -> Instant:
        return self.now


def desk(url: str, at_once: int = 8) -> Webhook:
    config = WebhookConfig(
        url=url, secret=SecretStr(SECRET), allow_http=True, allow_private=True, at_once=at_once
    )
    return Webhook("desk", config)


def sender(record: Record, to: Any, time: Time, number: int = 20, root: Route = ROOT) -> Sender:
    """With so many conditions to tell."""
    take(record, *(outcome("breached", subject=f"desk:{n}", id=f"b{n}") for n in range(number)), root=root)
    return Sender(to, record, root, NotifyMetrics(["desk"]), time, Random(1))  # noqa: S311


@pytest.mark.parametrize(("at_once", "most"), [(8, range(2, 9)), (1, range(1, 2))])
async def test_so_many_are_under_way_as_it_takes_and_all_are_told(
    tmp_path: Path, busy: tuple[Busy, str], at_once: int, most: range
) -> None:
    there, url = busy
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        telling = sender(record, desk(url, at_once), Time())
        await telling.round(asyncio.Event())
        assert (there.taken, there.most in most) == (20, True), there.most
        assert record.due("desk", after(1), 99).groups == []


async def test_what_fails_together_is_one_reason_to_wait_and_then_one_is_tried(
    tmp_path: Path, busy: tuple[Busy, str]
) -> None:
    there, url = busy
    there.status, time = 503, Time()
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        telling = sender(record, desk(url), time)
        wait = await telling.round(asyncio.Event())
        assert there.taken == 8, "the circuit is open: the rest are left alone"
        assert wait <= FIRST_OPEN / 1e6, "as after one that opened it"
        time.now = Instant(NOW + FIRST_OPEN)
        await telling.round(asyncio.Event())
        assert there.taken == 9, "one decides"
        there.status, time.now = 200, after(60)
        await telling.round(asyncio.Event())
        await telling.round(asyncio.Event())
        assert (there.taken, record.due("desk", after(60), 99).groups) == (29, []), "nothing was given up"


async def test_a_large_group_goes_on_at_once_where_a_part_of_it_arrives_each_time(
    tmp_path: Path, busy: tuple[Busy, str]
) -> None:
    there, url = busy
    there.fails_every, time, digest = 2, Time(), Route("desk", group_by=("customer",))
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        telling = sender(record, desk(url), time, number=150, root=digest)
        tries = 0
        while record.due("desk", after(60), 1).groups:
            time.now = Instant(time.now + FIRST_WAIT)
            await telling.round(asyncio.Event())
            tries += 1
        assert tries > FAILURES, "it failed more often than what opens the circuit"
        assert there.taken == 2 * tries - 1, "at every try one delivery was taken, and none was sent twice"


async def test_a_clock_that_is_set_back_holds_back_nothing(tmp_path: Path, busy: tuple[Busy, str]) -> None:
    there, url = busy
    time, waits = Time(), Route("desk", group_wait=Span(30 * SECOND), repeat_interval=Span(HOUR))
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        telling = sender(record, desk(url), time, number=1, root=waits)
        time.now = after(1)
        await telling.round(asyncio.Event())
        there.status = 503
        take(record, outcome("breached", subject="desk:9", id="b9"), root=waits, at=after(1))
        for minute in (2, 9, 16, 23, 30, 37):
            time.now = after(minute)
            await telling.round(asyncio.Event())
        there.status, taken = 200, there.taken
        time.now = after(-200)
        await telling.round(asyncio.Event())
        time.now = after(-190)
        await telling.round(asyncio.Event())
        assert there.taken == taken + 1, "what had failed"
        time.now = after(-170)
        await telling.round(asyncio.Event())
        assert there.taken == taken + 2, "the reminder of the first, an hour after it was told"


async def test_what_was_noted_by_a_clock_that_ran_ahead_holds_back_nothing_of_who_begins(
    tmp_path: Path, busy: tuple[Busy, str]
) -> None:
    there, url = busy
    ahead, time, waits = (
        Time(),
        Time(),
        Route("desk", group_by=("customer",), group_interval=Span(300 * SECOND)),
    )
    ahead.now = after(120)
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        await sender(record, desk(url), ahead, number=1, root=waits).round(asyncio.Event())
        assert there.taken == 1
        take(record, outcome("breached", subject="desk:9", id="b9"), root=waits, at=after(121))
        telling = sender(record, desk(url), time, number=0, root=waits)
        await telling.round(asyncio.Event())
        assert there.taken == 1
        time.now = after(5)
        await telling.round(asyncio.Event())
        assert there.taken == 2, "five minutes after the first, and not two hours"


async def test_how_long_the_oldest_waits_is_known_while_much_is_told(tmp_path: Path) -> None:
    metrics, time, known = NotifyMetrics(["desk"]), Time(), list[float | None]()

    class Slow:
        name, at_once, wording = "desk", 1, Wording("UTC", {})

        async def send(self, notification: Notification, memory: Memory) -> None:
            name, labels = "vigil_notify_oldest_undelivered_seconds", {"receiver": "desk"}
            known.append(metrics.registry.get_sample_value(name, labels))
            time.now = Instant(time.now + 60 * SECOND)

    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        take(record, *(outcome("breached", subject=f"desk:{n}", id=f"b{n}") for n in range(4)))
        await Sender(Slow(), record, ROOT, metrics, time, Random(1)).round(asyncio.Event())  # noqa: S311
    assert known == [0, 60, 120, 180]


async def test_what_cannot_be_noted_is_not_sent(postgres: Postgres, busy: tuple[Busy, str]) -> None:
    (there, url), time = busy, Time()
    place = postgres.new_database()
    with Record.open(place, NOW) as record, psycopg.connect(place, autocommit=True) as owner:
        telling = sender(record, desk(url), time, number=1)
        await telling.round(asyncio.Event())
        assert there.taken == 1
        name, setting = place.rpartition("/")[2], "default_transaction_read_only"  # as where its disk is full
        owner.execute(f"ALTER DATABASE {name} SET {setting} = on".encode())
        record.engine.dispose()
        time.now = after(5 * 60)  # a reminder is due
        for _ in range(3):
            with pytest.raises(AWAY):
                await telling.round(asyncio.Event())
        assert there.taken == 1
        owner.execute(f"ALTER DATABASE {name} RESET {setting}".encode())
        record.engine.dispose()
        await telling.round(asyncio.Event())
        assert there.taken == 2


async def test_what_arrived_is_noted_though_the_record_was_away_for_another(
    tmp_path: Path, busy: tuple[Busy, str]
) -> None:
    there, url = busy

    class Forgetful(Webhook):
        async def send(self, notification: Notification, memory: Any) -> None:
            if "desk:3/" in notification.group:
                raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
            await super().send(notification, memory)

    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        to = Forgetful("desk", desk(url)._config)
        telling = sender(record, to, Time(), number=8)
        with pytest.raises(OperationalError):
            await telling.round(asyncio.Event())
        (left,) = record.due("desk", after(1), 99).groups
        assert ("desk:3/" in left, there.taken) == (True, 7)


async def test_a_record_that_is_slow_holds_up_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0

    async def somebody_else() -> None:
        nonlocal steps
        while True:
            await asyncio.sleep(0.01)
            steps += 1

    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as record:
        writes = record.remember

        def slowly(*what: Any) -> None:
            time.sleep(0.5)
            writes(*what)

        monkeypatch.setattr(record, "remember", slowly)
        other = asyncio.create_task(somebody_else())
        memory = Remembered(record, "desk", Time())
        await memory.put("thread", "17")
        other.cancel()
        assert steps > 10, "the loop went on"
        assert (await memory.get("thread"), memory.has_grown) == ("17", True)
