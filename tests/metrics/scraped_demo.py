"""The demo's story played to real processes of every kind, with a real Prometheus that scrapes them."""

import json
import os
import socket
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_programs import program

from engine.contract.codec import Record
from engine.core.facts import Fact
from engine.core.instants import MINUTE, SECOND, Instant
from engine.demo.broker import KafkaBroker, free_port
from engine.demo.child import Child
from engine.demo.feed import Feed, real_now
from engine.demo.house import House
from engine.demo.playing import LEAD, Pace, Play
from engine.demo.plays import story_arrival, story_play
from engine.demo.said import Names
from engine.demo.story import Step
from engine.intake.keys import hash_of, new_key
from engine.settings import Settings
from notify.notifying import webhook

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "rules" / "vigil.yaml"
SPEED = 150.0
_TOPICS = ("tickets_topic", "incidents_topic", "commands_topic", "outcomes_topic", "dlq_topic")


class Prometheus(NamedTuple):
    """One that runs."""

    address: str

    def ask(self, path: str, **parameters: str) -> list[dict[str, Any]]:
        """The result of a query; raises urllib's HTTPError where Prometheus refuses it."""
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  (its own server)
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


class Scraped(NamedTuple):
    prometheus: Prometheus
    began: float
    """Real Unix time at which the story began."""
    ended: float


def played() -> Play:
    """The story, the root cause analysis that follows it, and a record that is no event."""
    play = story_play(speed=SPEED)
    at = Instant(play.end - 2 * MINUTE)
    fact = Fact("/demo/incidents", "rca", "rca_published", at, at, data={"stage": "final"})
    final = story_arrival(Step("incident", "incidents:INC-3107", fact, ""))
    bad = final._replace(record=Record(b"who", b"no event", []))
    return play._replace(arrivals=[*play.arrivals, final, bad], events=play.events + 2)


@contextmanager
def scraped_demo(kafka: KafkaBroker, folder: Path) -> Iterator[Scraped]:
    """All of it, once the story is over and has been scraped; nothing is left behind."""
    play = played()
    with ExitStack() as leaving:
        house = leaving.enter_context(House(kafka, play.policies, lambda _: None))
        worker, archive, notify, intake, console = (free_port() for _ in range(5))
        house.settings = house.settings.model_copy(update={"metrics_port": worker})
        pace = Pace(play.start, Instant(real_now() + LEAD), play.speed)
        house.start_worker(pace)
        _beside(house.settings, folder, leaving, archive, notify, intake, console)
        prometheus = _prometheus(
            folder, leaving,
            worker=worker, archive=archive, notify=notify, intake=intake, console=console,
        )  # fmt: skip
        feed = Feed(house.settings, play, pace, Names({}, {}))
        leaving.callback(feed.stop)
        feed.start()
        _knock(intake)
        end = pace.real(play.end) + 6 * SECOND
        while real_now() < end or not feed.done:
            house.check_worker()
            assert feed.error is None, feed.error
            assert real_now() < end + 60 * SECOND
            time.sleep(0.2)
        yield Scraped(prometheus, pace.anchor / SECOND, time.time())


def _beside(
    settings: Settings, folder: Path, leaving: ExitStack, archive: int, notify: int, intake: int, console: int
) -> None:
    """The archive, the notifications to nobody who answers, the intake, and the console."""
    nobody = webhook(f"http://127.0.0.1:{free_port()}")
    config = {"receivers": {"desk": nobody}, "route": {"receiver": "desk"}}
    (folder / "notify.yaml").write_text(json.dumps(config))  # JSON is YAML
    doors = {
        "doors": {"direct": {"source": "cloudevents", "keys": [{"name": "desk", "hash": hash_of(new_key())}]}}
    }
    (folder / "doors.yaml").write_text(json.dumps(doors))
    told = {
        "ARCHIVE_URL": f"sqlite:///{folder}/archive.db",
        "NOTIFY_URL": f"sqlite:///{folder}/record.db",
        "NOTIFY_CONFIG": str(folder / "notify.yaml"),
        "METRICS_HOST": "127.0.0.1",
        "ENV": "dev",
        "BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "APP_ID": settings.app_id,
        "POLICIES": str(settings.policies),
        **{name.upper(): getattr(settings, name) for name in _TOPICS},
    }
    for port, command in (
        (archive, ["archive", "run"]),
        (notify, ["notify", "run"]),
        (intake, ["intake", "run", "-d", str(folder / "doors.yaml"), "--port", str(intake)]),
        (console, ["console", "--no-follow", "--port", str(console)]),
    ):
        _start(command, folder, leaving, told | {"METRICS_PORT": str(port)})


def _start(command: list[str], folder: Path, leaving: ExitStack, told: Mapping[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    child = Child(
        [sys.executable, "-m", "engine.cli.main", *command],
        log=folder / f"{command[0]}.log",
        env=kept | {f"VIGIL_{name}": value for name, value in told.items()},
    )
    leaving.callback(child.stop)


def _knock(intake: int) -> None:
    """Somebody without a key: a delivery that is refused, once the intake listens."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        request = urllib.request.Request(f"http://127.0.0.1:{intake}/in/direct", b"{}")
        try:
            urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.3)


def _prometheus(folder: Path, leaving: ExitStack, **jobs: int) -> Prometheus:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "2s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{at}"]}]}
            for name, at in jobs.items()
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    server = Child(
        [
            program("prometheus"), f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}",
        ],
        log=folder / "prometheus.log",
    )  # fmt: skip
    leaving.callback(server.stop)
    return Prometheus(f"http://127.0.0.1:{port}")
