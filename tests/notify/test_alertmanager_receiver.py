"""The Alertmanager receiver against a real Alertmanager, and against replicas that fail."""

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from alertmanager import running_alertmanager
from engine.cli.inputs import now
from engine.core.instants import SECOND, Instant, Span, parse_instant
from engine.core.outcomes import Outcome
from engine.demo.broker import free_port
from engine.metrics.notify import NotifyMetrics
from engine.notify.alert import Alert, Memory, Receiver, Refused, TryAgain
from engine.notify.receivers import BadReceiver, receiver_of
from engine.notify.receivers.alertmanager import Alertmanager, AlertmanagerConfig
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.notify.sending import Sender
from notify.alerting import Remembered, alert, notification, outcome, resolved
from notify.counterpart import CUT, SLOW, Counterpart, Says, Sent, running

pytestmark = pytest.mark.slow

SILENT = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real one, that notifies nobody."""
    folder = tmp_path_factory.mktemp("alertmanager")
    with running_alertmanager(folder, SILENT) as url:
        yield url


def standing(url: str, subject: str) -> list[dict[str, Any]]:
    """The active alerts of an escalation there."""
    query = f"filter=subject%3D%22{subject}%22"
    with urllib.request.urlopen(f"{url}/api/v2/alerts?{query}", timeout=5) as answer:  # noqa: S310  # ours
        found: list[dict[str, Any]] = json.load(answer)
    return found


def receiver(*urls: str, **more: object) -> Receiver:
    config = {
        "type": "alertmanager",
        "urls": list(urls),
        "allow_http": True,
        "allow_private": True,
        "timeout": 1,
    }
    return receiver_of("am", config | more)


async def send(to: Receiver, *alerts: Alert, memory: Memory | None = None) -> None:
    await to.send(notification(*alerts), memory or Remembered())


async def test_what_fires_is_there_and_what_is_resolved_is_gone(alertmanager: str) -> None:
    there, memory = receiver(alertmanager, links={"Ticket": "https://desk.example/{subject}"}), Remembered()
    await send(there, alert(subject="desk-1"), memory=memory)
    (found,) = standing(alertmanager, "desk-1")
    labels = found["labels"]
    assert (labels["alertname"], labels["severity"], labels["sla_severity"]) == ("VigilSLA", "critical", "P1")
    assert found["annotations"]["summary"].startswith("P1 breached: Resolution, desk-1")
    assert found["generatorURL"] == "https://desk.example/desk-1"
    await send(there, resolved(subject="desk-1"), memory=memory)
    assert not standing(alertmanager, "desk-1")


async def test_said_again_it_is_the_same_alert_and_does_not_end_by_itself_for_a_day(
    alertmanager: str,
) -> None:
    there, memory = receiver(alertmanager), Remembered()
    for _ in range(3):
        await send(there, alert(subject="desk-2"), memory=memory)
    (found,) = standing(alertmanager, "desk-2")
    ends = datetime.fromisoformat(found["endsAt"]).timestamp() - time.time()
    assert 86_300 < ends <= 86_400, "Alertmanager's own five minutes would end it at our first long restart"


async def test_what_is_not_said_again_ends_when_it_is_no_longer_held(alertmanager: str) -> None:
    base = {"urls": [alertmanager], "allow_http": True, "allow_private": True}
    config = AlertmanagerConfig.model_validate(base).model_copy(update={"hold": 1.0})
    await send(Alertmanager("am", config), alert(subject="desk-3"))
    assert standing(alertmanager, "desk-3")
    await asyncio.sleep(1.5)
    assert not standing(alertmanager, "desk-3")


async def test_when_its_level_or_team_changes_the_old_one_ends_as_the_new_begins(alertmanager: str) -> None:
    there, memory = receiver(alertmanager), Remembered()
    await send(there, alert("breach_risk", subject="desk-4"), memory=memory)
    await send(there, alert("breached", subject="desk-4", team="payments"), memory=memory)
    (found,) = standing(alertmanager, "desk-4")
    assert (found["labels"]["severity"], found["labels"]["team"]) == ("critical", "payments")
    await send(there, resolved(subject="desk-4", team="elsewhere"), memory=memory)
    assert not standing(alertmanager, "desk-4")
    await send(there, resolved(subject="desk-4", team="elsewhere"), memory=memory)
    assert not standing(alertmanager, "desk-4")


async def test_a_resolution_that_is_told_late_ends_it_too(alertmanager: str) -> None:
    there, memory, early = receiver(alertmanager), Remembered(), parse_instant("2026-01-01T00:00:00Z")
    await send(there, alert(subject="desk-5"), memory=memory)
    over = resolved(subject="desk-5")
    await send(there, replace(over, outcome=replace(over.outcome, effective_at=early)), memory=memory)
    assert not standing(alertmanager, "desk-5")


async def test_a_clock_that_runs_ahead_fires_now(alertmanager: str) -> None:
    ahead = parse_instant("2090-01-01T00:00:00Z")
    await send(receiver(alertmanager), alert(subject="desk-6", effective_at=ahead))
    assert standing(alertmanager, "desk-6")
    await send(receiver(alertmanager), resolved(subject="desk-6", effective_at=ahead))
    assert not standing(alertmanager, "desk-6")


async def test_the_longest_and_oddest_alert_is_taken(alertmanager: str) -> None:
    long = dict.fromkeys(("owner", "team", "service", "customer_id"), '"😀\\' * 170)
    links = {"1 Ödd näme": "https://desk.example/{subject}"}
    await send(receiver(alertmanager, links=links), alert(subject="desk-7", title="😀" * 10_000, **long))
    assert standing(alertmanager, "desk-7")


class Sending:
    """What `vigil notify run` does about one receiver, on a record of its own."""

    def __init__(self, folder: Path, to: Receiver) -> None:
        self._url, self._to = f"sqlite:///{folder}/record.db", to
        every, long = (Span(int(vars(to)[name] * SECOND)) for name in ("resend_every", "resolved_for"))
        self._root = Route("am", repeat_interval=every, resolved_for=long)
        self.begin_anew()

    def begin_anew(self) -> None:
        """As after a restart: nothing is known but what the record has."""
        self.record = Record.open(self._url, now())
        metrics, dice = NotifyMetrics(["am"]), Random(1)  # noqa: S311
        self._sender = Sender(self._to, self.record, self._root, metrics, now, dice)

    async def take(self, *said: Outcome) -> None:
        self.record.take(said, (), self._root, now(), Instant(0))
        await self._sender.round(asyncio.Event())

    async def until(self, true: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not true():
            assert time.monotonic() < end
            await self._sender.round(asyncio.Event())
            await asyncio.sleep(0.1)


async def test_a_replica_that_missed_the_resolution_has_it_a_little_later_though_we_restarted(
    alertmanager: str, other: Counterpart, tmp_path: Path
) -> None:
    def forward(sent: Sent) -> Says:
        request = urllib.request.Request(f"{second}{sent.path}", sent.body, dict(sent.headers))  # noqa: S310
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return Says(answer.status)

    other.judge = forward
    with running_alertmanager(tmp_path, SILENT) as second:
        sending = Sending(tmp_path, receiver(alertmanager, other.url, resend_every=1))
        await sending.take(outcome("breached", subject="desk-8"))
        assert standing(alertmanager, "desk-8")
        assert standing(second, "desk-8")
        other.answers = [Says(503)]  # the way to the second is cut
        await sending.take(outcome("stopped_late", subject="desk-8"))
        assert not standing(alertmanager, "desk-8")
        assert standing(second, "desk-8")
        other.answers = [Says()]
        sending.begin_anew()
        await sending.until(lambda: not standing(second, "desk-8"))
        await sending.take(outcome("breached", subject="desk-8", cycle=2, id="b2"))
        assert len(standing(second, "desk-8")) == 1


async def test_one_that_restarts_before_it_has_told_of_the_resolution_tells_of_it(
    other: Counterpart, tmp_path: Path
) -> None:
    def told() -> list[str]:
        return [one["status"] for sent in other.requests for one in sent.json["alerts"]]

    route = {"receiver": "all", "group_wait": "0s", "group_interval": "4s"}
    hook = {"name": "all", "webhook_configs": [{"url": other.url}]}
    config, port = json.dumps({"route": route, "receivers": [hook]}), free_port()  # JSON is YAML
    with running_alertmanager(tmp_path, config, port) as url:
        sending = Sending(tmp_path, receiver(url, resend_every=1))
        await sending.take(outcome("breached", subject="desk-9"))
        await sending.until(lambda: told() == ["firing"])
        await sending.take(outcome("stopped_late", subject="desk-9"))
    assert told() == ["firing"], "it tells of the resolution four seconds later"
    with running_alertmanager(tmp_path, config, port):
        await sending.until(lambda: "resolved" in told())


async def test_all_replicas_are_told_and_one_that_takes_it_is_enough(other: Counterpart) -> None:
    async with running() as second:
        other.answers = [Says(503)]
        await send(receiver(other.url, second.url), alert())
        assert len(other.requests) == len(second.requests) == 1
        assert other.requests[0].body == second.requests[0].body


async def test_a_replica_that_hangs_delays_no_other_and_is_left_alone_for_a_while(
    other: Counterpart,
) -> None:
    async with running() as second:
        other.answers = [SLOW]
        told = asyncio.Event()
        second.judge = lambda _: told.set()
        to, memory = receiver(other.url, second.url, timeout=30), Remembered()
        first = asyncio.create_task(send(to, alert(), memory=memory))
        await told.wait()
        assert not first.done(), "it is told while the other hangs"
        await first
        await send(to, alert(), memory=memory)
        assert (len(other.requests), len(second.requests)) == (1, 2)
        second.answers, other.answers = [Says(503)], [Says()]
        await send(to, alert(), memory=memory)
        assert (len(other.requests), len(second.requests)) == (2, 3), "where no other takes it, it is asked"


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (Says(400, "bad"), Says(400, "bad"), Refused),
        (Says(503), Says(400, "bad"), TryAgain),
        (Says(400, "bad"), CUT, TryAgain),
    ],
)
async def test_when_none_takes_it_it_is_tried_again_unless_all_refuse(
    other: Counterpart, first: Says, second: Says | str, error: type[Exception]
) -> None:
    async with running() as replica:
        other.answers, replica.answers = [first], [second]
        memory = Remembered()
        with pytest.raises(error):
            await send(receiver(other.url, replica.url), alert(), memory=memory)
        assert not memory.kept, "remembered though nobody has it"


async def test_the_token_is_sent_and_not_shown(other: Counterpart) -> None:
    there = receiver(other.url, token="topsecret")
    await send(there, alert())
    assert other.requests[0].headers["Authorization"] == "Bearer topsecret"
    assert "topsecret" not in repr(vars(there))


def test_it_says_how_often_it_wants_to_be_told() -> None:
    there = receiver("https://am.example", resend_every=30)
    assert vars(there)["resend_every"] == 30


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"urls": []}, "urls: expected at least 1 item"),
        ({"urls": ["http://am.example"]}, "urls: expected a URL that begins with https"),
        ({"resend_every": 1800, "hold": 3600}, "hold: expected at least 3 times resend_every"),
        ({"hold": 1e12}, "hold: expected less than or equal to 31536000"),
    ],
)
def test_a_wrong_configuration_names_the_field(config: dict[str, object], says: str) -> None:
    with pytest.raises(BadReceiver) as caught:
        receiver_of("am", {"type": "alertmanager", "urls": ["https://am.example"]} | config)
    assert says in str(caught.value)
