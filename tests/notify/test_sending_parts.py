"""Notifications of many parts, of which some fail or are refused: what is sent again, reminded and ended."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.core.instants import SECOND, Instant
from engine.metrics.notify import NotifyMetrics
from engine.notify import sending
from engine.notify.outgoing import Pace
from engine.notify.receivers import pagerduty, receiver_of, slack, teams
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.notify.sending import Sender
from notify.alerting import outcome
from notify.counterpart import Counterpart, Says, Sent
from notify.keeping import NOW, after, take
from notify.mailbox import SILENT, Mailbox, mailbox
from notify.notifying import SECRET

pytestmark = pytest.mark.slow

TOGETHER = Route("desk", group_by=("customer",))
KINDS: dict[str, dict[str, object]] = {
    "pagerduty": {"type": "pagerduty", "routing_key": "a" * 32},
    "slack": {"type": "slack", "token": "xoxb-1234", "channel": "C1"},
    "slack by url": {"type": "slack"},
    "teams": {"type": "teams"},
    "webhook": {"type": "webhook", "secret": SECRET},
}


@pytest.fixture(autouse=True)
def _at_any_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in (pagerduty, slack, teams):
        monkeypatch.setattr(one, "_PACE", Pace(0.0))


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    with Record.open(f"sqlite:///{tmp_path}/r.db", NOW) as made:
        yield made


class Desk:
    """A sender, and when it is."""

    def __init__(self, record: Record, to: Any, root: Route = TOGETHER) -> None:
        self.record, self.root, self.now = record, root, NOW
        self.sender = Sender(to, record, root, NotifyMetrics(["desk"]), lambda: self.now, Random(1))  # noqa: S311

    def hears(self, name: str, *subjects: int) -> None:
        said = (
            outcome(name, subject=f"desk:{n}", id=f"{name}{n}", seq=len(name), detected_at=self.now)
            for n in subjects
        )
        take(self.record, *said, root=self.root, at=self.now)

    async def at(self, minutes: float) -> None:
        self.now = Instant(NOW + int(minutes * 60 * SECOND))
        await self.sender.round(asyncio.Event())

    async def until_told(self) -> None:
        for _ in range(200):
            await self.sender.round(asyncio.Event())
            if not self.record.state().failing:
                return
            self.now = Instant(self.now + 10 * 60 * SECOND)
        raise AssertionError("never told")

    @property
    def dead(self) -> list[list[str]]:
        return [[alert.key for alert in letter.alerts] for letter in self.record.letters()]


def http(kind: str, there: Counterpart) -> Any:
    url = "api_url" if kind == "slack" else "url"
    return receiver_of("desk", {**KINDS[kind], url: there.url, "allow_http": True, "allow_private": True})


def mail(box: Mailbox) -> Any:
    config = {"type": "email", "host": "localhost", "port": box.port, "security": "none", "timeout": 5}
    people = {"sender": "vigil@example.com", "to": ["kim@example.com", "lee@example.com"]}
    return receiver_of("desk", {**config, **people, "allow_private": True})


def taken(sent: Sent) -> Says:
    return Says(200, json.dumps({"ok": True, "channel": "C1", "ts": "1700000000.000100"}))


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("pagerduty", Says(400, "invalid event")),
        ("slack", Says(200, json.dumps({"ok": False, "error": "invalid_blocks"}))),
    ],
)
@pytest.mark.parametrize("refused", [1, 2])
async def test_what_was_shown_is_reminded_of_and_ended_though_another_was_refused(
    record: Record, other: Counterpart, kind: str, refusal: Says, refused: int
) -> None:
    bad, good = f"desk:{refused}", f"desk:{3 - refused}"
    other.judge = lambda sent: refusal if bad in sent.body.decode() else taken(sent)
    desk = Desk(record, http(kind, other))
    desk.hears("breached", 1, 2)
    await desk.at(0)
    assert len(other.requests) == 2
    assert desk.dead == [[f"{bad}/resolve/1"]]
    await desk.at(241)
    assert good in other.requests[2].body.decode(), "the reminder"
    desk.hears("stopped_late", 1, 2)
    await desk.at(242)
    told = [sent.body.decode() for sent in other.requests[3:]]
    assert ("resolve" if kind == "pagerduty" else "✅") in told[0]
    assert all(good in one for one in told), "of what is not shown no end is told"


@pytest.mark.parametrize("kind", list(KINDS))
async def test_what_the_other_side_breaks_at_keeps_nothing_else_from_being_told(
    record: Record, other: Counterpart, kind: str
) -> None:
    got: list[bytes] = []

    def judge(sent: Sent) -> Says:
        if b"desk:1002" in sent.body:
            return Says(500)
        got.append(sent.body)
        return taken(sent)

    other.judge = judge
    desk = Desk(record, http(kind, other))
    desk.hears("breached", *range(1000, 1120))
    await desk.at(0)
    told = b"".join(got)
    assert b"desk:1119" in told
    assert desk.dead == []
    await desk.at(20)
    assert b"".join(got) == told, "nothing is told twice"
    other.judge = taken
    await desk.until_told()
    assert b"desk:1002" in b"".join(sent.body for sent in other.requests[-2:]), "of Slack the mark is last"


async def test_one_that_breaks_at_everything_is_not_sent_everything(
    record: Record, other: Counterpart
) -> None:
    other.judge = lambda sent: Says(500)
    desk = Desk(record, http("pagerduty", other))
    desk.hears("breached", *range(9))
    await desk.at(0)
    assert len(other.requests) == 3


async def test_a_letter_of_what_was_refused_is_told_again_alone(record: Record, other: Counterpart) -> None:
    other.judge = lambda sent: Says(400) if b"desk:1" in sent.body else Says(202)
    desk = Desk(record, http("pagerduty", other))
    desk.hears("breached", 1, 2)
    await desk.at(0)
    other.judge = taken
    (letter,) = record.letters()
    record.resend(letter.id, after(1))
    await desk.at(1)
    assert [sent.json["payload"]["source"] for sent in other.requests] == ["desk:1", "desk:2", "desk:1"]


async def test_an_address_that_is_gone_keeps_nobody_from_hearing_of_the_end(record: Record) -> None:
    async with mailbox() as box:
        box.says["RCPT TO:<lee@example.com>"] = "550 no such user"
        desk = Desk(record, mail(box))
        desk.hears("breached", 1)
        await desk.at(0)
        await desk.at(241)
        desk.hears("stopped_late", 1)
        await desk.at(242)
        assert (len(box.taken), desk.dead) == (3, [])
        assert "resolved" in box.messages[-1].as_string()


async def test_a_mailbox_that_is_full_means_no_second_copy_and_no_other_mail_that_waits(
    record: Record,
) -> None:
    alone = Route("desk")
    async with mailbox() as box:
        box.says["RCPT TO:<lee@example.com>"] = "452 mailbox full"
        desk = Desk(record, mail(box), alone)
        desk.hears("breached", 1)
        for minute in range(0, 120, 6):
            await desk.at(minute)
        tries = box.commands.count("RCPT TO:<lee@example.com>")
        assert (len(box.taken), tries) == (1, 11), "for an hour"
        desk.hears("breached", 2)
        await desk.at(120)
        assert len(box.taken) == 2, "the circuit is closed"
        del box.says["RCPT TO:<lee@example.com>"]
        await desk.until_told()
        assert len(box.taken) == 3, "lee's of the second"


async def test_a_mailbox_that_stays_full_holds_back_no_reminder_of_others_and_is_tried_again_with_it(
    record: Record,
) -> None:
    async with mailbox() as box:
        box.says["RCPT TO:<lee@example.com>"] = "452 mailbox full"
        desk = Desk(record, mail(box), Route("desk"))
        desk.hears("breached", 1)
        for minute in range(305):
            await desk.at(minute)
        assert len(box.taken) == 2, "kim's, and the reminder four hours after it was given up"
        del box.says["RCPT TO:<lee@example.com>"]
        await desk.at(305)
        assert len(box.taken) == 3, "lee's"


async def test_a_reminder_by_mail_is_no_second_copy_and_its_second_try_is(record: Record) -> None:
    async with mailbox() as box:
        desk = Desk(record, mail(box), Route("desk"))
        desk.hears("breached", 1)
        await desk.at(0)
        box.says["RCPT TO:<lee@example.com>"] = "452 mailbox full"
        await desk.at(241)
        del box.says["RCPT TO:<lee@example.com>"]
        await desk.until_told()
    first, reminder, again = (message["Message-ID"] for message in box.messages)
    assert first != reminder == again


async def test_a_mailbox_that_is_full_delays_what_is_new_for_others_by_half_a_minute(record: Record) -> None:
    async with mailbox() as box:
        box.says["RCPT TO:<lee@example.com>"] = "452 mailbox full"
        desk = Desk(record, mail(box), TOGETHER)
        desk.hears("breached", 1)
        for minute in range(50):
            await desk.at(minute)
        desk.hears("breached", 2)
        await desk.at(49.5)
        assert len(box.taken) == 2


@pytest.mark.parametrize(("kind", "number"), [("pagerduty", 2), ("slack", 2), ("webhook", 60)])
async def test_a_reminder_whose_first_try_failed_is_sent_by_the_next(
    record: Record, other: Counterpart, kind: str, number: int
) -> None:
    other.judge = taken
    desk = Desk(record, http(kind, other))
    desk.hears("breached", *range(number))
    await desk.at(0)
    first = len(other.requests)
    other.answers = [Says(503), Says()]
    await desk.at(241)
    assert len(other.requests) == first + 1
    await desk.at(242)
    assert len(other.requests) == 2 * first + 1


@pytest.mark.parametrize("kind", list(KINDS))
async def test_of_a_large_group_a_retry_sends_only_what_was_not_taken(
    record: Record, other: Counterpart, kind: str
) -> None:
    got: list[bytes] = []

    def judge(sent: Sent) -> Says:
        if len(other.requests) % 3 == 0:
            return Says(503)
        got.append(sent.body)
        return taken(sent)

    other.judge = judge
    desk = Desk(record, http(kind, other))
    desk.hears("breached", *range(100, 160))
    await desk.until_told()
    assert all(sum(b"desk:%d" % n in body for body in got) == 1 for n in range(100, 160))
    assert len(got) > 2
    assert record.remembered("desk", "/{customer=acme}") is None, "it has ended"


async def test_a_mail_server_that_takes_too_long_is_hung_up_on_and_a_retry_goes_on(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_LONGEST_SEND", 1.0)
    async with mailbox() as box:
        box.contents = ["250 taken", SILENT]
        desk = Desk(record, mail(box))
        desk.hears("breached", 1, 2, 3)
        await desk.at(0)
        await asyncio.sleep(0.2)
        assert (len(box.taken), box.sessions) == (1, 0)
        await desk.until_told()
        assert [message["Subject"].split()[1] for message in box.messages] == ["desk:1", "desk:2", "desk:3"]
