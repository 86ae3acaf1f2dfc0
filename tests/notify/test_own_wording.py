"""Alerts in words of one's own: what they may say, what is refused at start, and ours where they fail."""

import asyncio
import time
from pathlib import Path
from random import Random

import pytest

from engine.metrics.notify import NotifyMetrics
from engine.notify.alert import Alert
from engine.notify.configuration import NotifyErrors, configuration
from engine.notify.receivers import receiver_of
from engine.notify.receivers.config import Config, WordingConfig
from engine.notify.record import Record
from engine.notify.sending import Sender
from engine.notify.wording import LONGEST_TEXT, LONGEST_TITLE, Wording, Words
from notify.alerting import Remembered, alert, notification, outcome, resolved
from notify.counterpart import Counterpart
from notify.keeping import NOW, ROOT, take
from notify.notifying import SECRET, webhook

pytestmark = pytest.mark.slow

SLOW = "{% for each in range(9999) %}" * 3 + "{% endfor %}" * 3


def own(**wording: object) -> Wording:
    return Config(wording=WordingConfig.model_validate(wording)).words("desk")


async def told(wording: Wording, one: Alert) -> Words:
    return (await wording.prepare([one])).of(one)


async def test_title_text_and_fields_are_in_words_of_ones_own_and_what_is_not_given_in_ours() -> None:
    title = "{{ outcome.severity }} {{ 'over' if state == 'resolved' else 'NOW' }}: {{ labels.subject }}"
    words, ours = await told(own(title=title), alert(subject="desk:1")), Wording("UTC", {})
    assert (words.title, words.text) == ("P1 NOW: desk:1", ours.of(alert(subject="desk:1")).text)
    assert (await told(own(title=title), resolved(subject="desk:1"))).title == "P1 over: desk:1"
    said = {"When": "{{ fields.Due }}", "Gone": "{{ outcome.nothing.at.all }}"}
    words = await told(own(text="{{ text|upper }}\nCall us.", fields=said), alert())
    assert words.text == f"{ours.of(alert()).text.upper()}\nCall us."
    assert [name for name, _ in words.fields] == ["When"], "what comes to nothing is left out"
    assert (await told(own(fields={}), alert())).fields == ()


async def test_what_a_customer_wrote_is_text_and_never_run() -> None:
    words = await told(own(title="{{ labels.owner }}"), alert(owner="{{ 7*7 }} <!channel> \x1b[31m"))
    assert words.title == "{{ 7*7 }} <!channel> [31m"


async def test_what_is_too_long_is_cut_and_a_title_is_one_line() -> None:
    words = await told(own(title="{{ 'x\n' * 900 }}", text="{{ 'y' * 9000 }}"), alert())
    assert (len(words.title), len(words.text)) == (LONGEST_TITLE, LONGEST_TEXT)
    assert "\n" not in words.title


async def test_each_receiver_sends_its_own(other: Counterpart) -> None:
    for name in ("first", "second"):
        there = receiver_of(name, webhook(other.url) | {"wording": {"title": f"{name}: {{{{ level }}}}"}})
        await there.send(notification(alert()), Remembered())
    titles = [sent.json["data"]["alerts"][0]["title"] for sent in other.requests]
    assert titles == ["first: critical", "second: critical"]


