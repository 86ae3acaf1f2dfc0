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

from engine.contract.codec import read_line
from engine.core.decide import Options
from engine.core.instants import DAY, NEVER
from engine.core.outcomes import Outcome
from engine.policies import load
from engine.replay.backtesting import Backtest
from engine.replay.events import Event
from engine.replay.files import read_lines
from engine.replay.gather import Counts, Rejected, by_subject, receive
from engine.replay.importers import Importer, github_status, uci_servicenow
from engine.replay.judging import Bench
from engine.replay.relaying import Relaying
from engine.replay.replaying import Hearing, Wish
from engine.replay.sorting import Sorter
from engine.replay.verdicts import differences, read_outcome, verdicts
from recorded import DATA, needs_data

POLICIES = Path(__file__).parents[2] / "deploy"

pytestmark = [needs_data, pytest.mark.slow]


def outcomes(file: str, importer: Importer, policies: str) -> Iterator[Outcome]:
    """All outcomes of a log, escalation by escalation, with everything known."""
    notes: list[object] = []
    rejected: list[Rejected] = []
    refused: list[object] = []
    lines = ((event.id, event.line()) for event in importer(read_lines(str(DATA / file)), notes.append))
    counts = Counts()
    book = load(POLICIES / policies)
    bench = Bench(book, Options(), lambda *fact: refused.append(fact))
    relaying = Relaying(book, Options(), lambda: counts.newest or NEVER)
    with Sorter(tuple[str, int]) as sorter:
        for subject, facts, relayed in by_subject(receive(lines, counts, rejected.append), sorter, relaying):
            yield from bench.judge(subject, facts + relayed, counts.newest or NEVER)
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


EVERY = {"critical": 30, "major": 60, "minor": 120}
"""Minutes between updates, as policies-github has them."""
IMPACT = {"P0": "critical", "P1": "major", "P2": "minor"}


def shown_misses(every: dict[str, int]) -> Counter[str]:
    """How many intervals passed in silence, by the update times that the status page shows."""
    shown: Counter[str] = Counter()
    for _, line in read_lines(str(DATA / "github_status_incidents_dev.jsonl.gz")):
        incident = orjson.loads(line)
        interval = every.get(incident["impact"])
        times = [_minutes(update["at"]) for update in incident["updates"]]
        if interval is not None:
            gaps = [end - start for start, end in pairwise(times) if end > start]
            shown[incident["impact"]] += sum((gap - 1) // interval for gap in gaps)
    return +shown


def test_the_misses_of_the_status_page_are_those_that_its_update_times_show() -> None:
    said: Counter[str] = Counter()
    for one in outcomes("github_status_incidents_dev.jsonl.gz", github_status.convert, "policies-github"):
        if one.name == "cadence_missed":
            said[IMPACT[one.severity]] += 1
    assert +said == shown_misses(EVERY)
    assert said.total() == 89


def test_a_backtest_of_a_stricter_cadence_has_the_misses_that_the_update_times_show(tmp_path: Path) -> None:
    current = (POLICIES / "policies-github" / "status-page.yaml").read_text()
    stricter = current.replace("P0: 30m, P1: 1h, P2: 2h", "P0: 15m, P1: 30m, P2: 1h")
    assert stricter != current
    (tmp_path / "stricter.yaml").write_text(stricter)
    path = str(DATA / "github_status_incidents_dev.jsonl.gz")
    events = github_status.convert(read_lines(path), lambda _: None)
    hearing = Hearing(lambda _: None, lambda *_: None, lambda _: None)
    backtest = Backtest(load(POLICIES / "policies-github"), load(tmp_path), Wish(), hearing)
    changed = list(backtest.run((event.id, read_line(event.line())) for event in events))
    misses = {IMPACT[s]: (n, m) for _, s, name, n, m in backtest.sums.said() if name == "cadence_missed"}
    before, after = shown_misses(EVERY), shown_misses({impact: n // 2 for impact, n in EVERY.items()})
    assert misses == {impact: (before[impact], after[impact]) for impact in after}
    assert after.total() > 2 * before.total()
    assert {change.clock[1] for change in changed} == {"customer_update"}
    # Each clock is one interval between updates: it differs in its verdict where its number of misses does.
    more = sum(
        [one.name for one in change.left].count("cadence_missed")
        != [one.name for one in change.right].count("cadence_missed")
        for change in changed
    )
    assert backtest.sums.changed == more > 0


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
    left, right = (verdicts(map(read_outcome, map(orjson.dumps, one))) for one in (known, reported))
    assert len(left) > 3_000
    assert list(map(str, differences(left, right))) == []


def _listed(event: Event) -> bytes:
    """A line without its time of recording: the order of lines is the order of arrival."""
    return event._replace(recorded=None).line()
