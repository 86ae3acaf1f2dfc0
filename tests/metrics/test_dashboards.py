"""The dashboards are what their generator makes, ask for what exists, and lead to the runbook."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboard_queries import DASHBOARDS, queries
from named_metrics import KNOWN, unknown_metrics
from prometheus_programs import program

from engine.metrics import labels

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "deploy" / "grafana" / "generator"
BOARDS = {file.stem: json.loads(file.read_text("utf-8")) for file in DASHBOARDS}
NOWHERE = {"sla_pace_squared_error_total", "sla_pace_forecasts_total", "vigil_recovered_records_total",
           "vigil_intake_events_total", "vigil_console_actions_total", "vigil_console_readers",
           "vigil_console_clocks", "vigil_console_lag_records",
           "vigil_machine_clock_timestamp_seconds", "vigil_certificate_not_before_timestamp_seconds",
           "vigil_certificate_not_after_timestamp_seconds",
           "sla_calendar_dates_end_timestamp_seconds"}  # fmt: skip
"""On no panel: the pace, which is only where one was learned; what has a nearer relative there; the console,
whose pages say how it fares; a clock, certificates and dates, that are as they should be."""


def panels() -> list[Any]:
    """(dashboard, panel) of all that show something."""
    return [
        pytest.param(name, panel, id=f"{name}: {panel['title']}")
        for name, board in BOARDS.items()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def sections() -> set[str]:
    return {
        heading.lower()
        for heading in re.findall(
            r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text("utf-8"), re.MULTILINE
        )
    }


def linked(panel: dict[str, Any]) -> set[str]:
    return {link["url"].partition("/runbook/#")[2] for link in panel["links"]}


def generate(*arguments: str, script: Path = GENERATOR / "generate.py") -> int:
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, timeout=60
    ).returncode


def test_the_committed_dashboards_are_what_the_generator_makes() -> None:
    assert generate("--check") == 0


def test_the_check_finds_one_that_was_edited_and_one_too_many(tmp_path: Path) -> None:
    copy = tmp_path / "generator"
    copy.mkdir()
    for file in GENERATOR.glob("*.py"):
        (copy / file.name).write_text(file.read_text("utf-8"), "utf-8")
    made = tmp_path / "dashboards"
    made.mkdir()
    script = copy / "generate.py"
    assert generate("--check", script=script) == 1, "none is there"
    assert generate(script=script) == 0
    assert generate("--check", script=script) == 0
    (made / "vigil.json").write_text("{}", "utf-8")
    assert generate("--check", script=script) == 1, "edited"
    assert generate(script=script) == 0
    (made / "mine.json").write_text("{}", "utf-8")
    assert generate("--check", script=script) == 1, "one too many"


def test_there_are_four_each_of_its_own_name_in_the_schema_of_grafana_12() -> None:
    assert {name: board["title"] for name, board in BOARDS.items()} == {
        "vigil-now": "Vigil: Now",
        "vigil-service-levels": "Vigil: Service levels",
        "vigil-trends": "Vigil: Trends",
        "vigil": "Vigil: the engine",
    }
    assert {name: board["uid"] for name, board in BOARDS.items()} == {name: name for name in BOARDS}
    assert {board["schemaVersion"] for board in BOARDS.values()} == {42}


@pytest.mark.parametrize(("name", "panel"), panels())
def test_a_panel_says_what_it_shows_in_which_unit_from_the_chosen_source(
    name: str, panel: dict[str, Any]
) -> None:
    assert len(panel["description"]) > 12
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    assert linked(panel) <= sections(), "a section of the runbook"
    assert all(link["url"] in panel["description"] for link in panel["links"])


def test_counts_over_time_are_drawn_where_there_were_none() -> None:
    """A line goes on over what a filter has left out, and the legend has the last value that it has."""
    filtered = [
        f"{param.id}: {target['expr']}"
        for param in panels()
        if param.values[1]["type"] == "timeseries"
        and param.values[1]["fieldConfig"]["defaults"]["unit"] == "none"
        for target in param.values[1]["targets"]
        if re.search(r"[<>=!]=?\s*\d+(\.\d+)?$", target["expr"])
    ]
    assert filtered == []


def test_every_alert_is_linked_from_a_panel() -> None:
    assert set().union(*(linked(param.values[1]) for param in panels())) == sections()


def test_queries_ask_only_for_metrics_and_labels_that_exist() -> None:
    assert [unknown_metrics(one.expr, set()) for one in queries()] == [set()] * len(queries())


def test_a_clock_of_ones_own_is_counted_as_a_clock_whatever_it_is_called() -> None:
    asked = {found for one in queries() for found in re.findall(r'metric[=!]~"([^"]*update[^"]*)"', one.expr)}
    assert asked
    for pattern in asked:
        assert all(re.fullmatch(pattern, cadence) for cadence in labels.CADENCES)
        assert not re.fullmatch(pattern, "vendor_update")


def test_every_metric_is_on_a_panel_or_is_known_to_be_on_none() -> None:
    shown = " ".join(one.expr for one in queries())
    assert {name for name in KNOWN if not re.search(rf"\b{name}(_bucket|_sum|_count)?\b", shown)} == NOWHERE


def check_queries(folder: Path, exprs: list[str]) -> subprocess.CompletedProcess[str]:
    rules = [{"record": f"dashboard:query:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    file = folder / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    return subprocess.run(
        [program("promtool"), "check", "rules", str(file)], capture_output=True, text=True, timeout=60
    )


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    done = check_queries(tmp_path, [one.expr for one in queries()])
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(queries())} rules found" in done.stdout


def test_prometheus_refuses_a_planted_bad_query(tmp_path: Path) -> None:
    assert check_queries(tmp_path, ["sum by (severity (sla_open_escalations)"]).returncode != 0


@pytest.mark.parametrize("name", BOARDS)
def test_panels_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
