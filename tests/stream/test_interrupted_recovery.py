"""Rebalances in the middle of recoveries, on a real broker: whoever holds a partition holds all of it."""

import random
import time
from pathlib import Path

import pytest
from counting import Deployment

from engine.demo.broker import KafkaBroker

ROUNDS = 20
ENOUGH = 3
"""Interrupted recoveries."""


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_recovery_that_is_interrupted_again_and_again_leaves_nothing_out(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    """One stays while others come and go within a moment; small chunks make reading back take long.

    The races that this opens are shown one by one in `test_changelog_joins.py` and `test_guards.py`.
    """
    rng = random.Random(f"{delivery} 7")  # noqa: S311
    deployment = Deployment(
        kafka.bootstrap, tmp_path, delivery=delivery, poll_records=20, group_records=40, session_timeout=3
    )
    deployment.create_topics()
    deployment.send(30_000, 400)
    try:
        deployment.start()
        deployment.wait_until_done()
        newcomers = [deployment.start()]
        deployment.wait_for("recovered", 1)
        for _ in range(ROUNDS):
            if len(deployment.logged("recovery_interrupted")) >= ENOUGH:
                break
            newcomers.append(deployment.start())
            time.sleep(rng.uniform(0.5, 2.5))
            newcomers.pop(0).terminate()
        deployment.send(5_000, 400)
        deployment.wait_until_done(supervised=True)
        deployment.stop()
    finally:
        deployment.kill()
    assert deployment.logged("recovery_interrupted")
    doubts = [line["why"] for line in deployment.logged("worker_in_doubt")]
    assert "state_incomplete" not in doubts
    deployment.assert_exact(once=delivery == "transactions")
