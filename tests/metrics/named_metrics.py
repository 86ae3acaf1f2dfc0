"""Which metrics and labels a query or a page names, held against the definitions."""

import re
from collections.abc import Set

from engine.metrics.definitions import ARCHIVE, BESIDE, CERTIFICATES, CONSOLE, DEFINITIONS, INTAKE, NOTIFY

KNOWN = {d.name: set(d.labels) for d in (*BESIDE, *CERTIFICATES, *INTAKE, *ARCHIVE, *NOTIFY, *CONSOLE)}
KNOWN |= {d.name: {*d.labels, "mode"} for d in DEFINITIONS}
SCRAPED = {"instance", "job", "le"}
"""Labels that Prometheus adds, or a histogram has."""
_RECORDED = re.compile(r"\b[a-z_]+:[a-z_0-9]+:[a-z_0-9]+\b")
_NAME = re.compile(r"\b(?:sla|vigil)_[a-z_0-9]+\b(?!:)")
_NO_METRICS = {"sla_severity"}
"""Labels of alerts."""


def unknown_metrics(text: str, recorded: Set[str]) -> set[str]:
    """Metrics, recordings, and `metric: label` of matchers and groupings that nothing exports."""
    recordings = set(_RECORDED.findall(text))
    rest = _RECORDED.sub("", text)
    unknown = recordings - recorded
    for name in set(_NAME.findall(rest)) - _NO_METRICS:
        if (base := _base(name)) not in KNOWN:
            unknown.add(name)
            continue
        labels = {
            label
            for found in re.findall(rf"\b{name}\{{([^}}]*)\}}", rest)
            for label in re.findall(r"(\w+)\s*[=!]", found)
        }
        grouped = re.findall(rf"by \(([a-z_, ]+)\) \((?:\w+\()*{name}\b", rest)
        labels |= {label for found in grouped for label in found.split(", ")}
        unknown |= {f"{name}: {label}" for label in labels - KNOWN[base] - SCRAPED}
    return unknown


def _base(name: str) -> str:
    """Of a histogram's series its name."""
    return name if name in KNOWN else re.sub(r"_(bucket|sum|count)$", "", name)
