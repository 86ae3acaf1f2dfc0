"""`vigil notify` under kill -9, with receivers that fail: every condition is seen firing once, and over once.

VIGIL_SOAK_KILLS=50 VIGIL_SOAK_OUTCOMES=100000 is the long form.
"""

import json
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from engine.contract.examples import example_outcome
from engine.contract.outcomes import encode_outcome
from engine.core.instants import MINUTE, Instant
from engine.core.outcomes import Outcome
from notify.notifying import Notifying, webhook

KILLS = max(5, int(os.environ.get("VIGIL_SOAK_KILLS", "5")))
OUTCOMES = max(2_000, int(os.environ.get("VIGIL_SOAK_OUTCOMES", "2000")))
CUSTOMERS = max(20, OUTCOMES // 1_000)
"""Each has a digest of some 450 alerts at most."""

pytestmark = pytest.mark.timeout(240 + OUTCOMES // 20)


class Seen(NamedTuple):
    """One alert of a delivery that the receiver has."""

    key: str
    state: str
    changed: int


class Server:
    """Takes webhooks at /NAME, and fails at random for all names but /steady."""

    def __init__(self, dice: random.Random) -> None:
        self.seen: defaultdict[str, list[Seen]] = defaultdict(list)
        self.over: defaultdict[str, set[str]] = defaultdict(set)
        """Keys that were seen as resolved."""
        self.failures = 0
        self.gone_until = 0.0
        """/down answers nobody before then."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                name = self.path.strip("/")
                fate = "take" if name == "steady" else dice.choices(*zip(*FATES, strict=True))[0]
                if name == "down" and time.monotonic() < outer.gone_until:
                    fate = "500"
                if fate in ("take", "take and cut"):
                    alerts = json.loads(body)["data"]["alerts"]
                    outer.seen[name] += [Seen(a["key"], a["state"], a["changed"]) for a in alerts]
                    outer.over[name].update(a["key"] for a in alerts if a["state"] == "resolved")
                outer.failures += fate != "take"
                if fate in ("cut", "take and cut"):
                    self.connection.close()
                    self.close_connection = True
                    return
                self.send_response({"take": 200}.get(fate) or int(fate))
                if fate == "429":
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


FATES = [("take", 90.0), ("500", 6.0), ("429", 0.2), ("cut", 2.0), ("take and cut", 2.0)]


def lives(dice: random.Random) -> Iterator[Outcome]:
    """Conditions that come and go: at risk, breached, corrected; each subject's in its order."""
    said: list[tuple[float, int, Outcome]] = []
    number = 0
    while len(said) < OUTCOMES:
        courses = (["breached", "stopped_late"], ["breach_risk", "met"], ["breached", "retracted"])
        course = dice.choice((*courses, courses[0], ["breach_risk", "breached", "stopped_late"]))
        subject, at = f"desk:{number}", dice.random()
        for step, name in enumerate(course):
            effective = Instant(example_outcome("breached").effective_at + step * MINUTE)
            one = replace(
                example_outcome(name),
                subject=subject,
                customer_id=f"c{number % CUSTOMERS}",
                id=f"{subject}-{step}",
                seq=step + 1,
                effective_at=effective,
                detected_at=effective,
                corrects=f"{subject}-0" if name == "retracted" else "",
            )
            said.append((at, number, one))
            at += dice.random() * 0.1
        number += 1
    return (one for _, _, one in sorted(said, key=lambda item: item[:2]))


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(random.Random(7))  # noqa: S311
    yield made
    made.close()


def test_every_condition_is_seen_firing_once_and_over_once_whatever_is_killed_or_fails(
    kafka: Any, server: Server, tmp_path: Path
) -> None:
    dice = random.Random(22)  # noqa: S311
    outcomes = list(lives(dice))
    keys = {f"{one.subject}/resolve/1" for one in outcomes}
    notifying = Notifying(kafka, tmp_path)
    names = ("steady", "shaky", "down", "digest")
    everyone = {"match": {"metric": "resolve"}, "continue": True}
    routes: list[dict[str, object]] = [{"receiver": name, **everyone} for name in names]
    routes[-1] |= {"group_by": ["customer"], "group_wait": "1s", "group_interval": "1s"}
    receivers = {name: webhook(f"{server.url}/{name}") for name in names}
    notifying.configure(receivers, {"receiver": "steady", "repeat_interval": "10d", "routes": routes})
    server.gone_until = time.monotonic() + 10
    work = []
    try:
        sender = threading.Thread(target=trickle, args=(notifying, outcomes))
        sender.start()
        for _ in range(KILLS):
            before = len(server.seen["steady"])
            notifying.start()
            enough = before + dice.randrange(1, OUTCOMES // KILLS)
            moment(notifying, lambda enough=enough: len(server.seen["steady"]) >= enough)  # type: ignore[misc]
            notifying.kill()
            work.append(len(server.seen["steady"]) - before)
        sender.join()
        notifying.start()
        moment(notifying, lambda: all(len(server.over[name]) == len(keys) for name in names))
        assert notifying.stop() == 0, notifying.log.read_text()[-3000:]
    finally:
        notifying.kill()
    for name in names:
        check(name, server.seen[name], keys)
    twice = {name: len(seen) - len({*seen}) for name, seen in server.seen.items()}
    print(
        f"\n{KILLS} kills, {len(outcomes):,} outcomes, {len(keys):,} conditions, {server.failures:,} failures"
        f"; told before each kill: {work}; said again: {twice}"
    )


def trickle(notifying: Notifying, outcomes: list[Outcome]) -> None:
    """All of them, while the processes come and go."""
    producer = KafkaProducer(bootstrap_servers=notifying.bootstrap)
    for number, one in enumerate(outcomes):
        record = encode_outcome(one)
        producer.send(notifying.topic, key=record.key, value=record.value, headers=list(record.headers))
        if number % 100 == 99:
            producer.flush()
            time.sleep(0.1)
    producer.flush()
    producer.close()


def moment(notifying: Notifying, true: Any) -> None:
    until = time.monotonic() + 120 + OUTCOMES / 20
    while not true():
        assert notifying.process is not None
        assert notifying.process.poll() is None, notifying.log.read_text()[-5000:]
        assert time.monotonic() < until, notifying.log.read_text()[-5000:]
        time.sleep(0.05)


def check(name: str, seen: list[Seen], keys: set[str]) -> None:
    """As one who knows an alert by its key, and what it says by how often it has changed, sees it."""
    once = list(dict.fromkeys(seen))
    states: defaultdict[str, list[str]] = defaultdict(list)
    for one in once:
        states[one.key].append(one.state)
    assert set(states) == keys, name
    for key, found in states.items():
        assert found.count("resolved") == 1, (name, key, found)
        assert found[-1] == "resolved", (name, key, found)
        assert found.count("firing") in (1, 2), (name, key, found)  # at risk, and then breached
