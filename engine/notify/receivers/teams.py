"""Microsoft Teams, by the webhook of a workflow: an Adaptive Card in a channel or chat."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from pydantic import Field, SecretStr

from engine.notify.alert import CRITICAL, NOTE, RESOLVED, Alert, Memory, Notification
from engine.notify.outgoing import Answer, Pace, must_be_taken, post
from engine.notify.receivers.config import HttpConfig
from engine.notify.receivers.progress import Progress
from engine.notify.wording import Wording

LARGEST_MESSAGE = 20_000
"""Bytes. Teams says about 28 KB, what it makes of a message included; from 21 KB on some were refused."""
_PACE = Pace(0.3)
"""Teams throttles what posts more than four times a second."""
_COLOURS = {CRITICAL: "Attention", NOTE: "Accent"}
_MARKDOWN = re.compile(r"[\\*_\[\]]|^[+-](?=\s)", re.MULTILINE)
"""All of it that Teams knows: emphasis, links, lists. A phone shows the backslash before anything else."""
_RELAYED = re.compile(rb"HTTP error (\d{3})")


class TeamsConfig(HttpConfig):
    """type: teams."""

    url: SecretStr = Field(description="of a workflow's trigger `When a Teams webhook request is received`")
    url_file: str | None = None


class Teams:
    """Each notification is a card, or more where they are too long for one. Nothing is changed afterwards: a
    workflow answers before it posts, and names no message. So a card may be missing though it was taken."""

    at_once = 1

    def __init__(self, name: str, config: TeamsConfig) -> None:
        self.name = name
        self._config = config
        self.wording = config.words(name)

    async def send(self, notification: Notification, memory: Memory) -> None:
        progress = await Progress.of(notification, memory)
        left = progress.left
        wording = await self.wording.prepare(left)
        for alerts, message in messages(left, wording):
            async with progress.telling(alerts):
                await self._post(message)
        progress.end()

    async def _post(self, message: bytes) -> None:
        url = self._config.url.get_secret_value()
        await _PACE.turn(url)
        answer = await post(url, message, {"content-type": "application/json"}, self._config.reach)
        must_be_taken(answer, self.name)
        _must_be_relayed(answer, self.name)


def _must_be_relayed(answer: Answer, who: str) -> None:
    """The older connectors answer 200 and tell in the text which error Teams gave them."""
    if found := _RELAYED.search(answer.body):
        must_be_taken(Answer(int(found[1]), b"", answer.headers), f"Teams, through {who},")


def messages(alerts: Sequence[Alert], wording: Wording) -> Iterator[tuple[list[Alert], bytes]]:
    """The alerts in their order, in as few messages as fit."""
    told: list[Alert] = []
    body: list[dict[str, Any]] = []
    links: list[tuple[str, str]] = []
    for alert in alerts:
        part, its = _part(alert, wording), list(wording.of(alert).links)
        if told and len(_message([*body, *part], links + its)) > LARGEST_MESSAGE:
            yield told, _message(body, links)
            told, body, links = [], [], []
        told, body, links = [*told, alert], [*body, *part], links + its
    if told:
        yield told, _message(body, links)


def _message(body: list[dict[str, Any]], links: list[tuple[str, str]]) -> bytes:
    """The schema is that of "Post a card" in learn.microsoft.com/connectors/teams; version 1.4 is what Teams
    shows everywhere. At most six actions are shown."""
    actions = [{"type": "Action.OpenUrl", "title": name, "url": url} for name, url in links[:6]]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    if actions:
        card["actions"] = actions
    kind = "application/vnd.microsoft.card.adaptive"
    attachment = {"contentType": kind, "contentUrl": None, "content": card}
    return orjson.dumps({"type": "message", "attachments": [attachment]})


def _part(alert: Alert, wording: Wording) -> list[dict[str, Any]]:
    words = wording.of(alert)
    colour = "Good" if alert.state == RESOLVED else _COLOURS.get(alert.level, "Warning")
    facts = [{"title": name, "value": escaped(value)} for name, value in words.fields]
    return [
        {"type": "TextBlock", "text": escaped(words.title), "weight": "Bolder", "size": "Medium",
         "color": colour, "wrap": True, "separator": True},
        {"type": "TextBlock", "text": escaped(words.text), "wrap": True},
        {"type": "FactSet", "facts": facts},
    ]  # fmt: skip


def escaped(text: str) -> str:
    """Without what a card takes for Markdown: a ticket's title makes no links."""
    return _MARKDOWN.sub(r"\\\g<0>", text)
