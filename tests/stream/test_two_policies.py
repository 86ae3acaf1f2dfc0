"""A rolling change of the policies that is not over when the new version begins: one worker has it already,
and the other not yet; on a real broker."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from test_relays_on_kafka import partition
from test_worker_on_kafka import Real, event, now, opened

from engine.demo.broker import KafkaBroker
from engine.stream.ending import REFUSED

VERSION = """
policy: both
effective_from: {begins}
default_severity: P1
clocks: {{triage: {{budget: {{P1: {hours}h}}}}}}
risk: []
"""
RECURRENCE = "recurrence: {{fingerprint: [title], window: 90d, flag_within: 8h, notify: [product]}}\n"
"""With it each opening is told to its pattern, whose worker may be the one that has not the version."""
OLD, NEW = 0, 1


class Rolling(Real):
    """The first worker of two has the old folder, the second the new one."""

    def start_both(self, more: str = "") -> None:
        """`more`: of each version."""
        version = VERSION + more
        old = version.format(begins="2020-01-01T00:00:00Z", hours=1)
        self.comes = now().replace(microsecond=0) - timedelta(seconds=1)
        self.policy(old)
        self.start()
        self.wait_for("recovered", OLD)
        self.policy(f"{old}\n---\n{version.format(begins=self.comes.isoformat(), hours=2)}")
        self.start()
        self.wait_for("recovered", NEW)
        self.wait_for("recovered", OLD, times=2)

    def of(self, worker: int, name: str) -> str:
        """A subject like this in one of the worker's partitions."""
        owned = self.logged("partitions_owned", worker)[-1]["partitions"]
        return next(one for n in range(100) if partition(one := f"{name}-{n}") in owned)

    def versions(self) -> dict[str, str]:
        """Subject → by which version its verdict was given."""
        said = self.read(self.settings.outcomes_topic)
        return {one.key.decode(): json.loads(one.value)["policy"]["version"] for one in said}

    def is_refused(self, worker: "subprocess.Popen[bytes]") -> None:
        assert worker.wait(60) == REFUSED
        (line,) = self.logged("policy_vanished", self.workers.index(worker))
        assert line["policy"] == "both"
        assert "put that version back" in line["hint"]


@pytest.fixture(params=["transactions", "acknowledged"])
def rolling(request: pytest.FixtureRequest, kafka: KafkaBroker, tmp_path: Path) -> Iterator[Rolling]:
    with Rolling.prepared(kafka, tmp_path, delivery=request.param) as made:
        yield made


def test_who_has_not_the_version_yet_refuses_what_it_judges_and_who_has_it_goes_on(rolling: Rolling) -> None:
    rolling.start_both()
    start = now()
    by_old, by_new = rolling.of(OLD, "opened"), rolling.of(NEW, "opened")
    rolling.publish([opened(by_old, start), opened(by_new, start)])
    rolling.wait_for("chunk", OLD)
    rolling.wait_for("chunk", NEW)
    rolling.workers[NEW].terminate()
    assert rolling.workers[NEW].wait(30) == 0
    rolling.is_refused(rolling.workers[OLD])
    triaged = [event(one, "triaged", now(), severity="P1", by="ann") for one in (by_old, by_new)]
    rolling.publish(triaged)
    rolling.start()
    assert sorted(rolling.wait_for_outcomes(2)) == [(by_new, "met"), (by_old, "met")]
    assert rolling.versions() == {
        by_old: "2020-01-01T00:00:00Z",
        by_new: rolling.comes.isoformat().replace("+00:00", "Z"),
    }
    assert rolling.stop()[-1] == 0


def test_an_occurrence_by_a_version_that_it_has_not_ends_it_and_is_not_lost(rolling: Rolling) -> None:
    rolling.start_both(RECURRENCE)
    start = now()
    print_of = rolling.of(OLD, "pattern:disk").removeprefix("pattern:")
    subjects = [rolling.of(NEW, name) for name in ("first", "second")]
    known = {"title": "down", "severity": "P1", "fingerprint": print_of}
    rolling.publish([event(one, "opened", start, **known) for one in subjects])
    rolling.is_refused(rolling.workers[OLD])
    assert rolling.wait_for_outcomes(1) == [(f"pattern:{print_of}", "recurrence_detected")]
    assert rolling.read(rolling.settings.dlq_topic) == []
    assert rolling.stop()[-1] == 0


def test_a_rebase_to_a_version_that_it_has_not_is_a_dead_letter_and_moves_nothing(rolling: Rolling) -> None:
    rolling.start_both()
    one = rolling.of(OLD, "opened")
    version = rolling.comes.isoformat()
    rolling.publish(
        [opened(one, now()), event(one, "rebased", now(), policy="both", version=version, reason="x")]
    )
    rolling.publish([event(one, "triaged", now(), severity="P1", by="ann")])
    assert rolling.wait_for_outcomes(1) == [(one, "met")]
    assert rolling.versions() == {one: "2020-01-01T00:00:00Z"}
    (dead,) = rolling.read(rolling.settings.dlq_topic)
    assert dict(dead.headers)["__connect.errors.exception.class.name"] == b"unknown_policy_version"
    assert rolling.stop() == [0, 0]
