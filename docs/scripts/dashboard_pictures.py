"""Draws the dashboards with the demo's data: `python docs/scripts/dashboard_pictures.py [FOLDER]`.

Plays the story on a real Kafka with real processes, asks a real Prometheus each panel's queries, and writes
an SVG a dashboard into docs/images/dashboards. It is no Grafana: places, titles, units, thresholds and values
are those of the dashboards, the strokes are ours.
"""

import json
import sys
from collections.abc import Iterator
from html import escape
from math import ceil, floor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeAlias

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "metrics")]

from dashboard_queries import DASHBOARDS, filled  # noqa: E402
from scraped_demo import Scraped, scraped_demo  # noqa: E402

from engine.demo.broker import start_kafka  # noqa: E402

COLUMN, LINE, GAP = 52, 34, 4
COLOURS = ("#2f6fb0", "#d9822b", "#3a8f5c", "#b5475d", "#7a5cb0", "#8a6d3b", "#4aa3a8", "#6b7280")
STATES = {"green": "#2e7d4f", "orange": "#b86a12", "red": "#b3312c", "blue": "#2f6fb0"}
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1f2933}.t{font-weight:600}.m{fill:#5b6770;font-size:10.5px}"
    ".b{fill:#fff;stroke:#d6dce1}.g{stroke:#e6eaee}.v{font-size:26px;font-weight:600;fill:#fff}"
)
Panel: TypeAlias = dict[str, Any]
SHOWN = 8
"""Rows or lines of a panel, at most."""


class Series(NamedTuple):
    name: str
    points: list[tuple[float, float]]

    @property
    def last(self) -> float:
        return self.points[-1][1]


def amount(value: float, unit: str) -> str:
    """As the panel's unit says it."""
    if unit == "percentunit":
        return f"{100 * value:.3g}%"
    if unit == "s":
        size = abs(value)
        for seconds, name in ((604_800, "weeks"), (86_400, "d"), (3_600, "h"), (60, "min")):
            if size >= seconds:
                return f"{value / seconds:.3g} {name}"
        return f"{value:.3g} s" if size >= 1 or not size else f"{value * 1000:.3g} ms"
    if unit == "none":
        return f"{value:,.0f}"
    shown = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"
    return f"{shown} /s" if unit == "cps" else shown


def ticks(low: float, high: float, unit: str) -> list[float]:
    """Round values at even steps, five at most, from `low` or below to `high` or above; counts are whole."""
    span = (high - low) or 1.0
    step = next(step for step in _steps(unit) if span <= 3 * step)
    first = floor(low / step + 1e-9)
    last = max(ceil(high / step - 1e-9), first + 1)
    return [number * step for number in range(first, last + 1)]


def _steps(unit: str) -> Iterator[float]:
    """Ever larger ones."""
    if unit != "s":
        yield from (
            digit * 10.0**power for power in range(0 if unit == "none" else -9, 15) for digit in (1, 2, 5)
        )
        return
    yield from (digit * 10.0**power for power in range(-9, 0) for digit in (1, 2, 5))
    yield from (1, 2, 5, 10, 20, 30)
    yield from (60 * minutes for minutes in (1, 2, 5, 10, 20, 30))
    yield from (3_600 * hours for hours in (1, 2, 4, 6, 12, 24, 48))
    yield from (604_800 * digit * 10**power for power in range(9) for digit in (1, 2, 5))


def colour(panel: Panel, value: float) -> str:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    return STATES[[s["color"] for s in steps if s["value"] is None or value >= s["value"]][-1]]


def name_of(labels: dict[str, str], legend: str) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    return legend if legend != "__auto" else ", ".join(v for k, v in labels.items() if k != "__name__")


def cut(name: str, most: int) -> str:
    """As much as fits: of a dotted name the end, of another the beginning."""
    if len(name) <= most:
        return name
    return f"…{name[1 - most :]}" if "." in name else f"{name[: most - 1]}…"


def series(scraped: Scraped, panel: Panel) -> list[Series]:
    found = []
    for target in panel["targets"]:
        query = filled(target["expr"])
        if panel["type"] == "timeseries":
            span = {"start": f"{scraped.began}", "end": f"{scraped.ended}", "step": "1"}
            over = scraped.prometheus.ask("query_range", query=query, **span)
            rows = [(r["metric"], r["values"]) for r in over]
        else:
            now = scraped.prometheus.ask("query", query=query, time=f"{scraped.ended}")
            rows = [(r["metric"], [r["value"]]) for r in now]
        for labels, values in rows:
            points = [(float(at), float(value)) for at, value in values if value not in ("NaN", "+Inf")]
            if points:
                found.append(Series(name_of(labels, target["legendFormat"]), points))
    return found


