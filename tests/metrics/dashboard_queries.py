"""The queries of all dashboards, with their variables filled in as Grafana would."""

import json
from pathlib import Path
from typing import NamedTuple

DASHBOARDS = sorted(
    (Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards").glob("*.json")
)
VARIABLES = {
    "$job": ".*",
    "$mode": "drill",
    "$severity": ".*",
    "$metric": ".*",
    "$team": ".*",
    "$__range": "10m",
    "$__rate_interval": "30s",
    "$window": "1m",
}
"""The demo's worker, all of the others, and spans that fit the minute of the demo."""


class Asked(NamedTuple):
    board: str
    panel: str
    kind: str
    expr: str


def queries() -> list[Asked]:
    return [
        Asked(file.stem, panel["title"], panel["type"], filled(target["expr"]))
        for file in DASHBOARDS
        for panel in json.loads(file.read_text("utf-8"))["panels"]
        for target in panel.get("targets", ())
    ]


def filled(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr
