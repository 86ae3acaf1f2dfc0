"""The engine's verdicts on recorded logs agree with what the logs themselves say."""

import csv
import gzip
import random
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import orjson
import pytest
from replay_builders import replayed

from engine.core.decide import Options
from engine.core.instants import DAY, NEVER
from engine.core.outcomes import Outcome
from engine.policies import load
from engine.replay.events import Event
from engine.replay.files import read_lines
from engine.replay.gather import Counts, Rejected, by_subject, receive
from engine.replay.importers import Importer, github_status, uci_servicenow
from engine.replay.judging import Bench
from engine.replay.sorting import Sorter
from engine.replay.verdicts import differences, read_outcomes, verdicts
from recorded import DATA, needs_data

POLICIES = Path(__file__).parents[2] / "deploy"

pytestmark = needs_data


def outcomes(file: str, importer: Importer, policies: str) -> Iterator[Outcome]:
    """All outcomes of a log, escalation by escalation, with everything known."""
    notes: list[object] = []
    rejected: list[Rejected] = []
    refused: list[object] = []
    lines = ((event.id, event.line()) for event in importer(read_lines(str(DATA / file)), notes.append))
    counts = Counts()
    bench = Bench(load(POLICIES / policies), Options(), lambda *fact: refused.append(fact))
    with Sorter(tuple[str, int]) as sorter:
        for subject, facts in by_subject(receive(lines, counts, rejected.append), sorter):
            yield from bench.judge(subject, facts, counts.newest or NEVER)
    assert (notes, rejected, refused) == ([], [], [])


@pytest.mark.parametrize(("priority", "incidents"), [("3", 14_055), ("4", 491)])
def test_the_close_clock_agrees_with_made_sla_in_99_of_100_incidents(
    close_clock: dict[str, str], priority: str, incidents: int
) -> None:
    truth = last_rows()
    agreed = Counter(
        (close_clock.get(number) == "met") == (row["made_sla"] == "true")
        for number, row in truth.items()
        if row["priority"] == priority
    )
    assert sum(agreed.values()) == incidents
    assert agreed[True] / incidents >= 0.99


def test_every_closed_incident_with_a_close_clock_has_a_verdict(close_clock: dict[str, str]) -> None:
    assert len(last_rows().keys() - close_clock.keys()) == 0


@pytest.fixture(scope="module")
def close_clock() -> dict[str, str]:
    """How the first cycle of the close clock of each incident ended: a breach stays one."""
    found: dict[str, str] = {}
    for one in outcomes("uci_incident_event_log_dev.csv.gz", uci_servicenow.convert, "policies-uci"):
        if one.metric == "close_sla" and one.cycle == 1 and one.name in ("met", "breached"):
            found.setdefault(one.subject.removeprefix("uci:"), one.name)
    return found


def last_rows() -> dict[str, dict[str, str]]:
    """The last row of each incident of the log."""
    with gzip.open(DATA / "uci_incident_event_log_dev.csv.gz", "rt") as log:
        return {row["number"]: row for row in csv.DictReader(log)}


def test_the_misses_of_the_status_page_are_those_that_its_update_times_show() -> None:
    every = {"critical": 30, "major": 60, "minor": 120}
    shown: Counter[str] = Counter()
    for _, line in read_lines(str(DATA / "github_status_incidents_dev.jsonl.gz")):
        incident = orjson.loads(line)
        interval = every.get(incident["impact"])
        times = [_minutes(update["at"]) for update in incident["updates"]]
        if interval is not None:
            gaps = [end - start for start, end in pairwise(times) if end > start]
            shown[incident["impact"]] += sum((gap - 1) // interval for gap in gaps)
    said: Counter[str] = Counter()
    impact = {"P0": "critical", "P1": "major", "P2": "minor"}
    for one in outcomes("github_status_incidents_dev.jsonl.gz", github_status.convert, "policies-github"):
        if one.name == "cadence_missed":
            said[impact[one.severity]] += 1
    assert +said == +shown
    assert said.total() == 89


def _minutes(text: str) -> int:
    from engine.core.instants import MINUTE, parse_instant

    return parse_instant(text) // MINUTE


def test_a_log_that_arrives_days_late_and_twice_leaves_the_same_verdicts() -> None:
    path = str(DATA / "uci_incident_event_log_dev.csv.gz")
    events = list(uci_servicenow.convert(islice(read_lines(path), 8_000), lambda _: None))
    draw = random.Random(7)  # noqa: S311  # no secret
    twice = [*events, *draw.sample(events, 1_000)]
    twice.sort(key=lambda event: event.at + draw.random() * 3 * DAY)
    book = load(POLICIES / "policies-uci")
    known, _, _ = replayed(book, map(_listed, events))
    reported, replay, _ = replayed(book, map(_listed, twice), as_reported=True)
    assert replay.judged["late"] > 1_000
    assert replay.judged["duplicate"] == 1_000
    left, right = (verdicts(read_outcomes(map(orjson.dumps, one))) for one in (known, reported))
    assert len(left) > 3_000
    assert list(map(str, differences(left, right))) == []


def _listed(event: Event) -> bytes:
    """A line without its time of recording: the order of lines is the order of arrival."""
    return event._replace(recorded=None).line()
