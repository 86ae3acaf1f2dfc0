"""The axes of the dashboards' pictures: few round values, from below what is drawn to above it."""

import importlib.util
import random
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "dashboard_pictures", ROOT / "docs" / "scripts" / "dashboard_pictures.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("unit", ["none", "s", "percentunit", "cps"])
def test_an_axis_has_few_round_values_that_are_told_apart(pictures: ModuleType, unit: str) -> None:
    chance = random.Random(20261129)  # noqa: S311  (test data)
    ranges = [(0.0, 0.0), (0.0, 6.007), (-3.0, 5.0), (0.0, 1.0)]
    most = 0 if unit == "percentunit" else 6
    ranges += [(0.0, 10 ** chance.uniform(-4, most)) for _ in range(300)]
    for low, high in ranges:
        marks = pictures.ticks(low, high, unit)
        assert 2 <= len(marks) <= 5
        assert marks[0] <= low + 1e-9
        assert marks[-1] >= high * (1 - 1e-6)
        shown = [pictures.amount(mark, unit) for mark in marks]
        assert len(set(shown)) == len(shown), shown
        digits = [re.sub(r"[^1-9]|0+$", "", label.replace(",", "")) for label in shown]
        assert max(map(len, digits)) <= 2, shown
        if unit == "none":
            assert [mark for mark in marks if mark != int(mark)] == []


def test_the_committed_pictures_have_such_axes() -> None:
    for file in (ROOT / "docs" / "images" / "dashboards").glob("*.svg"):
        axes = re.findall(r'class="m"[^>]*text-anchor="end">([^<]+)<', file.read_text("utf-8"))
        assert axes, file
        assert [label for label in axes if len(re.sub(r"[^1-9]", "", label)) > 2] == []
