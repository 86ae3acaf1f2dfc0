"""`make mutants` draws by chance, and counts what no test noticed as what it is."""

from types import ModuleType

import pytest
from ci_scripts import ci_script

RESULTS = """
    engine.core.clocks.x_stop__mutmut_1: killed
    engine.core.clocks.x_stop__mutmut_2: timeout
    engine.core.clocks.x_stop__mutmut_3: survived
    engine.core.case.xǁCaseǁtake__mutmut_1: no tests
"""


@pytest.fixture
def mutants() -> ModuleType:
    return ci_script("mutants")


def test_what_mutmut_says_is_a_table_by_module_and_one_of_all(mutants: ModuleType) -> None:
    assert mutants.table(mutants.read(RESULTS))[2:] == [
        "| case | 1 | 0 | 1 | 0 |",
        "| clocks | 3 | 2 | 1 | 67 |",
        "| all | 4 | 2 | 2 | 50 |",
    ]


def test_a_larger_sample_holds_the_smaller_and_another_seed_draws_others(mutants: ModuleType) -> None:
    names = [str(number) for number in range(100)]
    assert mutants.drawn(names, 40, 1)[:10] == mutants.drawn(names[::-1], 10, 1)
    assert mutants.drawn(names, 10, 2) != mutants.drawn(names, 10, 1)
    assert sorted(mutants.drawn(names, 1_000, 1)) == sorted(names)


def test_the_interval_is_wilsons(mutants: ModuleType) -> None:
    assert mutants.interval(85, 100) == pytest.approx((0.767, 0.907), abs=0.0005)
    assert mutants.interval(10, 10) == pytest.approx((0.722, 1.0), abs=0.0005)
