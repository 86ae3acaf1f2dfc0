"""A recorded log through the real commands: imported, sent, judged by workers that are killed, read back."""

import csv
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiokafka.partitioner import DefaultPartitioner
from kafka import KafkaConsumer, TopicPartition

from comparing import canonical
from engine.contract.codec import decode_outcome
from engine.core.instants import DAY, Instant, format_instant, parse_instant
from engine.core.outcomes import Outcome
from engine.replay.verdicts import differences, read_outcome, verdicts
from engine.settings import Settings
from engine.stream.ending import IN_DOUBT
from recorded import DATA
from servers import unique

LOG = DATA / "uci_incident_event_log_dev.csv.gz"
POLICIES = Path(__file__).parents[2] / "deploy" / "policies-uci"
PARTITIONS = 4
SESSION = 6.0
"""Seconds after which the group gives a silent worker's partitions to the other one."""
LONGEST_MOMENT = 2.0
"""A disturbance comes so many seconds after work was seen, at most."""
SLICE = 4_000
"""Events of one slow `vigil send`."""
KILLED = -signal.SIGKILL


def vigil(*arguments: str | Path, **variables: str) -> str:
    """Run a command as a user does; its standard output. It must end with 0."""
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", *map(str, arguments)],
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"vigil {arguments[0]} ended with {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout


