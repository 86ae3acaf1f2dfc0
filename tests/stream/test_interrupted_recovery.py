"""Rebalances in the middle of recoveries, on a real broker: whoever holds a partition holds all of it."""

import signal
from pathlib import Path

import pytest
from counting import Deployment

from engine.demo.broker import KafkaBroker

ROUNDS = 6
ENOUGH = 2
"""Interrupted recoveries."""
STAYS = 1


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_recovery_that_is_interrupted_again_and_again_leaves_nothing_out(
    kafka: KafkaBroker, tmp_path: Path, delivery: str
) -> None:
    """One stays. In each round another leaves, and while the first reads back what it had, a third joins.

    Chunks of one record make reading back take long. The races that this opens are shown one by one in
    `test_changelog_joins.py` and `test_guards.py`.
    """
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery, poll_records=1, group_records=10)
    deployment.create_topics()
    deployment.send(8_000, 400)

    def count(event: str) -> int:
        return len(deployment.logged(event, STAYS))

    try:
        made_the_state = deployment.start(poll_records=100, group_records=100)
        deployment.wait_until_done()
        made_the_state.terminate()
        assert made_the_state.wait(30) == 0
        deployment.start()
        deployment.wait_for("recovered", STAYS)
        leaves = deployment.start()
        deployment.wait_for("recovered", STAYS + 1)
        for number in range(STAYS + 2, STAYS + 2 + ROUNDS):
            comes = deployment.start()
            deployment.wait_for("worker_starts", number)
            comes.send_signal(signal.SIGSTOP)  # it would join too early
            owned = count("partitions_owned")
            leaves.terminate()
            deployment.wait_for("partitions_owned", STAYS, times=owned + 1)
            comes.send_signal(signal.SIGCONT)
            deployment.wait_for("recovered", number)
            leaves = comes
            if (interrupted := count("partitions_owned") - count("recovered")) >= ENOUGH:
                break
        deployment.send(800, 400)
        deployment.wait_until_done()
        assert set(deployment.stop()) == {0}
    finally:
        deployment.kill()
    assert interrupted >= ENOUGH
    deployment.assert_exact()
