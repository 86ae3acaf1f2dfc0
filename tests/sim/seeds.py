"""Runs many seeds and tells of each that fails how to see it alone."""

import os
from collections.abc import Iterable

from invariants import problems
from simulation import World

from engine.stream.collector import spared_collector

COUNT = int(os.environ.get("VIGIL_SIM_SEEDS", "500"))
FILES = 4
"""Test files that share the seeds, so that processes can share the files."""
AT_ONCE = 25
"""Seeds a test: a test has a time limit."""
TWICE_EVERY = 20


def batches(number: int) -> list[range]:
    """The seeds of the test file `number`, from 0, in batches."""
    mine = range(number, COUNT, FILES)
    return [mine[at : at + AT_ONCE] for at in range(0, len(mine), AT_ONCE)]


def check(seeds: Iterable[int]) -> None:
    """Run them all; AssertionError with what does not hold of each that fails."""
    failed: list[str] = []
    with spared_collector():  # a fourth of the time otherwise
        for seed in seeds:
            if found := outcome_of(seed):
                more = f"\n  (and {len(found) - 1} more)" if len(found) > 1 else ""
                failed.append(f"seed {seed}: {found[0]}{more}\n  alone, with its trace: {alone(seed)}")
    assert not failed, "\n".join(["", *failed])


def outcome_of(seed: int) -> list[str]:
    """What does not hold of a seed's run; some seeds are run twice, to the same bytes."""
    world = World(seed)
    try:
        world.run()
        found = problems(world)
    except Exception as error:  # what is wrong may well stop the run or the audit
        return [f"{type(error).__name__}: {error}"]
    if seed % TWICE_EVERY == 0:
        again = World(seed)
        again.run()
        if again.digest() != world.digest():
            found.append("the same seed gave other bytes the second time")
    return found


def alone(seed: int) -> str:
    """The command that replays one seed."""
    return f"VIGIL_SIM_SEED={seed} .venv/bin/pytest tests/sim -k one_seed -s"
