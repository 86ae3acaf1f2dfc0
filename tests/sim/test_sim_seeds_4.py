"""Seeds 3, 7, 11 and so on: files are what processes share out, so the seeds lie in four of them."""

import pytest
import seeds


@pytest.mark.parametrize("batch", seeds.batches(3), ids=lambda batch: f"{batch[0]}-{batch[-1]}")
def test_whatever_happens_to_the_workers_everything_holds(batch: range) -> None:
    seeds.check(batch)
