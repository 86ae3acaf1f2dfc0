"""What a recorded log owes by a policy of credits equals a plain count of the log's own rows."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.contract.codec import Received, read_line
from engine.core.credits import Credit, credits
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant, from_datetime
from engine.core.proof import is_intact
from engine.core.standing import standing
from engine.documents.credits import owed
from engine.policies import load
from engine.replay.files import read_lines
from engine.replay.importers import uci_servicenow
from engine.replay.judging import Bench
from recorded import DATA, needs_data

pytestmark = [needs_data, pytest.mark.slow]

LOG = DATA / "uci_incident_event_log_dev.csv.gz"
INCIDENTS = 3_000
BUDGET, MORE = timedelta(hours=48), timedelta(hours=96)
POLICY = """
calendar: weekdays
zone: UTC
hours: {mon-fri: ["00:00-24:00"]}
---
policy: credits
effective_from: 2016-01-01T00:00:00Z
default_severity: P2
clocks:
  close_sla: {start: opened, stop: closed, budget: {P2: 48h @weekdays}}
credits:
  - {metric: close_sla, severity: [P2], overrun: {at_least: 0s}, credit: 2.5%}
  - {metric: close_sla, severity: [P2], overrun: {at_least: 96h}, credit: 10%}
"""

Row = dict[str, str]


@pytest.fixture(scope="module")
def incidents() -> dict[str, list[Row]]:
    """The rows of the first incidents that had priority 3 all along, and whose caller is known."""
    found: defaultdict[str, list[Row]] = defaultdict(list)
    with gzip.open(LOG, "rt") as log:
        for row in csv.DictReader(log):
            if len(found) >= INCIDENTS and row["number"] not in found:
                break
            found[row["number"]].append(row)
    return {
        number: rows
        for number, rows in found.items()
        if {row["priority"] for row in rows} == {"3"}
        and len({row["caller_id"] for row in rows}) == 1
        and rows[0]["caller_id"] != "?"
    }


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC)


def on_weekdays(start: datetime, length: timedelta) -> datetime:
    """When so much of Monday to Friday has passed, day by day."""
    at = start
    while True:
        midnight = (at + timedelta(days=1)).replace(hour=0, minute=0)
        if at.weekday() < 5:
            if at + length <= midnight:
                return at + length
            length -= midnight - at
        at = midnight


def recounted(incidents: dict[str, list[Row]], until: datetime) -> dict[tuple[str, str], Decimal]:
    """Percent by month of the breach and caller, from the opening and the first row that is closed."""
    found: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for rows in incidents.values():
        opened = moment(rows[0]["opened_at"])
        closed = [moment(row["sys_updated_at"]) for row in rows if row["incident_state"] == "Closed"]
        end = min(closed, default=until)
        due, tier = on_weekdays(opened, BUDGET), on_weekdays(opened, BUDGET + MORE)
        if end > due:
            percent = Decimal(10) if end > tier else Decimal("2.5")
            found[f"{due:%Y-%m}", f"Caller {rows[0]['caller_id']}"] += percent
    return {month: min(percent, Decimal(100)) for month, percent in found.items()}


def judged(incidents: dict[str, list[Row]], until: Instant, folder: Path) -> Iterator[Credit]:
    (folder / "credits.yaml").write_text(POLICY)
    facts: defaultdict[str, list[Fact]] = defaultdict(list)
    notes: list[object] = []
    for event in uci_servicenow.convert(read_lines(str(LOG)), notes.append):
        subject = event.subject
        if subject.rpartition(":")[2] in incidents:
            read = read_line(event.line())
            assert isinstance(read, Received)
            facts[read.subject].append(read.fact)
        elif len(facts) >= len(incidents):
            break
    assert len(facts) == len(incidents)
    bench = Bench(load(folder), Options(), lambda *_: None)
    for subject, known in facts.items():
        yield from credits(standing(bench.judge(subject, known, until)))


def test_the_credits_of_a_recorded_log_are_those_of_a_count_of_its_rows(
    incidents: dict[str, list[Row]], tmp_path: Path
) -> None:
    newest = max(moment(row["sys_updated_at"]) for rows in incidents.values() for row in rows)
    until = newest + timedelta(minutes=1)
    rows = list(judged(incidents, from_datetime(until), tmp_path))
    months = owed(rows, [], ZoneInfo("UTC"), from_datetime(until), {})
    found = {(month.month, month.customer): month.percent for month in months}
    expected = recounted(incidents, until)
    assert found == expected
    assert len(expected) > 500
    assert len(Counter(row.percent for row in rows)) == 2
    assert all(len(row.proofs) and all(one.hash and is_intact(one) for one in row.proofs) for row in rows)
