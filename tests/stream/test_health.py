"""Readiness means assigned, recovered and keeping up; and what the worker's web server answers."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import ClientSession
from test_records_gone import SETTINGS, TICKETS, Log, chunk, event, worker

from engine.metrics import Metrics
from engine.metrics.metrics import SCRAPER
from engine.stream.delivery import Decision, Settled
from engine.stream.health import HealthServer
from engine.stream.readiness import Readiness, of_worker


class State:
    assigned = True
    accepting = True
    stuck = False


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def readiness(state: State) -> Readiness:
    return of_worker(100, lambda: state.accepting, lambda: state.assigned, lambda: state.stuck)


def test_without_an_assignment_it_is_not_ready(state: State, readiness: Readiness) -> None:
    state.assigned = False
    assert readiness.why_not() == "not_assigned"


def test_during_a_recovery_it_is_not_ready(state: State, readiness: Readiness) -> None:
    state.accepting = False
    assert readiness.why_not() == "not_recovered"


def test_what_does_not_become_durable_is_not_ready(state: State, readiness: Readiness) -> None:
    state.stuck = True
    readiness.saw_lag(0, at=1.0)
    assert readiness.why_not() == "not_durable"


def test_who_hears_no_broker_is_not_ready_though_it_knows_of_no_lag(readiness: Readiness) -> None:
    """Cut off from Kafka it has nothing to do, and another has its partitions."""
    for second in range(30):
        readiness.saw_lag(0, at=second)
        readiness.saw_answers({TICKETS: min(second, 12)}, at=second)
        assert readiness.why_not() == ("broker_away" if second > 22 else "")
    readiness.saw_answers({TICKETS: 40}, at=40)
    assert readiness.is_ready()
    for second in range(41, 70):  # it reads its state back
        readiness.saw_answers({}, at=second)
    assert readiness.is_ready()


async def test_a_decision_that_the_brokers_do_not_take_is_stuck_once_a_stop_would_not_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken is no lag any more: without this a worker whose writes hang looks as well as can be."""
    shell, waits, now = await worker(Log(), tmp_path), list[Decision](), [time.monotonic()]
    monkeypatch.setattr(shell.stage, "put", waits.append)
    monkeypatch.setattr("engine.stream.shell.time", SimpleNamespace(monotonic=lambda: now[0]))
    await shell.take(chunk(TICKETS, 5, event("a")))
    await shell.take(chunk(TICKETS, 6, event("b")))
    assert (len(waits), shell.is_stuck()) == (2, False)
    now[0] += SETTINGS.drain_timeout + 60
    assert shell.is_stuck()
    shell.settled(Settled(0, waits, None, 0.0))
    assert not shell.is_stuck()


def test_a_lag_within_the_bound_is_ready(readiness: Readiness) -> None:
    readiness.saw_lag(100, at=1.0)
    assert readiness.is_ready()


def test_a_large_lag_that_does_not_fall_is_not_ready(readiness: Readiness) -> None:
    for second, lag in enumerate((500, 520, 500)):
        readiness.saw_lag(lag, at=float(second))
    assert readiness.why_not() == "falling_behind"


def test_a_large_lag_that_falls_is_ready_until_it_stops_falling(readiness: Readiness) -> None:
    for second, lag in enumerate((900, 700, 500)):
        readiness.saw_lag(lag, at=float(second))
    assert readiness.is_ready()
    for second in range(3, 20):
        readiness.saw_lag(500, at=float(second))
    assert readiness.why_not() == "falling_behind"


async def test_the_server_says_ready_live_and_metrics(state: State, readiness: Readiness) -> None:
    metrics = Metrics()
    metrics.hole()
    server = HealthServer("127.0.0.1", 0, metrics, readiness)
    await server.start()
    try:
        async with ClientSession(f"http://127.0.0.1:{server.port}") as session:
            async with session.get("/ready") as answer:
                assert answer.status == 200
            state.accepting = False
            async with session.get("/ready") as answer:
                assert answer.status == 503
                assert (await answer.json())["why_not"] == "not_recovered"
            async with session.head("/ready") as answer:
                assert (answer.status, await answer.read()) == (503, b""), "as a load balancer asks"
            async with session.get("/live") as answer:
                assert answer.status == 200
            async with session.get("/metrics") as answer:
                assert 'vigil_holes_total{mode="live"} 1.0' in await answer.text()
            async with session.get("/metrics", headers={SCRAPER: "10"}) as answer:
                assert 'vigil_holes_total{mode="live"} 0.0' in await answer.text()
    finally:
        await server.stop()


async def test_at_every_address_it_is_asked_by_both_versions_of_ip(readiness: Readiness) -> None:
    server = HealthServer("::", 0, Metrics(), readiness)
    await server.start()
    try:
        for host in ("127.0.0.1", "[::1]"):
            async with ClientSession() as session, session.get(f"http://{host}:{server.port}/live") as answer:
                assert answer.status == 200, host
        with pytest.raises(OSError, match="in use"):
            await HealthServer("::", server.port, Metrics(), readiness).start()
    finally:
        await server.stop()
