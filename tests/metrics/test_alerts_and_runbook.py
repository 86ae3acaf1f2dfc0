"""Each alert is shown to fire and not to, has a section in the runbook, and reads what exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from named_metrics import unknown_metrics

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS, RUNBOOK = ROOT / "deploy" / "prometheus", ROOT / "docs" / "runbook.md"
PARTS = ("**Means.** ", "**Look.** ", "**Do.** ")
RECORDING = re.compile(r"[a-z_]+:[a-z_0-9]+:[a-z_0-9]+")
"""level:metric:operations, as prometheus.io/docs/practices/rules has it."""


def rules(kind: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules" / "vigil.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


ALERTS = {rule["alert"]: rule for rule in rules("alert")}


def sections() -> dict[str, str]:
    """Heading → text."""
    _, *parts = re.split(r"^## (.+)$", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def cases() -> list[tuple[str, bool]]:
    """(alert, whether it is expected to fire) of each case of promtool's."""
    files = sorted(PROMETHEUS.glob("*.test.yaml"))
    tests = [test for file in files for test in yaml.safe_load(file.read_text())["tests"]]
    return [
        (case["alertname"], bool(case["exp_alerts"]))
        for test in tests
        for case in test.get("alert_rule_test", ())
    ]


@pytest.mark.slow
@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_in_one_case_and_not_in_another(alert: str) -> None:
    always = alert == "VigilWatchdog"
    assert {fires for name, fires in cases() if name == alert} == ({True} if always else {True, False})


def test_there_is_no_case_for_an_alert_that_is_not_there() -> None:
    assert {name for name, _ in cases()} <= set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_links_to_its_section_which_says_what_it_means_and_what_to_do(alert: str) -> None:
    annotations = ALERTS[alert]["annotations"]
    assert annotations["runbook"] == f"docs/runbook.md#{alert.lower()}"
    assert set(annotations) == {"summary", "runbook"}
    lines = [line for line in sections()[alert].splitlines() if line]
    assert [any(line.startswith(part) for part in PARTS) for line in lines] == [True] * 3
    assert all(line.startswith(part) for line, part in zip(lines, PARTS, strict=True))


def test_the_runbook_has_no_section_without_an_alert() -> None:
    assert list(sections()) == list(ALERTS)


def test_the_severity_of_an_alert_is_its_own_and_one_of_three() -> None:
    assert {rule["labels"]["severity"] for rule in ALERTS.values()} == {"critical", "warning", "none"}


def test_recordings_are_named_by_level_metric_and_operations() -> None:
    names = [rule["record"] for rule in rules("record")]
    assert [name for name in names if not RECORDING.fullmatch(name)] == []
    for name in names:
        level = name.partition(":")[0]
        expr = next(r["expr"] for r in rules("record") if r["record"] == name)
        labels = {found.removesuffix(", le") for found in re.findall(r"by \(([a-z, ]+)\)", expr)}
        assert labels == {", ".join(level.split("_"))}, name


def test_rules_and_runbook_name_only_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    for rule in (*rules("record"), *rules("alert")):
        assert unknown_metrics(rule["expr"], recorded) == set()
    assert unknown_metrics(RUNBOOK.read_text("utf-8"), recorded) == set()


def test_the_search_for_metrics_finds_a_planted_one_and_a_label_that_is_none() -> None:
    assert unknown_metrics("rate(sla_breeches_total[5m]) + vigil_ready", set()) == {"sla_breeches_total"}
    assert unknown_metrics("severity:sla_open:sum", {"severity:sla_open_escalations:sum"}) == {
        "severity:sla_open:sum"
    }
    assert unknown_metrics('sum by (team) (sla_breaches_total{verdict="met"})', set()) == {
        "sla_breaches_total: team",
        "sla_breaches_total: verdict",
    }
