"""The archive under kill -9: real worker, Kafka and PostgreSQL; afterwards its rows are all there, once.

VIGIL_SOAK_KILLS=100 kills a hundred times instead of twenty.
"""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from backfill import Backfill, environment, heartbeats, vigil
from sqlalchemy import select

from engine.archive.archive import Archive
from engine.archive.tables import escalations, facts, outcomes
from engine.core.instants import MINUTE, Instant, format_instant, parse_instant
from engine.replay.verdicts import read_outcome, verdicts
from postgres import Postgres

KILLS = max(20, int(os.environ.get("VIGIL_SOAK_KILLS", "20")))
SUBJECTS = 15 * KILLS

pytestmark = pytest.mark.timeout(15 * KILLS)
START = parse_instant("2026-03-02T09:00:00Z")
POLICY = """
policy: killed
effective_from: 2020-01-01T00:00:00Z
default_severity: P2
risk: [75%]
clocks:
  triage: {budget: {P1: 10m, P2: 30m}}
  resolve: {budget: {P1: 2h, P2: 8h}}
cadence:
  customer: {every: {P1: 1h, P2: 4h}}
"""


def lives(dice: random.Random) -> Iterator[bytes]:
    """The events of many incidents, as they come: late ones, and now and then one twice."""
    arrivals: list[tuple[int, bytes]] = []
    for number in range(SUBJECTS):
        subject, at = f"desk:{number}", START + dice.randrange(3_000) * MINUTE
        course = ["opened", "triaged", "update_published", "updated", "resolved", "closed"]
        for step, verb in enumerate(course[: dice.choice((3, 5, 6, 6))]):
            at += dice.randrange(1, 90) * MINUTE
            line = event(subject, step, verb, Instant(at), dice)
            late = dice.randrange(600) * MINUTE if dice.random() < 0.1 else 0
            arrivals += [(at + late, line)] * (2 if dice.random() < 0.02 else 1)
    return (line for _, line in sorted(arrivals))


def event(subject: str, step: int, verb: str, at: Instant, dice: random.Random) -> bytes:
    data: dict[str, Any] = {
        "opened": {"title": f"{subject} is down", "severity": "P2", "customer": {"id": f"c{step}"}},
        "triaged": {"severity": dice.choice(("P1", "P2"))},
        "update_published": {"audience": "customer"},
        "updated": {"team": dice.choice(("web", "data"))},
    }.get(verb, {})
    said = {"specversion": "1.0", "id": f"{subject}-{step}", "source": "urn:test", "subject": subject}
    said |= {"type": f"incident.{verb}.v1", "time": format_instant(at), "data": data}
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)


@pytest.fixture
def backfill(kafka: Any, tmp_path: Path) -> Iterator[Backfill]:
    policies = tmp_path / "policies"
    policies.mkdir()
    (policies / "policy.yaml").write_text(POLICY)
    made = Backfill(kafka.bootstrap, tmp_path, policies=str(policies))
    yield made
    made.kill()


class Archiver:
    """One process of `vigil archive run`."""

    def __init__(self, log: Path, variables: dict[str, str]) -> None:
        self.log = log
        with log.open("wb") as out:
            command = [sys.executable, "-m", "engine.cli.main", "archive", "run"]
            self.process = subprocess.Popen(command, env=environment(variables), stdout=out, stderr=out)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()


def test_an_archive_killed_twenty_times_has_every_row_once_and_they_are_those_of_replay(
    backfill: Backfill, postgres: Postgres, tmp_path: Path
) -> None:
    dice = random.Random(20)  # noqa: S311
    events = tmp_path / "events.jsonl"
    lines = list(lives(dice))
    events.write_bytes(b"".join([*lines, *heartbeats(lines)]))
    backfill.start()
    backfill.send(events)
    backfill.finish()
    url = postgres.new_database()
    variables = backfill.variables | {"ARCHIVE_URL": url}
    work = killed_at_work(tmp_path, variables | {"ARCHIVE_RECORDS": "50"}, url, dice)

    two_at_once = [Archiver(tmp_path / f"last-{number}.log", variables) for number in range(2)]
    try:
        wait_until_all_is_read(backfill, url)
        for one in two_at_once:
            one.stop()
    finally:
        for one in two_at_once:
            one.kill()
    found = content(url)

    unkilled = f"sqlite:///{tmp_path}/unkilled.db"
    vigil("archive", "rebuild", **backfill.variables | {"ARCHIVE_URL": unkilled})
    assert found == content(unkilled)

    replayed = tmp_path / "said.jsonl"
    policies = backfill.variables["POLICIES"]
    vigil("replay", events, "--policies", policies, "--output", replayed)
    with Archive.open(url) as archive:
        said = [outcome for account in archive.accounts() for outcome in account.outcomes]
    expected = verdicts(map(read_outcome, replayed.read_bytes().splitlines()))
    assert len(expected) > 3 * SUBJECTS
    assert verdicts(said) == expected

    loaded = f"sqlite:///{tmp_path}/loaded.db"
    vigil("archive", "load", events, "--policies", policies, "--archive", loaded)
    of_files = content(loaded)
    assert without(found["facts"], "recorded") == without(of_files["facts"], "recorded")
    assert found["escalations"] == of_files["escalations"]
    print(
        f"\n{KILLS} kills, {len(found['facts']):,} facts, {len(said):,} outcomes; records before each: {work}"
    )


def killed_at_work(folder: Path, variables: dict[str, str], url: str, dice: random.Random) -> list[int]:
    """Each one a moment after its first transaction; how many records each had written."""
    work = []
    with Archive.open(url) as archive:
        for number in range(KILLS):
            before = written(archive)
            archiver = Archiver(folder / f"archive-{number}.log", variables)
            until = time.monotonic() + 30
            while written(archive) == before:
                assert archiver.process.poll() is None, archiver.log.read_text()
                assert time.monotonic() < until, archiver.log.read_text()
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.15))
            archiver.kill()
            work.append(written(archive) - before)
    return work


def written(archive: Archive) -> int:
    return sum(archive.offsets().values())


def wait_until_all_is_read(backfill: Backfill, url: str) -> None:
    settings = backfill.settings
    last: dict[tuple[str, int], int] = {}
    for topic in (settings.tickets_topic, settings.incidents_topic, settings.outcomes_topic):
        for record in backfill.read(topic):
            last[topic, record.partition] = record.offset + 1
    until = time.monotonic() + 120
    with Archive.open(url) as archive:
        # Behind the last record may lie the end of its transaction.
        while any(archive.offsets().get(place, 0) < end for place, end in last.items()):
            assert time.monotonic() < until, f"{archive.offsets()} of {last}"
            time.sleep(0.2)


def content(url: str) -> dict[str, list[dict[str, Any]]]:
    """All rows, sorted."""
    with Archive.open(url) as archive, archive.engine.connect() as connection:
        return {
            table.name: sorted(
                (dict(row) for row in connection.execute(select(table)).mappings()),
                key=lambda row: [str(row[column.name]) for column in table.primary_key],
            )
            for table in (facts, outcomes, escalations)
        }


def without(rows: Iterable[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != column} for row in rows]
