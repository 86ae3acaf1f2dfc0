"""A pattern of escalations of other partitions, on a real Apache Kafka, by either delivery."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from counting import environment
from test_relays_on_kafka import partition, subject, wait_for
from test_worker_on_kafka import Real, event, now, opened

from engine.demo.broker import KafkaBroker

POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks: {resolve: {budget: {P1: 8h}, risk: []}}
recurrence: {fingerprint: [service, component, title], window: 90d, flag_within: 8s, notify: [product]}
risk: []
"""
PATTERN = "pattern:disk"


@pytest.fixture(params=["transactions", "acknowledged"])
def deployment(request: pytest.FixtureRequest, kafka: KafkaBroker, tmp_path: Path) -> Iterator[Real]:
    with Real.prepared(kafka, tmp_path, POLICY, delivery=request.param) as made:
        yield made


def test_a_pattern_of_other_partitions_recurs_is_flagged_late_explained_and_taken_back(
    deployment: Real,
) -> None:
    first, second = (subject(name, elsewhere_than=PATTERN) for name in ("first", "second"))
    start = now()
    named = [event(one, "updated", start, fingerprint="disk") for one in (first, second)]
    deployment.publish([opened(first, start), opened(second, start), *named])
    deployment.start()
    said = wait_for(deployment, (PATTERN, "breached"))
    assert [name for of, name in said if of == PATTERN] == ["recurrence_detected", "breached"]
    commands = deployment.read(deployment.settings.commands_topic)
    told = [one for one in commands if dict(one.headers)["ce_type"] == b"vigil.occurrence.v1"]
    assert [(one.key.decode(), one.partition) for one in told] == [(PATTERN, partition(PATTERN))] * 2
    assert partition(PATTERN) not in (partition(first), partition(second))
    flagged = event(PATTERN, "recurrence_flagged", now(), pattern="disk", to=["product"])
    deployment.publish([flagged])
    wait_for(deployment, (PATTERN, "stopped_late"))
    (detected,) = [
        json.loads(one.value)
        for one in deployment.read(deployment.settings.outcomes_topic)
        if dict(one.headers)["ce_type"] == b"sla.recurrence_detected.v1"
    ]
    assert (sorted(detected["members"]), detected["notify"]) == ([first, second], ["product"])
    assert [one["check"] for one in explained(deployment)["verdicts"]] == ["equal", "equal"]
    deployment.publish([event(second, "cancelled", start + timedelta(seconds=5), reason="duplicate")])
    said = wait_for(deployment, (PATTERN, "retracted"))
    assert said.count((PATTERN, "retracted")) == 3
    assert deployment.stop()[-1] == 0


def explained(deployment: Real) -> Any:
    command = [sys.executable, "-m", "engine.cli.main", "explain", PATTERN, "--json"]
    done = subprocess.run(
        [*command, "-p", str(deployment.folder / "policies")],
        env=environment(deployment.values, {}), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
