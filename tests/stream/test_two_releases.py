"""Workers of two releases beside each other, and the way back, on a real broker: nothing is lost by it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from counting import environment
from test_worker_on_kafka import Real, event, now, opened

from engine.demo.broker import KafkaBroker
from engine.stream.ending import REFUSED

POLICY = """
policy: two
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
match: {}
clocks:
  triage: {budget: {P1: 1h}, risk: []}
"""
LATER = """
import runpy
from engine.core import state
state.FORMAT += 1
runpy.run_module("engine.cli.main", run_name="__main__", alter_sys=True)
"""
SUBJECTS = 40


class Releases(Real):
    def start_later(self, **settings: Any) -> "subprocess.Popen[bytes]":
        """A worker of a release that stores another format."""
        values = environment(self.values, {"POLICIES": self.folder / "policies", **settings})
        with self.log(len(self.workers)).open("wb") as log:
            command = [sys.executable, "-c", LATER, "worker"]
            worker = subprocess.Popen(command, env=values, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_an_older_worker_refuses_what_a_later_one_stored_and_the_later_one_goes_on(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    deployment = Releases(kafka.bootstrap, tmp_path, delivery=delivery)
    deployment.create_topics()
    deployment.policy(POLICY)
    subjects = [f"T-{number:03}" for number in range(SUBJECTS)]
    old, new = 0, 1
    try:
        deployment.publish([opened(subject, now()) for subject in subjects[::2]])
        deployment.start()
        deployment.wait_for("recovered", old)
        deployment.wait_for("chunk", old)
        later = deployment.start_later()
        deployment.wait_for("recovered", new)
        deployment.publish([opened(subject, now()) for subject in subjects[1::2]])
        deployment.wait_for("chunk", new)
        later.terminate()
        assert later.wait(30) == 0
        assert deployment.workers[old].wait(60) == REFUSED, "it was handed what the later one had stored"
        (said,) = deployment.logged("state_of_a_later_release", old)
        assert "run the release that wrote it" in said["why"]
        stood = deployment.positions()
        going_back = deployment.start()
        assert going_back.wait(60) == REFUSED
        assert deployment.positions() == stood, "it reads nothing, and commits nothing"
        deployment.publish([event(s, "triaged", now(), severity="P1", by="ann") for s in subjects])
        deployment.start_later()
        said_of_all = deployment.wait_for_outcomes(SUBJECTS, seconds=60)
        assert sorted(said_of_all) == [(subject, "met") for subject in subjects]
        assert deployment.stop()[-1] == 0
    finally:
        deployment.kill()