class Slow(Remembered):
    """A memory that answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = asyncio.Semaphore(0), asyncio.Event()

    async def get(self, key: str) -> str | None:
        self.asked.release()
        await self.may_answer.wait()
        return await super().get(key)


async def test_groups_that_are_told_at_once_are_each_told_in_words_of_ones_own(other: Counterpart) -> None:
    config = {"type": "alertmanager", "urls": [other.url], "allow_http": True, "allow_private": True}
    there = receiver_of("desk", config | {"wording": {"title": "own: {{ labels.subject }}"}})
    memory = Slow()
    async with asyncio.timeout(60), asyncio.TaskGroup() as sendings:
        for n in range(3):
            sendings.create_task(there.send(notification(alert(subject=f"desk:{n}")), memory))
            await memory.asked.acquire()  # its words are made, and it is not sent yet
        memory.may_answer.set()
    titles = sorted(one["annotations"]["summary"] for sent in other.requests for one in sent.json)
    assert titles == ["own: desk:0", "own: desk:1", "own: desk:2"]


def refused(tmp_path: Path, wording: str) -> str:
    file = tmp_path / "notify.yaml"
    receiver = f'    type: webhook\n    url: "https://desk.example/in"\n    secret: {SECRET}\n'
    file.write_text(f"receivers:\n  desk:\n{receiver}    wording:\n{wording}\nroute: {{receiver: desk}}\n")
    with pytest.raises(NotifyErrors) as caught:
        configuration(file, dict)
    return str(caught.value)


@pytest.mark.parametrize(
    ("wording", "says"),
    [
        ("      title: '{{ subject'", "notify.yaml:7: receivers.desk.wording.title: expected a template"),
        ("      title: '{{ subject'", "line 1: unexpected end of template"),
        ("      text: |\n        a\n        {{ labls.owner }}", "line 2: 'labls' is none of title, text"),
        ("      text: '{{ text|shout }}'", "line 1: No filter named 'shout'"),
        ("      fields: {Due: '{% include \"/etc/passwd\" %}'}", "wording.fields.Due: expected a template"),
        ("      title: '{{ title.__class__ }}'", "reaches for str.__class__"),
        (f"      text: '{SLOW}'", "not done within 5 s"),
        ("      text: \"{{ 'x' * 10**10 }}\"", "stopped"),
        ("      titel: x", "wording.titel: expected one of fields, text, text_file, title, title_file"),
        ("      text: x\n      text_file: y", "text: expected text or text_file, not both"),
    ],
)
def test_a_template_that_cannot_be_is_refused_by_line(tmp_path: Path, wording: str, says: str) -> None:
    said = refused(tmp_path, wording)
    assert says in said
    assert "File " not in said, "the line is told once, and in one line"


def test_all_templates_that_are_wrong_are_named_at_once_and_those_of_files_by_their_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "text.j2").write_text("fine\n{% if %}\n")
    said = refused(tmp_path, f"      title: '{{{{ x }}}}'\n      text_file: {tmp_path}/text.j2")
    assert "notify.yaml:7: receivers.desk.wording.title" in said
    assert "notify.yaml:8: receivers.desk.wording.text_file: expected a template" in said
    assert "line 2: " in said
    assert "text_file: expected" in refused(tmp_path, "      text_file: /none")


DIVIDES = "{{ 1 / (0 if labels.owner == 'lee' else 1) }}"
IS_SLOW = "{% if labels.owner == 'lee' %}" + SLOW + "{% endif %}fine"


@pytest.mark.parametrize("text", [DIVIDES, IS_SLOW])
async def test_what_fails_when_it_is_filled_in_holds_up_no_alert_and_is_told_in_ours(
    other: Counterpart, tmp_path: Path, text: str
) -> None:
    there = receiver_of("desk", webhook(other.url) | {"wording": {"title": "own", "text": text}})
    metrics = NotifyMetrics(["desk"])
    with Record.open(f"sqlite:///{tmp_path}/record.db", NOW) as record:
        take(
            record,
            outcome("breached", owner="lee"),
            outcome("breached", subject="desk:2", owner="kim", id="2"),
        )
        sender = Sender(there, record, ROOT, metrics, lambda: NOW, Random(1))  # noqa: S311
        began = time.monotonic()
        await sender.round(asyncio.Event())
        assert time.monotonic() - began < 10
    sent = [one.json["data"]["alerts"][0] for one in other.requests]
    titles = {one["labels"]["owner"]: one["title"] for one in sent}
    assert titles["kim"] == "own"
    assert titles["lee"].startswith("P1 breached: Resolution")
    counted = metrics.registry.get_sample_value("vigil_notify_wording_failures_total", {"receiver": "desk"})
    assert counted == 1
    assert there.wording.why


async def test_a_large_notification_is_not_held_up_by_templates_that_are_slow_one_by_one() -> None:
    wording = own(text=IS_SLOW)
    alerts = [alert(subject=f"desk:{n}", owner="lee") for n in range(30)]
    began = time.monotonic()
    words = await wording.prepare(alerts)
    assert time.monotonic() - began < 15
    assert wording.failures == 30
    assert words.of(alerts[-1]).title.startswith("P1 breached")


async def test_words_that_come_to_nothing_are_told_in_ours() -> None:
    wording = own(title="{{ '' if labels.owner == 'lee' else 'a' }}")
    words = await told(wording, alert(owner="lee"))
    assert words.title.startswith("P1 breached")
    assert "says nothing" in wording.why
