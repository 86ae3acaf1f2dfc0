"""A desk that counts: small enough to check every record by hand, for tests of the shell without the core."""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from engine.contract.records import Record
from engine.settings import Settings
from engine.stream.chunks import Chunk
from engine.stream.delivery import Decision
from engine.stream.ending import IN_DOUBT
from servers import create_topics, unique

EVERY = 10
"""An outcome at each tenth event of a subject."""
PARTITIONS = 4
HOLD = "HOLD_RECOVERIES"
"""The variable that names the file by which `counting_worker` holds recoveries."""


class CountingDesk:
    """State of a subject: the ids counted. The same id again changes nothing; poison is a dead letter."""

    def decide(self, chunk: Chunk, state: dict[bytes, bytes], alarms: object, now: int) -> Decision:
        decision = Decision(chunk)
        live: dict[bytes, list[str]] = {}
        for record in chunk.records:
            try:
                event = json.loads(record.value)
                key, name = record.key + b"\0count", event["id"]
            except (ValueError, KeyError, TypeError) as error:
                where = f"{record.topic}/{record.partition}/{record.offset}: {error!r}"
                decision.dead_letters.append(Record(record.key, record.value, [("reason", where.encode())]))
                decision.dead["poison"] += 1
                continue
            ids = live.get(key)
            if ids is None:
                ids = live[key] = msgspec.msgpack.decode(state[key]) if key in state else []
            if name in ids:
                decision.ignored["duplicate"] += 1
                continue
            ids.append(name)
            decision.verbs["updated"] += 1
            if len(ids) % EVERY == 0:
                said = json.dumps({"id": f"{record.key.decode()}:{len(ids)}"}).encode()
                decision.outcomes.append(Record(record.key, said))
        decision.state = [(key, msgspec.msgpack.encode(ids)) for key, ids in live.items()]
        state.update(decision.state)
        return decision


