"""A real `vigil notify run` on a topic of its own."""

import asyncio
import base64
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from copy import copy
from pathlib import Path

import orjson
from kafka import KafkaProducer

from engine.contract.outcomes import encode_outcome
from engine.core.outcomes import Outcome
from engine.demo.broker import KafkaBroker
from servers import create_topics, unique

SECRET = f"whsec_{base64.b64encode(b'k' * 32).decode()}"


def webhook(url: str) -> dict[str, object]:
    return {
        "type": "webhook",
        "url": url,
        "secret": SECRET,
        "allow_http": True,
        "allow_private": True,
        "timeout": 5,
    }


class Notifying:
    """Its topic, its record, its file and, once started, its process."""

    def __init__(self, kafka: KafkaBroker, folder: Path, url: str = "", topic: str = "") -> None:
        """`topic`: of outcomes that somebody else says; else one of its own is made."""
        self.folder = folder
        self.topic = topic or unique("outcomes")
        if not topic:
            create_topics(kafka.bootstrap, self.topic, partitions=2)
        self.bootstrap = kafka.bootstrap
        self.url = url or f"sqlite:///{folder}/record.db"
        self.config = folder / "notify.yaml"
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def beside(self) -> "Notifying":
        """Another process on the same record."""
        other = copy(self)
        other.log = self.folder / "log-beside"
        other.log.touch()
        return other

    def configure(self, receivers: dict[str, dict[str, object]], route: dict[str, object]) -> None:
        """JSON is YAML."""
        self.config.write_bytes(orjson.dumps({"receivers": receivers, "route": route}))

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("VIGIL_", "KAFKA_"))}
        return kept | {
            "VIGIL_BOOTSTRAP_SERVERS": self.bootstrap,
            "VIGIL_OUTCOMES_TOPIC": self.topic,
            "VIGIL_NOTIFY_URL": self.url,
            "VIGIL_NOTIFY_CONFIG": str(self.config),
            "VIGIL_NOTIFY_NOT_OLDER": "1e10",
            "VIGIL_METRICS_PORT": "0",
            "VIGIL_METRICS_HOST": "127.0.0.1",
        }

    def start(self) -> None:
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "engine.cli.main", "notify", "run"]
            self.process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=out)

    def command(self, name: str) -> str:
        """What another command of `vigil notify` says; CalledProcessError where it does not end with 0."""
        command = [sys.executable, "-m", "engine.cli.main", "notify", name]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout + done.stderr

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def metrics(self) -> str:
        """What a scrape has."""
        return self._asked("/metrics")

    def why_not_ready(self) -> str | None:
        """What it tells a probe."""
        try:
            found: str | None = orjson.loads(self._asked("/ready"))["why_not"]
        except urllib.error.HTTPError as error:
            found = orjson.loads(error.read())["why_not"]
        return found

    def _asked(self, path: str) -> str:
        lines = map(orjson.loads, self.log.read_bytes().splitlines())
        port = next(line["metrics_port"] for line in lines if line["event"] == "notifying")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def send(self, outcomes: Iterable[Outcome], *raw: bytes) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        for value in raw:
            producer.send(self.topic, key=b"raw", value=value)
        for one in outcomes:
            record = encode_outcome(one)
            producer.send(self.topic, key=record.key, value=record.value, headers=list(record.headers))
        producer.flush()
        producer.close()

    async def until(self, true: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert self.process is None or self.process.poll() is None, self.log.read_text()[-5000:]
            assert time.monotonic() < end, self.log.read_text()[-5000:]
            await asyncio.sleep(0.05)
