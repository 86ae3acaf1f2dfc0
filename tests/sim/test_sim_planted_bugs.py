"""The simulator finds what it is there to find: each planted bug, within the first seeds."""

import pytest
import seeds
from planted_bugs import ALL, RARE, Plant

WITHIN = 120
"""Seeds; the one that found it last time is tried first, for a search of a hundred takes minutes."""


@pytest.mark.interpreted
@pytest.mark.parametrize(("plant", "last"), ALL.items(), ids=[plant.__name__ for plant in ALL])
def test_a_planted_bug_is_found(plant: Plant, last: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    for seed in (last, *range(WITHIN)):
        found = seeds.outcome_of(seed)
        if found:
            print(f"{plant.__name__}: found by seed {seed}: {found[0][:300]}")
            monkeypatch.undo()
            assert seeds.outcome_of(seed) == [], "the seed fails without the bug, too"
            return
    pytest.fail(f"{plant.__name__}: not found by any of {WITHIN} seeds")


@pytest.mark.interpreted
@pytest.mark.parametrize(("plant", "seed"), RARE.items(), ids=lambda one: getattr(one, "__name__", str(one)))
def test_a_rare_one_is_found_by_its_seed(plant: Plant, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seeds.outcome_of(seed) == []
    plant(monkeypatch)
    assert seeds.outcome_of(seed) != []
