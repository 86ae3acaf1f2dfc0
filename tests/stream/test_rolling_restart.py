"""Every worker is replaced in turn, as an upgrade does it, while events flow and timers fall due.

Nothing of it is to be seen in what is said, and it is said in time. `pytest -s` prints what
docs/reliability.md says of it.
"""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson
import pytest
from counting import why_not_ready
from test_worker_on_kafka import Real, event, now, opened, watch_breaches

from engine.contract.codec import decode_outcome
from engine.core.instants import parse_instant
from engine.demo.broker import KafkaBroker
from engine.policies import load
from engine.replay.replaying import Hearing, Replay, Wish
from engine.replay.verdicts import differences, read_outcome, verdicts

POLICY = """
policy: rolling
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
match: {}
clocks:
  triage: {budget: {P1: 8s}, risk: []}
"""
PARTITIONS = 6
WORKERS = 3
RATE = 50
"""Escalations a second; every third is triaged at once, the others breach eight seconds later."""
CALM = 2.0
"""Seconds between a worker that is ready and the end of the next one."""
LATENESS_P99 = 5.0


def a_life(number: int) -> list[dict[str, Any]]:
    """An escalation that is opened now; every third is triaged at once, the others breach."""
    at, subject = now(), f"T-{number:05}"
    first = opened(subject, at)
    if number % 3:
        return [first]
    return [first, event(subject, "triaged", at + timedelta(milliseconds=1), severity="P1", by="ann")]


def is_to_breach(life: list[dict[str, Any]]) -> bool:
    return len(life) == 1


class Flow:
    """Escalations at an even rate until `stop`; `events` is all that was sent."""

    def __init__(self, deployment: Real) -> None:
        self.events: list[dict[str, Any]] = []
        self.breaching = 0
        self._deployment = deployment
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        numbers, next_at = count(), time.monotonic()
        while not self._enough.is_set():
            made = []
            for number in islice(numbers, RATE // 5):
                made += (life := a_life(number))
                self.breaching += is_to_breach(life)
            self._deployment.publish(made)
            self.events += made
            next_at += 0.2
            time.sleep(max(0.0, next_at - time.monotonic()))

    def stop(self) -> None:
        self._enough.set()
        self._thread.join()


@pytest.fixture
def deployment(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Real]:
    made = Real(kafka.bootstrap, tmp_path)
    made.create_topics(PARTITIONS)
    made.policy(POLICY)
    yield made
    made.kill()


@pytest.mark.timeout(400)
def test_a_rolling_restart_under_load_loses_no_outcome_says_none_twice_and_none_late(
    deployment: Real,
) -> None:
    for _ in range(WORKERS):
        deployment.start()
    for number in range(WORKERS):
        wait_until_ready(deployment, number)
    late: list[float] = []
    enough = threading.Event()
    reader = threading.Thread(target=watch_breaches, args=(deployment, late, enough))
    reader.start()
    flow = Flow(deployment)
    try:
        wait_for_breaches(late, 1)
        before, began = len(late), time.monotonic()
        for number in range(WORKERS):
            replace(deployment, number)
        during, took = late[before:], time.monotonic() - began
        flow.stop()
        wait_for_breaches(late, flow.breaching)
    finally:
        flow.stop()
        enough.set()
        reader.join()
    records = deployment.read(deployment.settings.outcomes_topic)
    said = [decode_outcome(one.value, one.headers) for one in records]
    expected = replayed(deployment, flow.events)
    assert [str(one) for one in differences(verdicts(said), verdicts(expected))] == []
    assert max(Counter(one.id for one in said).values()) == 1
    assert not [one.id for one in said if one.provisional], "no worker was behind for long"
    assert deployment.read(deployment.settings.dlq_topic) == []
    cuts = quantiles(during, n=100)
    print(
        f"\n{WORKERS} workers replaced in {took:.0f} s: {len(flow.events):,} events, {len(said):,} outcomes; "
        f"{len(during):,} breaches meanwhile, readable after their due time: p50 {cuts[49]:.2f}, "
        f"p99 {cuts[98]:.2f}, worst {max(during):.2f} s"
    )
    assert len(during) > 100, "a percentile of fewer says nothing"
    assert cuts[98] <= LATENESS_P99
    assert deployment.stop() == [0] * (2 * WORKERS)


def replace(deployment: Real, number: int) -> None:
    """SIGTERM; it drains and ends with 0; a new one is started and ready."""
    old = deployment.workers[number]
    old.send_signal(signal.SIGTERM)
    assert old.wait(30) == 0, deployment.text(number)[-3000:]
    deployment.start()
    wait_until_ready(deployment, len(deployment.workers) - 1)
    time.sleep(CALM)


def wait_until_ready(deployment: Real, number: int, seconds: float = 60) -> None:
    deployment.wait_for("health_server", number)
    port = deployment.logged("health_server", number)[0]["port"]
    until = time.monotonic() + seconds
    while why_not_ready(port) is not None:
        assert time.monotonic() < until, deployment.text(number)[-3000:]
        time.sleep(0.1)


def wait_for_breaches(late: list[float], wanted: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while len(late) < wanted:
        assert time.monotonic() < until, f"{len(late)} of {wanted} breaches can be read"
        time.sleep(0.1)


def replayed(deployment: Real, events: list[dict[str, Any]]) -> list[Any]:
    """What `vigil replay` says of the same events up to now."""
    until = parse_instant(now().isoformat())
    hearing = Hearing(lambda one: pytest.fail(str(one)), lambda *one: pytest.fail(str(one)), lambda _: None)
    replay = Replay(load(deployment.folder / "policies"), Wish(until), hearing)
    lines = ((f"events:{number}", orjson.dumps(one)) for number, one in enumerate(events))
    return list(map(read_outcome, replay.run(lines)))