class Deployment:
    """An application with topics of its own: start workers, send events, compare what came of them."""

    def __init__(self, bootstrap: str, folder: Path, **settings: Any) -> None:
        name = unique("count")
        self.folder = folder
        self.bootstrap = bootstrap
        self.values: dict[str, str] = {
            "BOOTSTRAP_SERVERS": bootstrap,
            "APP_ID": name,
            "ENV": "dev",
            "TICKETS_TOPIC": f"{name}-tickets",
            "INCIDENTS_TOPIC": f"{name}-incidents",
            "COMMANDS_TOPIC": f"{name}-commands",
            "OUTCOMES_TOPIC": f"{name}-outcomes",
            "DLQ_TOPIC": f"{name}-dlq",
            "METRICS_PORT": "0",
            "METRICS_HOST": "127.0.0.1",
            "SESSION_TIMEOUT": "6",
            **{key.upper(): str(value) for key, value in settings.items()},
        }
        self.settings = Settings(**{key.lower(): value for key, value in self.values.items()})
        self.sent: Counter[str] = Counter()
        self.poison = 0
        self.workers: list[subprocess.Popen[bytes]] = []
        self.replaced: list[subprocess.Popen[bytes]] = []
        """Those in whose place another was started."""

    def create_topics(self, partitions: int = PARTITIONS) -> None:
        settings = self.settings
        large = {"max.message.bytes": "10485760"}
        inputs = (*settings.input_topics, settings.dlq_topic)
        create_topics(self.bootstrap, *inputs, partitions=partitions, configs=large)
        create_topics(self.bootstrap, settings.outcomes_topic, partitions=partitions)
        compacted = {"cleanup.policy": "compact"}
        create_topics(self.bootstrap, settings.changelog_topic, partitions=partitions, configs=compacted)

    def trickle(
        self, events: int, subjects: int, rate: float, enough: threading.Event | None = None
    ) -> threading.Thread:
        """`send`, spread over time, beside the test; until it is enough, where that is said."""
        how = {"rate": rate, "enough": enough}
        sending = threading.Thread(target=self.send, args=(events, subjects), kwargs=how)
        sending.start()
        return sending

    def send(
        self, events: int, subjects: int, topic: str = "", poison_every: int = 0, rate: float = 0,
        enough: threading.Event | None = None,
    ) -> None:  # fmt: skip
        """Events with ids SUBJECT:1, SUBJECT:2 …, round the subjects."""
        began = time.monotonic()
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, linger_ms=20, batch_size=200_000)
        for number in range(events):
            if enough is not None and enough.is_set():
                break
            subject = f"S-{number % subjects:05d}"
            self.sent[subject] += 1
            value = json.dumps({"id": f"{subject}:{self.sent[subject]}"}).encode()
            producer.send(topic or self.settings.tickets_topic, key=subject.encode(), value=value)
            if poison_every and number % poison_every == 0:
                self.poison += 1
                producer.send(topic or self.settings.tickets_topic, key=b"poison", value=b'{"id": 3')
            if rate and number % 50 == 0:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
        producer.flush()
        producer.close()

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:
        """A worker as a process; what it logs is in `log`."""
        values = environment(self.values, settings)
        script = Path(__file__).with_name("counting_worker.py")
        with self.log(len(self.workers)).open("wb") as log:
            worker = subprocess.Popen([sys.executable, str(script)], env=values, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def log(self, number: int) -> Path:
        return self.folder / f"worker-{number}.log"

    def logged(self, event: str, number: int | None = None) -> list[dict[str, Any]]:
        """The log lines of one name, of one worker or of all."""
        found = []
        for each in range(len(self.workers)) if number is None else (number,):
            for line in self.log(each).read_text("utf-8", errors="replace").splitlines():
                if f'"event": "{event}"' in line:
                    found.append(json.loads(line))
        return found

    def wait_for(self, event: str, number: int | None = None, times: int = 1, seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while len(self.logged(event, number)) < times:
            if time.monotonic() > until:
                tail = "\n".join(
                    self.log(len(self.workers) - 1).read_text(errors="replace").splitlines()[-30:]
                )
                raise AssertionError(f"no {event} in {seconds} s; the last worker's log ends:\n{tail}")
            time.sleep(0.05)

    def supervise(self) -> None:
        """Start again whoever ended in doubt, as a supervisor does: another takes its place."""
        for worker in self.workers.copy():
            if worker.poll() == IN_DOUBT and worker not in self.replaced:
                self.replaced.append(worker)
                self.start()

    def wait_until_done(self, seconds: float = 60, *, supervised: bool = False) -> None:
        """All events that were sent are in the committed state."""
        until = time.monotonic() + seconds
        total = sum(self.sent.values())
        while (found := sum(map(len, self.counted().values()))) < total:
            if supervised:
                self.supervise()
            if time.monotonic() > until:
                tail = "\n".join(
                    self.log(len(self.workers) - 1).read_text(errors="replace").splitlines()[-30:]
                )
                left = f"{found} of {total} events counted; {self.positions()}"
                raise AssertionError(f"{left}; the last log ends:\n{tail}")
            time.sleep(0.3)

    def positions(self) -> dict[int, tuple[int | None, int]]:
        """Partition → what the group has committed of the tickets, and their end."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, group_id=self.settings.app_id, enable_auto_commit=False
        )
        try:
            partitions = [TopicPartition(self.settings.tickets_topic, n) for n in range(PARTITIONS)]
            ends = consumer.end_offsets(partitions)
            return {one.partition: (consumer.committed(one), ends[one]) for one in partitions}
        finally:
            consumer.close()

    def stop(self) -> list[int]:
        """SIGTERM to all that run; their exit codes."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
        codes = []
        for worker in self.workers:
            try:
                codes.append(worker.wait(30))
            except subprocess.TimeoutExpired:
                worker.kill()
                codes.append(-1)
        return codes

    def kill(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()

    def read(self, topic: str, committed: bool = True) -> list[Any]:
        """All records of a topic, as a reader of committed data sees them."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            isolation_level="read_committed" if committed else "read_uncommitted",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=16 * 1024 * 1024,
        )
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        until = time.monotonic() + 90
        while any(consumer.position(tp) < ends[tp] for tp in partitions):
            assert time.monotonic() < until, f"{topic} could not be read in 90 s"
            for found in consumer.poll(timeout_ms=100).values():
                records += found
        consumer.close()
        return records

    def counted(self) -> Mapping[str, list[str]]:
        """The state as the changelog has it: the last record of each key."""
        last = {r.key: r.value for r in self.read(self.settings.changelog_topic)}
        return {
            k.split(b"\0")[0].decode(): msgspec.msgpack.decode(v) for k, v in last.items() if v is not None
        }

    def outcomes(self) -> list[str]:
        return [json.loads(r.value)["id"] for r in self.read(self.settings.outcomes_topic)]

    def assert_exact(self, *, once: bool = True) -> None:
        """Every event counted once and in one partition, every outcome said (once); every poison kept."""
        counted = self.counted()
        assert {s: len(ids) for s, ids in counted.items()} == dict(self.sent)
        assert all(len(set(ids)) == len(ids) for ids in counted.values())
        where = defaultdict(set)
        for record in self.read(self.settings.changelog_topic):
            where[record.key].add(record.partition)
        assert all(len(partitions) == 1 for partitions in where.values())
        said = Counter(self.outcomes())
        assert set(said) == expected_outcomes(self.sent.items())
        dead = self.read(self.settings.dlq_topic)
        places = Counter(r.headers[0][1].split(b": ")[0] for r in dead)
        assert len(places) == self.poison
        if once:
            assert max(said.values(), default=1) == 1
            assert max(places.values(), default=1) == 1


def environment(values: Mapping[str, str], changes: Mapping[str, Any]) -> dict[str, str]:
    """The variables of a worker's process: ours alone say where the broker is."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VIGIL_", "KAFKA_"))}
    mine = {**values, **{key.upper(): str(value) for key, value in changes.items()}}
    return {**kept, **{f"VIGIL_{key}": value for key, value in mine.items()}}


def why_not_ready(port: int) -> str | None:
    """What a worker's /ready says; None where it is ready."""
    found: str | None = httpx.get(f"http://127.0.0.1:{port}/ready", timeout=10, trust_env=False).json()[
        "why_not"
    ]
    return found


def expected_outcomes(sent: Iterable[tuple[str, int]]) -> set[str]:
    return {f"{s}:{n}" for s, count in sent for n in range(EVERY, count + 1, EVERY)}