def draw(scraped: Scraped, board: dict[str, Any]) -> str:
    """The SVG of a dashboard."""
    panels = board["panels"]
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) * LINE + 34
    parts = [f'<text class="t" x="6" y="20" style="font-size:16px">{escape(board["title"])}</text>']
    for panel in panels:
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN, place["y"] * LINE + 30
        width, tall = place["w"] * COLUMN - GAP, place["h"] * LINE - GAP
        title = escape(panel["title"])
        if panel["type"] == "row":
            parts.append(f'<text class="t" x="{x + 6}" y="{y + 20}">{title}</text>')
            continue
        inside = "".join(_DRAWN[panel["type"]](scraped, panel, series(scraped, panel), width, tall))
        parts.append(
            f'<g transform="translate({x},{y})"><title>{escape(panel["description"])}</title>'
            f'<rect class="b" width="{width}" height="{tall}" rx="3"/>{inside}'
            f'<text class="t" x="8" y="18"{_on(panel)}>{title}</text></g>'
        )
    size = f'viewBox="0 0 {24 * COLUMN} {height}" width="{24 * COLUMN}" height="{height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(board["title"])}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#f3f5f7"/>{"".join(parts)}</svg>\n'
    )


def _on(panel: Panel) -> str:
    return ' style="fill:#fff"' if panel["type"] == "stat" else ""


def _stat(_: Scraped, panel: Panel, found: list[Series], width: int, tall: int) -> Iterator[str]:
    value = found[0].last
    yield f'<rect width="{width}" height="{tall}" rx="3" fill="{colour(panel, value)}"/>'
    shown = amount(value, panel["fieldConfig"]["defaults"]["unit"])
    yield f'<text class="v" x="{width / 2}" y="{tall / 2 + 18}" text-anchor="middle">{shown}</text>'


def _bars(_: Scraped, panel: Panel, found: list[Series], width: int, tall: int) -> Iterator[str]:
    most = panel["fieldConfig"]["defaults"].get("max") or max(abs(one.last) for one in found) or 1
    for number, one in enumerate(found[:12]):
        y = 30 + number * min(22, (tall - 34) / min(12, len(found)))
        length = max(2.0, (width - 250) * min(1.0, abs(one.last) / most))
        yield f'<text x="8" y="{y + 12:.0f}">{escape(one.name)}</text>'
        ink = colour(panel, one.last)
        yield f'<rect x="140" y="{y + 2:.0f}" width="{length:.0f}" height="12" fill="{ink}"/>'
        shown = amount(one.last, panel["fieldConfig"]["defaults"]["unit"])
        yield f'<text x="{146 + length:.0f}" y="{y + 12:.0f}">{shown}</text>'


def _table(_: Scraped, panel: Panel, found: list[Series], width: int, tall: int) -> Iterator[str]:
    for number, one in enumerate(found[:SHOWN]):
        y = 40 + number * 22
        yield f'<text x="8" y="{y}">{escape(one.name[: (width - 60) // 7])}</text>'
        yield f'<text x="{width - 8}" y="{y}" text-anchor="end">{amount(one.last, "none")}</text>'
        yield f'<line class="g" x1="8" x2="{width - 8}" y1="{y + 6}" y2="{y + 6}"/>'


def _lines(scraped: Scraped, panel: Panel, found: list[Series], width: int, tall: int) -> Iterator[str]:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    found = sorted(found, key=lambda one: -max(value for _, value in one.points))[:SHOWN]
    values = [value for one in found for _, value in one.points]
    marks = ticks(min(0.0, *values), max(*values, 0.0), unit)
    low, high = marks[0], marks[-1]
    keys = (len(found) + 1) // 2
    left, right, top, bottom = 62, width - 10, 30, tall - 26 - 15 * keys
    for mark in marks:
        y = bottom - (mark - low) / (high - low) * (bottom - top)
        yield f'<line class="g" x1="{left}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}"/>'
        shown = amount(mark, unit)
        yield f'<text class="m" x="{left - 6}" y="{y + 4:.0f}" text-anchor="end">{shown}</text>'
    span = scraped.ended - scraped.began
    for number, one in enumerate(found):
        ink = COLOURS[number % len(COLOURS)]
        path = " ".join(
            f"{left + (at - scraped.began) / span * (right - left):.1f},"
            f"{bottom - (value - low) / (high - low) * (bottom - top):.1f}"
            for at, value in one.points
        )
        yield f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="1.8"/>'
        x, y = 10 + (number % 2) * (width // 2), bottom + 20 + 15 * (number // 2)
        yield f'<rect x="{x}" y="{y - 8}" width="9" height="9" fill="{ink}"/>'
        name = escape(cut(one.name, (width // 2 - 80) // 6))
        yield f'<text class="m" x="{x + 13}" y="{y}">{name} · {amount(one.last, unit)}</text>'


_DRAWN = {"stat": _stat, "bargauge": _bars, "table": _table, "timeseries": _lines}


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    kafka = start_kafka()
    try:
        with TemporaryDirectory() as temporary, scraped_demo(kafka, Path(temporary)) as scraped:
            for file in DASHBOARDS:
                picture = draw(scraped, json.loads(file.read_text("utf-8")))
                (folder / f"{file.stem}.svg").write_text(picture, "utf-8")
    finally:
        kafka.stop()


if __name__ == "__main__":
    main()