def environment(variables: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VIGIL_", "KAFKA_"))}
    return {**kept, **{f"VIGIL_{key}": value for key, value in variables.items()}}


def heartbeats(lines: Iterable[bytes]) -> list[bytes]:
    """One event a partition, a day after the last one: a worker judges up to what its partition has seen."""
    last = max(parse_instant(orjson.loads(line)["time"]) for line in lines)
    partitions = list(range(PARTITIONS))
    owners: dict[int, str] = {}
    number = 0
    while len(owners) < PARTITIONS:
        subject = f"heartbeat:{number}"
        owners.setdefault(DefaultPartitioner()(subject.encode(), partitions, partitions), subject)
        number += 1
    return [
        orjson.dumps(
            {
                "specversion": "1.0",
                "id": subject,
                "source": "urn:test:heartbeat",
                "type": "incident.updated.v1",
                "subject": subject,
                "time": format_instant(Instant(last + DAY)),
                "datacontenttype": "application/json",
                "data": {},
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for subject in owners.values()
    ]


class History(NamedTuple):
    """A file of events in the order of time, what `vigil replay` says of it, and what stands of that."""

    file: Path
    events: int
    said: Path
    verdicts: list[Outcome]


def imported(folder: Path) -> History:
    """The whole log, with heartbeats behind it."""
    file = folder / "events.jsonl"
    vigil("import", "uci-servicenow", LOG, "--strict", "--output", file)
    lines = file.read_bytes().splitlines(keepends=True)
    return history_of(file, lines)


def history_of(file: Path, lines: list[bytes]) -> History:
    """Write the events and their heartbeats, and replay them."""
    lines = [*lines, *heartbeats(lines)]
    file.write_bytes(b"".join(lines))
    said, summary = replayed(file)
    assert summary["events"] == len(lines)
    return History(file, len(lines), said, verdicts_of(said))


def last_rows() -> dict[str, dict[str, str]]:
    """The last row of each incident of the log, by the subject of its escalation."""
    with gzip.open(LOG, "rt") as log:
        return {"uci:" + row["number"].removeprefix("INC"): row for row in csv.DictReader(log)}


def replayed(events: Path, *options: str) -> tuple[Path, dict[str, Any]]:
    """What `vigil replay` says of a file of events: its outcomes, and its summary."""
    out = events.with_suffix(f".said{''.join(options)}.jsonl")
    summary = vigil("replay", events, "--policies", POLICIES, "--output", out, "--json", *options)
    said: dict[str, Any] = json.loads(summary)
    return out, said


def verdicts_of(file: Path) -> list[Outcome]:
    return verdicts(map(read_outcome, file.read_bytes().splitlines()))


def assert_equal(said: Sequence[Outcome], expected: Sequence[Outcome]) -> None:
    """The same standing verdicts, all of them, byte for byte."""
    if list(map(canonical, said)) != list(map(canonical, expected)):
        found = [str(one) for one in differences(said, expected)]
        raise AssertionError(
            f"{len(found)} verdicts differ (left said, right expected):\n" + "\n".join(found[:20])
        )


class Worker:
    """One process of `vigil worker`, and how far its log has been read."""

    def __init__(self, log: Path, variables: dict[str, str]) -> None:
        self.log = log
        self.chunks = 0
        """Chunks that it made durable, as far as its log was read."""
        self.records = 0
        self._read = 0
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine.cli.main", "worker"],
                env=environment(variables),
                stdout=out,
                stderr=out,
            )

    def look(self) -> None:
        """Read on in its log."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            if b'"event": "chunk"' in line:
                self.chunks += 1
                self.records += json.loads(line)["records"]

    def kill(self) -> bool:
        """`kill -9`; False where it had ended by itself."""
        self.process.kill()
        return self.process.wait() == KILLED

    def tail(self) -> str:
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-15:])


class Disturbed(NamedTuple):
    """What workers went through."""

    kills: int
    stops: int
    exits: list[int]
    """Codes of those that ended before the end, in the order of ending."""
    work: list[int]
    """Records that the one that was hit had made durable since the disturbance before."""


class Backfill:
    """A deployment with topics of its own that judges history by the events' own time."""

    def __init__(self, bootstrap: str, folder: Path, **settings: str) -> None:
        name = unique("uci")
        self.folder = folder
        self.variables = {
            "BOOTSTRAP_SERVERS": bootstrap,
            "APP_ID": name,
            "ENV": "dev",
            "REPLICATION_FACTOR": "1",
            "PARTITIONS": str(PARTITIONS),
            "TICKETS_TOPIC": f"{name}-tickets",
            "INCIDENTS_TOPIC": f"{name}-incidents",
            "COMMANDS_TOPIC": f"{name}-commands",
            "OUTCOMES_TOPIC": f"{name}-outcomes",
            "DLQ_TOPIC": f"{name}-dlq",
            "POLICIES": str(POLICIES),
            "CLOCK": "events",
            "METRICS_PORT": "0",
            "METRICS_HOST": "127.0.0.1",
            "SESSION_TIMEOUT": str(SESSION),
            **{key.upper(): value for key, value in settings.items()},
        }
        self.settings = Settings(**{key.lower(): value for key, value in self.variables.items()})  # type: ignore[arg-type]
        self.workers: list[Worker] = []
        """Every one that was ever started; the running ones are in `slots`."""
        self.slots: list[Worker] = []
        self.exits: list[int] = []
        """Codes of those that ended by themselves or were killed."""
        self._sending: threading.Thread | None = None
        self._send_errors: list[str] = []
        self._hurry = threading.Event()
        vigil("topics", "create", "--retention-days", "-1", **self.variables)

    # -- running ------------------------------------------------------------------------------

    def send(self, events: Path, rate: float | None = None) -> None:
        """`vigil send` in the background; with a rate, until the workers were disturbed enough."""
        work = self._send_all if rate is None else self._send_slowly
        self._sending = threading.Thread(target=work, args=(events, rate) if rate else (events,))
        self._sending.start()

    def _send_slowly(self, events: Path, rate: float) -> None:
        lines = events.read_bytes().splitlines(keepends=True)
        slices = []
        for start in range(0, len(lines), SLICE):
            slices.append(self.folder / f"slice-{start:06d}.jsonl")
            slices[-1].write_bytes(b"".join(lines[start : start + SLICE]))
        while slices and not self._hurry.is_set():
            self._send_all(slices.pop(0), "--rate", str(rate))
        if slices:
            self._send_all(*slices)

    def _send_all(self, *arguments: str | Path) -> None:
        try:
            vigil("send", *arguments, **self.variables)
        except AssertionError as error:
            self._send_errors.append(str(error))

    @property
    def sending(self) -> bool:
        return self._sending is not None and self._sending.is_alive()

    def start(self, workers: int = 1) -> None:
        for _ in range(workers):
            self.slots.append(self._worker())

    def _worker(self) -> Worker:
        worker = Worker(self.folder / f"worker-{len(self.workers)}.log", self.variables)
        self.workers.append(worker)
        return worker

    def supervise(self) -> None:
        """Start again whoever has ended, as a supervisor does; only a worker in doubt may end by itself."""
        for place, worker in enumerate(self.slots):
            code = worker.process.poll()
            worker.look()
            if code is not None:
                self.exits.append(code)
                assert code in (IN_DOUBT, KILLED), f"a worker ended with {code}:\n{worker.tail()}"
                self.slots[place] = self._worker()

    def disturb(self, rng: random.Random, kills: int, stops: int) -> Disturbed:
        """Kill and stop workers at random moments: busy ones, but every fifth time whoever it hits.

        The fifth comes while the group still rebalances after the fourth.
        """
        plan = ["kill"] * kills + ["stop"] * stops
        rng.shuffle(plan)
        work: list[int] = []
        for number, what in enumerate(plan, 1):
            if number % 5 == 0:
                self._go_on(rng.uniform(0, SESSION))
                worker = rng.choice(self.slots)
            else:
                worker, done = self._busy_one(rng)
                work.append(done)
            assert self.sending, "everything was sent before the last disturbance: the workers were idle"
            if what == "kill":
                while not worker.kill():  # it had just ended itself: that was none of ours
                    self.supervise()
                    worker = rng.choice(self.slots)
            else:
                worker.process.send_signal(signal.SIGSTOP)
                self._go_on(1.5 * SESSION)
                worker.process.send_signal(signal.SIGCONT)
            self.supervise()
        self._hurry.set()
        return Disturbed(kills, stops, self.exits, work)

    def _busy_one(self, rng: random.Random, seconds: float = 90) -> tuple[Worker, int]:
        """At a random moment after work is done again: one that does it, and how much it has done."""
        self.supervise()
        before = {worker.log: worker.records for worker in self.slots}
        until = time.monotonic() + seconds
        while True:
            self._go_on(0.05)
            if self._at_work(before):
                self._go_on(rng.uniform(0, LONGEST_MOMENT))
            busy = self._at_work(before)
            if busy:
                return rng.choice(busy)
            assert time.monotonic() < until, f"no work in {seconds} s:\n{self.slots[0].tail()}"

    def _at_work(self, before: dict[Path, int]) -> list[tuple[Worker, int]]:
        done = [(worker, worker.records - before.get(worker.log, 0)) for worker in self.slots]
        return [one for one in done if one[1] > 0]

    def _go_on(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.05)
            self.supervise()

    def finish(self, seconds: float = 180) -> None:
        """Return when all is sent, judged and committed, and the workers have stopped in good order."""
        until = time.monotonic() + seconds
        while self.sending or self.behind():
            assert time.monotonic() < until, f"{self.behind()} records behind:\n{self.slots[0].tail()}"
            time.sleep(0.5)
            self.supervise()
        assert self._send_errors == []
        for worker in self.slots:
            worker.process.terminate()
        for worker in self.slots:
            assert worker.process.wait(40) == 0, worker.tail()
            worker.look()

    def kill(self) -> None:
        """End what still runs."""
        self._hurry.set()
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
            worker.process.wait()
        if self._sending is not None:
            self._sending.join()

    # -- reading ------------------------------------------------------------------------------

    def behind(self) -> int:
        """Records of the log that the group has not committed yet."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers,
            group_id=self.settings.app_id,
            enable_auto_commit=False,
        )
        try:
            partitions = [TopicPartition(self.settings.incidents_topic, n) for n in range(PARTITIONS)]
            ends = consumer.end_offsets(partitions)
            return sum(ends[one] - (consumer.committed(one) or 0) for one in partitions)
        finally:
            consumer.close()

    def read(self, topic: str) -> Iterator[Any]:
        """All records of a topic that a reader of committed data sees."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_poll_records=5_000,
        )
        try:
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            until = time.monotonic() + 150
            while any(consumer.position(tp) < ends[tp] for tp in partitions):
                assert time.monotonic() < until, f"{topic} cannot be read to its end"
                for found in consumer.poll(timeout_ms=200).values():
                    yield from found
        finally:
            consumer.close()

    def outcomes(self) -> list[Outcome]:
        return [
            decode_outcome(record.value, list(record.headers))
            for record in self.read(self.settings.outcomes_topic)
        ]

    def dead_letters(self) -> list[Any]:
        return list(self.read(self.settings.dlq_topic))
