"""Writes the trend reports of docs/examples from the recorded logs.

    python docs/scripts/trend_examples.py DATA [--docs FOLDER]

DATA is the folder with `uci_incident_event_log_dev.csv.gz` and `github_status_incidents_dev.jsonl.gz`. What
`vigil import` and `vigil report trend` write in three runs, written in one.
"""

import argparse
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from engine.cli.accounts import Asked as Recorded
from engine.cli.commands import load
from engine.cli.replayed_archive import replayed_archive
from engine.documents.trend import Asked, Trend, trend
from engine.documents.trend.page import page
from engine.documents.trend.table import table

DOCS = Path(__file__).parents[1]
POLICIES = DOCS.parent / "deploy"


class Example(NamedTuple):
    name: str
    log: str
    importer: str
    policies: str
    asked: Asked


UCI = Example(
    "trend-uci",
    "uci_incident_event_log_dev.csv.gz",
    "uci-servicenow",
    "policies-uci",
    Asked("week", "UTC", date(2016, 3, 28), date(2016, 4, 25)),
)
GITHUB = Example(
    "trend-github",
    "github_status_incidents_dev.jsonl.gz",
    "github-status",
    "policies-github",
    Asked("month", "UTC", date(2024, 7, 1), date(2025, 7, 1)),
)


def report(example: Example, data: Path) -> Trend:
    """The report of a log, by the policies of deploy/."""
    with TemporaryDirectory() as temporary:
        events = f"{temporary}/events.jsonl"
        arguments = [example.importer, str(data / example.log), "-o", events]
        load("import").main(arguments, standalone_mode=False)
        with replayed_archive(Recorded([events], POLICIES / example.policies, None, None)) as connection:
            return trend(connection, example.asked)


def files(made: Trend) -> dict[str, bytes]:
    """Its three forms, by the name of the file."""
    return {
        "trend.html": page(made).encode(),
        "trend.json": made.json(),
        "trend.csv": table(made).encode(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--docs", type=Path, default=DOCS)
    asked = parser.parse_args()
    for example in (UCI, GITHUB):
        folder = asked.docs / "examples" / example.name
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files(report(example, asked.data)).items():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
