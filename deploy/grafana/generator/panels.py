"""A dashboard as Grafana reads it (its classic JSON model), from rows of panels that are plain values."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

SCHEMA_VERSION = 42
"""The last one of the classic model: Grafana 12.1 and later."""
WIDTH = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

Steps = tuple[tuple[float | None, str], ...]
"""Thresholds: from which value on which colour; the first has no value."""
PLAIN: Steps = ((None, "blue"),)
NONE_IS_GOOD: Steps = ((None, "green"), (1, "red"))
SHARE: Steps = ((None, "red"), (0.9, "orange"), (0.98, "green"))


class Query(NamedTuple):
    expr: str
    legend: str = "__auto"


class Panel(NamedTuple):
    """One picture."""

    kind: str
    """stat, timeseries, bargauge or table."""
    title: str
    about: str
    """What it says, and how to read it."""
    queries: tuple[Query, ...]
    unit: str = "short"
    width: int = 8
    steps: Steps = PLAIN
    alerts: tuple[str, ...] = ()
    """Whose sections of the runbook say what to do."""
    most: float | None = None
    """The end of the scale, where it has one."""


class Row(NamedTuple):
    title: str
    height: int
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    uid: str
    title: str
    about: str
    since: str
    refresh: str
    variables: tuple[dict[str, Any], ...]
    rows: tuple[Row, ...]


def from_labels(name: str, metric: str, *, usual: str = "", label: str = "") -> dict[str, Any]:
    """A variable of the values that a label has; all of them unless one is usual."""
    query = f"label_values({metric}, {name})"
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": [usual or "All"], "value": [usual or "$__all"]},
        **({"label": label} if label else {}),
    }


MODE = from_labels("mode", "vigil_build_info", usual="live", label="workers")
"""Whose series are shown: live workers', unless those of a backfill, a drill or a shadow are asked for."""
JOB = from_labels("job", "vigil_build_info", label="application")
"""Where one Prometheus scrapes several applications: their workers' jobs."""
OF_WORKERS = 'mode=~"$mode", job=~"$job"'


def window(*values: str, usual: str) -> dict[str, Any]:
    """The variable `window`: over how long each point of a line is taken."""
    options = [{"text": value, "value": value, "selected": value == usual} for value in values]
    return {
        "name": "window",
        "type": "interval",
        "label": "each point over",
        "query": ",".join(values),
        "options": options,
        "current": {"text": usual, "value": usual},
        "auto": False,
    }


_DATASOURCE = {
    "name": "datasource",
    "type": "datasource",
    "query": "prometheus",
    "label": "Prometheus",
    "current": {},
    "refresh": 1,
}
_DOCS = {
    "name": "docs",
    "type": "textbox",
    "label": "docs at",
    "query": "http://127.0.0.1:8000",
    "current": {"text": "http://127.0.0.1:8000", "value": "http://127.0.0.1:8000"},
}
"""Where the links to the runbook lead; where `mkdocs serve` answers unless it is told otherwise."""


def dashboard(board: Board, others: Sequence[Board]) -> dict[str, Any]:
    """The JSON of a dashboard, with links to the others."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.about,
        "tags": ["vigil"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": board.refresh,
        "time": {"from": board.since, "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": [_DATASOURCE, *board.variables, _DOCS]},
        "links": [
            {"type": "link", "title": other.title, "url": f"/d/{other.uid}", "keepTime": False}
            for other in others
            if other is not board
        ],
        "panels": list(_placed(board.rows)),
    }


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    y, number = 0, 0
    for row in rows:
        number += 1
        place = {"h": 1, "w": WIDTH, "x": 0, "y": y}
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": place,
        }
        y, x = y + 1, 0
        for panel in row.panels:
            if x + panel.width > WIDTH:
                y, x = y + row.height, 0
            number += 1
            place = {"h": row.height, "w": panel.width, "x": x, "y": y}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            x += panel.width
        y += row.height


def _panel(panel: Panel) -> dict[str, Any]:
    links = [
        {"title": f"Runbook: {alert}", "url": f"${{docs}}/runbook/#{alert.lower()}", "targetBlank": True}
        for alert in panel.alerts
    ]
    says = [f"[{link['title']}]({link['url']})" for link in links]
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": "\n\n".join([panel.about, *says]),
        "links": links,
        "datasource": SOURCE,
        "targets": [_target(panel, number, query) for number, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
        **({"transformations": [_AS_TABLE]} if panel.kind == "table" else {}),
    }


def _target(panel: Panel, number: int, query: Query) -> dict[str, Any]:
    over_time = panel.kind == "timeseries"
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "instant": not over_time,
        "range": over_time,
        **({"format": "table"} if panel.kind == "table" else {}),
    }


def _field(panel: Panel) -> dict[str, Any]:
    over_time = panel.kind == "timeseries"
    steps = [{"color": colour, "value": value} for value, colour in panel.steps]
    return {
        "unit": panel.unit,
        "noValue": "none",
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic" if over_time else "thresholds"},
        **({"max": panel.most} if panel.most is not None else {}),
        **({"decimals": 0} if panel.unit == "none" else {}),  # increase() extrapolates: 1.02 breaches
        **({"custom": _LINES} if over_time else {}),
    }


_LINES = {"drawStyle": "line", "lineWidth": 2, "fillOpacity": 8, "showPoints": "never", "spanNulls": True}
_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: dict[str, dict[str, Any]] = {
    "stat": {"reduceOptions": _LAST, "colorMode": "background", "graphMode": "none", "textMode": "auto"},
    "bargauge": {"reduceOptions": _LAST, "orientation": "horizontal", "displayMode": "gradient"},
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "table": {"showHeader": True, "cellHeight": "sm"},
}
_AS_TABLE = {
    "id": "organize",
    "options": {"excludeByName": {"Time": True, "__name__": True}, "renameByName": {"Value": "value"}},
}
