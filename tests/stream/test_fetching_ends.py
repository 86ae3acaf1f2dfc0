"""The Kafka client's reader that fails by itself, which the client keeps to itself, on a real broker."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_worker_on_kafka import Real, now, opened

from engine.demo.broker import KafkaBroker
from engine.stream.ending import IN_DOUBT

FAILS = """
import os, runpy
from aiokafka.consumer.fetcher import Fetcher
sound = Fetcher._proc_fetch_request
async def fails(*args):
    done = await sound(*args)
    if os.path.exists(WHEN):
        raise RuntimeError("a mistake")
    return done
Fetcher._proc_fetch_request = fails
runpy.run_module("engine.cli.main", run_name="__main__", alter_sys=True)
"""


@pytest.fixture
def deployment(kafka: KafkaBroker, tmp_path: Path) -> Iterator[Real]:
    with Real.prepared(kafka, tmp_path) as made:
        yield made


def test_a_worker_that_reads_nothing_any_more_ends_and_the_next_reads_on(deployment: Real) -> None:
    when = deployment.folder / "fails"
    worker = deployment.start("-c", f"WHEN = {str(when)!r}{FAILS}")
    deployment.wait_for("recovered", 0)
    when.touch()
    assert worker.wait(60) == IN_DOUBT
    (line,) = deployment.logged("worker_in_doubt", 0)
    assert (line["why"], "data retrieval" in line["error"]) == ("group_given_up", True)
    deployment.publish([opened("silent", now())])
    deployment.start()
    assert deployment.wait_for_outcomes(1) == [("silent", "breached")]
    assert deployment.stop()[-1] == 0
