"""Tickets that webhooks told, and a load of their history beside them, through real processes and Kafka."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from backfill import Backfill, assert_equal, environment, heartbeats, vigil

from engine.demo.broker import KafkaBroker
from engine.replay.verdicts import read_outcome, verdicts
from intake.counterparts import TOKEN, USER, Counterpart, Jira, Zendesk, running
from intake.test_intake_on_kafka import SECRET, Intake
from intake.test_told_twice import POLICIES
from intake.tickets import jira_lives, zendesk_lives

SINCE = "2026-03-01T00:00:00Z"

pytestmark = pytest.mark.timeout(240)


def doors(zendesk: str, jira: str, token: Path) -> str:
    """Of both sources, each with its history."""
    secret, known = "secrets: [{env: ACME_SECRET}]", f"user: {USER}, token: {{file: {token}}}"
    return f"""
doors:
  acme: {{source: zendesk, family: incident, {secret}, history: {{url: "{zendesk}", {known}}}}}
  desk:
    {{source: jira, family: incident, {secret}, history: {{url: "{jira}", {known}, jql: project = SUP}}}}
"""


@pytest.fixture
def sources() -> Iterator[tuple[Zendesk, str, Jira, str]]:
    zendesk, jira = Zendesk(page=10), Jira(page=3)
    with running(zendesk) as one, running(jira) as other:
        yield zendesk, one, jira, other


def test_webhooks_and_a_load_of_the_same_tickets_stand_as_webhooks_alone(
    kafka: KafkaBroker, tmp_path: Path, sources: tuple[Zendesk, str, Jira, str]
) -> None:
    zendesk, at_zendesk, jira, at_jira = sources
    webhooks = zendesk_lives(zendesk, 15)
    changes = jira_lives(jira, 15)
    judge = Backfill(kafka.bootstrap, tmp_path, policies=POLICIES)
    topics = {name: judge.variables[f"{name.upper()}_TOPIC"] for name in ("tickets", "incidents", "dlq")}
    (tmp_path / "intake").mkdir()
    (tmp_path / "token").write_text(TOKEN)
    text = doors(at_zendesk, at_jira, tmp_path / "token")
    (tmp_path / "intake.yaml").write_text(text)
    try:
        intake = Intake(kafka, tmp_path / "intake", topics, text)
        for body in webhooks:
            assert intake.zendesk(orjson.dumps(body)).status_code in (200, 202)
        for body in changes:
            assert intake.jira(orjson.dumps(body)).status_code in (200, 202)
        intake.stop()
        told = list(judge.read(topics["incidents"]))
        expected = alone(tmp_path / "webhooks.jsonl", told)

        zendesk.slow = jira.slow = 0.2
        killed = Started(judge, tmp_path, "acme", zendesk)
        killed.until_asked(6)
        killed.kill()
        Started(judge, tmp_path, "acme", zendesk).done()
        bereft = Started(judge, tmp_path, "desk", jira)
        bereft.until_asked(4)
        kafka.kill()
        time.sleep(2)
        assert bereft.process.poll() is None, "it waits for Kafka, and asks for nothing more"
        kafka.start()
        bereft.done()
        assert len(list(judge.read(topics["incidents"]))) > 1.9 * len(told)
        (tmp_path / "beats.jsonl").write_bytes(b"".join(beats(told)))
        judge.send(tmp_path / "beats.jsonl")
        judge.start()
        judge.finish(120)
        assert len(expected) > 300
        assert_equal(verdicts(judge.outcomes()), expected)
        assert judge.dead_letters() == []
    finally:
        judge.kill()


def alone(file: Path, records: list[Any]) -> list[Any]:
    """What stands by these records and nothing else."""
    lines = [line for record in records for line in [structured(record)]]
    file.write_bytes(b"".join([*lines, *beats(records)]))
    said = file.with_suffix(".said")
    vigil("replay", file, "--policies", POLICIES, "--output", said)
    return verdicts(map(read_outcome, said.read_bytes().splitlines()))


def structured(record: Any) -> bytes:
    headers = {name: value.decode() for name, value in record.headers}
    event = {name.removeprefix("ce_"): value for name, value in headers.items() if name.startswith("ce_")}
    return orjson.dumps({**event, "data": orjson.loads(record.value)}, option=orjson.OPT_APPEND_NEWLINE)


def beats(records: list[Any]) -> list[bytes]:
    return heartbeats([structured(record) for record in records])


class Started:
    """`vigil intake backfill` as it is started, by a state of its own."""

    def __init__(self, judge: Backfill, folder: Path, door: str, source: Counterpart) -> None:
        arguments = ["intake", "backfill", door, "-d", str(folder / "intake.yaml"), "--since", SINCE]
        arguments += ["--state", str(folder / f"{door}.json"), "--json"]
        self.source = source
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli.main", *arguments],
            env={**environment(judge.variables), "ACME_SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def until_asked(self, questions: int) -> None:
        until = time.monotonic() + 60
        while len(self.source.asked) < questions:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.02)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def done(self) -> None:
        out, errors = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, errors.decode()
        assert TOKEN.encode() not in out + errors
