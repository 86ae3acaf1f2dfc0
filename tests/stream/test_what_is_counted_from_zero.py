"""A breach counts in a series that was there before: `increase()` misses the value with which one appears."""

from pathlib import Path

import pytest

from engine.metrics import Metrics
from engine.policies.loading import load
from engine.stream.worker import may_be_breached

POLICIES = Path(__file__).resolve().parents[2] / "deploy" / "policies"


@pytest.mark.parametrize("owed", ["resolve", "vendor_reply", "role", "action", "flag_recurrence"])
def test_a_breach_of_what_the_policies_owe_has_its_series_from_the_start(owed: str) -> None:
    metrics = Metrics(may_be_breached(load(POLICIES)))
    series = {"mode": "live", "metric": owed, "severity": "P0"}
    assert metrics.registry.get_sample_value("sla_breaches_total", series) == 0


def test_which_clocks_of_ones_own_have_a_label_is_told_by_the_policies_on_every_worker(
    tmp_path: Path,
) -> None:
    own = [f"own_{letter}" for letter in "zyxwvutsrq"]
    clocks = "".join(f"  {name}: {{start: opened, stop: resolved, budget: {{P1: 1h}}}}\n" for name in own)
    (tmp_path / "a.yaml").write_text(
        f"policy: a\neffective_from: 2026-01-01T00:00:00Z\nclocks:\n{clocks}", "utf-8"
    )
    assert [name for name in may_be_breached(load(tmp_path)) if name in own] == own
