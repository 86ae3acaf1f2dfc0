"""A P0 comes in as Zendesk and PagerDuty send it, and goes out as PagerDuty and Slack take it.

Four real processes (intake, worker, notify, Kafka), each started as it is in production; the other sides are
servers that check what they are sent as they document it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from backfill import Backfill

from engine.cli.inputs import now
from engine.core.instants import format_instant
from engine.demo.broker import KafkaBroker
from intake.test_intake_on_kafka import Intake
from intake.test_sources import incident
from intake.test_sources import pagerduty as called
from intake.test_zendesk import event
from notify.counterpart import Counterpart, running
from notify.lookalikes import CHANNEL, TOKEN, Workspace, pagerduty
from notify.notifying import Notifying

POLICY = """
policy: doors
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
clocks:
  acknowledge: {budget: {P0: 4s}, risk: [50%]}
  first_response: {budget: {P0: 4s}, risk: [50%]}
"""
TICKET, CALL = "zendesk:acme:4711", "oncall:PGR0VU2"

pytestmark = pytest.mark.timeout(180)


class Doors:
    """All of it, running."""

    def __init__(self, kafka: KafkaBroker, folder: Path, slack: Counterpart, oncall: Counterpart) -> None:
        (folder / "policies").mkdir()
        (folder / "policies" / "policy.yaml").write_text(POLICY)
        self.judge = Backfill(kafka.bootstrap, folder, policies=str(folder / "policies"), clock="real")
        variables = self.judge.variables
        topics = {name: variables[f"{name.upper()}_TOPIC"] for name in ("tickets", "incidents", "dlq")}
        for name in ("intake", "notify"):
            (folder / name).mkdir()
        self.intake = Intake(kafka, folder / "intake", topics)
        self.notify = Notifying(kafka, folder / "notify", topic=variables["OUTCOMES_TOPIC"])
        near = {"allow_http": True, "allow_private": True}
        self.notify.configure(
            {
                "oncall": {"type": "pagerduty", "url": oncall.url, "routing_key": "0" * 32, **near},
                "desk": {
                    "type": "slack", "token": TOKEN, "channel": CHANNEL, "api_url": slack.url, **near,
                },
            },
            {"receiver": "desk", "routes": [
                {"receiver": "oncall", "match": {"level": "critical"}, "continue": True},
                {"receiver": "desk", "match": {"level": ["warning", "critical"]}},
            ]},
        )  # fmt: skip
        self.judge.start()
        self.notify.start()

    async def until(self, true: Callable[[], bool]) -> None:
        await self.notify.until(true, seconds=90)

    def end(self) -> None:
        self.intake.stop()
        self.notify.kill()
        self.judge.kill()


@pytest.fixture
async def sides() -> AsyncIterator[tuple[Counterpart, Counterpart]]:
    async with running() as slack, running() as oncall:
        yield slack, oncall


async def test_a_p0_comes_in_by_zendesk_and_pagerduty_and_goes_out_by_pagerduty_and_slack(
    kafka: KafkaBroker, tmp_path: Path, sides: tuple[Counterpart, Counterpart]
) -> None:
    slack, oncall = sides
    workspace = Workspace()
    slack.judge, oncall.judge = workspace.judge, pagerduty
    doors = await asyncio.to_thread(Doors, kafka, tmp_path, slack, oncall)
    try:
        await asyncio.to_thread(arrives, doors.intake)
        await doors.until(lambda: len(told(oncall, "trigger")) == 4)
        await asyncio.to_thread(ends, doors.intake)
        await doors.until(lambda: len(told(oncall, "resolve")) == 4)
        await doors.until(lambda: all(over(workspace, subject) for subject in (TICKET, CALL)))
    finally:
        await asyncio.to_thread(doors.end)
    clocks = ("acknowledge", "first_response")
    breached = [f"{subject}/{clock}/1" for subject in (TICKET, CALL) for clock in clocks]
    assert told(oncall, "trigger") == told(oncall, "resolve") == dict.fromkeys(breached, 1)
    for subject in (TICKET, CALL):
        first, *thread = (ts for ts, said in workspace.messages.items() if subject in str(said))
        assert all(workspace.messages[ts].get("thread_ts", first) == first for ts in thread), subject


def arrives(intake: Intake) -> None:
    """At the desk and with who is on call, at once."""
    ticket = {**event("created"), "time": at()}
    assert intake.zendesk(orjson.dumps(ticket)).json() == {"accepted": 1}
    call = called("triggered", incident(priority={"summary": "P1"}))
    call["event"]["occurred_at"] = at()
    assert intake.pagerduty(orjson.dumps(call)).json() == {"accepted": 1}


def ends(intake: Intake) -> None:
    """Late: the customer gets an answer, who is on call takes it up, and it is solved."""
    answer = {"comment": {"id": "1", "is_public": True, "author": {"id": "17", "is_staff": True}}}
    solved = {"previous": "OPEN", "current": "SOLVED"}
    for kind, change in (("comment_added", answer), ("status_changed", solved)):
        said = {**event(kind, change), "id": f"{kind}-1", "time": at()}
        assert intake.zendesk(orjson.dumps(said)).json() == {"accepted": 1}
    for kind in ("acknowledged", "resolved"):
        call = called(kind)
        call["event"] |= {"id": f"01BBYA40PSZUUC-{kind}", "occurred_at": at()}
        assert intake.pagerduty(orjson.dumps(call)).json() == {"accepted": 1}


def at() -> str:
    return format_instant(now())


def told(oncall: Counterpart, action: str) -> Counter[str]:
    """Dedup key -> how often."""
    return Counter(sent.json["dedup_key"] for sent in oncall.requests if sent.json["event_action"] == action)


def over(workspace: Workspace, subject: str) -> bool:
    """Whether the first message of the escalation says so."""
    first: dict[str, Any] = next((one for one in workspace.messages.values() if subject in str(one)), {})
    return "Over" in str(first)
