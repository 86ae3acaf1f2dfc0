"""Rebalances in the middle of recoveries, on a real broker: whoever holds a partition holds all of it."""

from pathlib import Path

import pytest
from counting import HOLD, Deployment

from engine.demo.broker import KafkaBroker

TAKEN = (20, 300, 5)
"""Records that are read back when the next rebalance comes: a round each."""
STAYS = 1
PATIENCE = 120


@pytest.mark.parametrize("delivery", ["transactions", "acknowledged"])
def test_a_recovery_that_is_interrupted_again_and_again_leaves_nothing_out(
    kafka: KafkaBroker, tmp_path: Path, delivery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One stays. In each round another leaves, and while the first reads back what it had, a third joins.

    The first waits in the middle, with a chunk in hand and others behind it, until the third has joined:
    whatever the machine's pace. The races that this opens are shown one by one in `test_changelog_joins.py`
    and `test_guards.py`.
    """
    hold = tmp_path / "hold"
    monkeypatch.setenv(HOLD, str(hold))
    deployment = Deployment(kafka.bootstrap, tmp_path, delivery=delivery, poll_records=1, group_records=10)
    deployment.create_topics()
    deployment.send(8_000, 400)

    def count(event: str) -> int:
        return len(deployment.logged(event, STAYS))

    def recoveries() -> list[int]:
        """How many were over, by assignment; the first number is of before there was one."""
        parts = [0]
        for line in deployment.log(STAYS).read_text(errors="replace").splitlines():
            if '"event": "partitions_owned"' in line:
                parts.append(0)
            parts[-1] += '"event": "recovered"' in line
        return parts

    def wait_for(event: str, number: int, times: int = 1) -> None:
        deployment.wait_for(event, number, times, PATIENCE)

    try:
        made_the_state = deployment.start(poll_records=100, group_records=100)
        deployment.wait_until_done(PATIENCE)
        made_the_state.terminate()
        assert made_the_state.wait(30) == 0
        deployment.start()
        wait_for("recovered", STAYS)
        leaves = deployment.start()
        wait_for("recovered", STAYS + 1)
        wait_for("recovered", STAYS, 2)
        for number, taken in enumerate(TAKEN, STAYS + 2):
            owned, held, recovered = count("partitions_owned"), count("held"), count("recovered")
            hold.write_text(str(taken))
            leaves.terminate()
            wait_for("held", STAYS, held + 1)
            leaves = deployment.start()
            wait_for("partitions_owned", STAYS, owned + 2)
            # The second may be over already: what was left to read may have gone to the third.
            assert recoveries()[owned + 1] == 0, "the first recovery was interrupted"
            hold.unlink()
            wait_for("recovered", number)
            wait_for("recovered", STAYS, recovered + 1)
        deployment.send(800, 400)
        deployment.wait_until_done(PATIENCE)
        assert set(deployment.stop()) == {0}
        interrupted = count("partitions_owned") - count("recovered")
    finally:
        deployment.kill()
    assert interrupted >= len(TAKEN), "and none of them was taken for one that is over"
    deployment.assert_exact()
