"""A machine whose clock is so far ahead that the broker takes nothing of it, on a real broker."""

import subprocess
import sys
from pathlib import Path

import pytest
from counting import environment
from test_worker_on_kafka import POLICY, Real, event, now, opened

from engine.demo.broker import KafkaBroker
from engine.stream.ending import REFUSED

AHEAD = """
import runpy, time
ahead, real, real_ns = 2 * 3600, time.time, time.time_ns
time.time = lambda: real() + ahead
time.time_ns = lambda: real_ns() + ahead * 10**9
runpy.run_module("engine.cli.main", run_name="__main__", alter_sys=True)
"""


class Machines(Real):
    def start_ahead(self) -> "subprocess.Popen[bytes]":
        """A worker on a machine whose clock is two hours ahead."""
        values = environment(self.values, {"POLICIES": self.folder / "policies"})
        with self.log(len(self.workers)).open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-c", AHEAD, "worker"], env=values, stdout=log, stderr=log
            )
        self.workers.append(worker)
        return worker

    def is_refused(self) -> None:
        """A worker on such a machine, by name; nothing is read, and nothing is said."""
        stood = self.positions(), self.said()
        assert self.start_ahead().wait(60) == REFUSED
        (line,) = self.logged("clock_refused", len(self.workers) - 1)
        assert "message.timestamp.after.max.ms" in line["hint"]
        assert (self.positions(), self.said()) == stood


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_it_is_refused_by_name_and_nothing_is_lost(kafka: KafkaBroker, tmp_path: Path, delivery: str) -> None:
    deployment = Machines(kafka.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    deployment.policy(POLICY.replace("P1: 8s", "P1: 1h"))
    try:
        deployment.publish([opened("open", now())])
        deployment.is_refused()  # with an event to take
        deployment.start()
        deployment.wait_for("chunk", 1)
        assert deployment.stop()[-1] == 0
        deployment.is_refused()  # with a tick to send: by such a clock it is due
        deployment.publish([event("open", "triaged", now(), severity="P1", by="ann")])
        deployment.start()
        assert deployment.wait_for_outcomes(1) == [("open", "met")]
        assert deployment.stop()[-1] == 0
    finally:
        deployment.kill()
