"""The Kafka client's reader that fails by itself, which the client keeps to itself, on a real broker."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from counting import environment
from test_worker_on_kafka import Real, now, opened

from engine.demo.broker import KafkaBroker
from engine.stream.ending import IN_DOUBT

FAILS = """
import os, runpy
from aiokafka.consumer.fetcher import Fetcher
sound = Fetcher._proc_fetch_request
async def fails(*args):
    done = await sound(*args)
    if os.path.exists(os.environ["FAILS_WHEN"]):
        raise RuntimeError("a mistake")
    return done
Fetcher._proc_fetch_request = fails
runpy.run_module("engine.cli.main", run_name="__main__", alter_sys=True)
"""


class Failing(Real):
    @property
    def when(self) -> Path:
        return self.folder / "fails"

    def start_failing(self) -> "subprocess.Popen[bytes]":
        values = environment(self.values, {"POLICIES": self.folder / "policies"})
        with self.log(len(self.workers)).open("wb") as log:
            command = [sys.executable, "-c", FAILS, "worker"]
            worker = subprocess.Popen(
                command, env=values | {"FAILS_WHEN": str(self.when)}, stdout=log, stderr=log
            )
        self.workers.append(worker)
        return worker


@pytest.fixture
def failing(kafka: KafkaBroker, tmp_path: Path) -> Any:
    made = Failing(kafka.bootstrap, tmp_path)
    made.create_topics()
    made.policy()
    yield made
    made.kill()


def test_a_worker_that_reads_nothing_any_more_ends_and_the_next_reads_on(failing: Failing) -> None:
    worker = failing.start_failing()
    failing.wait_for("recovered", 0)
    failing.when.touch()
    assert worker.wait(60) == IN_DOUBT
    (line,) = failing.logged("worker_in_doubt", 0)
    assert (line["why"], "data retrieval" in line["error"]) == ("group_given_up", True)
    failing.publish([opened("silent", now())])
    failing.start()
    assert failing.wait_for_outcomes(1) == [("silent", "breached")]
    assert failing.stop()[-1] == 0
