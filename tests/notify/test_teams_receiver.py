"""The Teams receiver against a look-alike of a workflow's webhook.

The body is the one that learn.microsoft.com/connectors/teams gives for `When a Teams webhook request is
received`, the elements are those of adaptivecards.io/explorer; the limit of 28 KB is of the same page.
"""

from typing import Any

import jsonschema
import pytest

from engine.notify.alert import Alert, Receiver, Refused, TryAgain
from engine.notify.receivers import receiver_of
from engine.notify.receivers.teams import escaped
from notify.alerting import Remembered, alert, notification, resolved
from notify.counterpart import CUT, SLOW, Counterpart, Says, Sent

TEXT_BLOCK = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {
        "type": {"const": "TextBlock"},
        "text": {"type": "string", "minLength": 1},
        "weight": {"enum": ["Default", "Lighter", "Bolder"]},
        "size": {"enum": ["Default", "Small", "Medium", "Large", "ExtraLarge"]},
        "color": {"enum": ["Default", "Dark", "Light", "Accent", "Good", "Warning", "Attention"]},
        "wrap": {"type": "boolean"},
        "separator": {"type": "boolean"},
    },
    "additionalProperties": False,
}
FACT = {"type": "object", "required": ["title", "value"], "additionalProperties": {"type": "string"}}
CARD: dict[str, Any] = {
    "type": "object",
    "required": ["type", "version", "body"],
    "properties": {
        "type": {"const": "AdaptiveCard"},
        "version": {"enum": ["1.2", "1.3", "1.4"]},
        "body": {
            "type": "array",
            "minItems": 1,
            "items": {
                "oneOf": [
                    TEXT_BLOCK,
                    {"required": ["facts"], "properties": {"facts": {"type": "array", "items": FACT}}},
                ]
            },
        },
        "actions": {
            "type": "array",
            "maxItems": 6,
            "items": {"type": "object", "required": ["type", "title", "url"]},
        },
    },
}
MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["type", "attachments"],
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "required": ["contentType", "content"],
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "content": CARD,
                },
            },
        },
    },
}


def judge(sent: Sent) -> Says:
    """As a workflow answers: accepted, before anything is posted."""
    if len(sent.body) > 28_000:
        return Says(413)
    jsonschema.validate(sent.json, MESSAGE)
    return Says(202)


def receiver(other: Counterpart, **more: object) -> Receiver:
    other.judge = judge
    config = {"type": "teams", "url": f"{other.url}/workflows/secret", "timeout": 1}
    return receiver_of("teams", config | {"allow_http": True, "allow_private": True} | more)


async def send(to: Receiver, *alerts: Alert) -> None:
    await to.send(notification(*alerts), Remembered())


async def test_an_alert_is_a_card_with_its_colour(other: Counterpart) -> None:
    teams = receiver(other, links={"Ticket": "https://desk.example/{subject}"})
    for one in (alert(), alert("breach_risk"), resolved(), alert("source_behind")):
        await send(teams, one)
    cards = [sent.json["attachments"][0]["content"] for sent in other.requests]
    assert [card["body"][0]["color"] for card in cards] == ["Attention", "Warning", "Good", "Accent"]
    assert cards[0]["actions"][0]["url"] == "https://desk.example/zendesk%3Aacme%3A4711"


async def test_many_and_long_alerts_stay_below_the_limit_and_none_is_lost(other: Counterpart) -> None:
    long = {"owner": "😀" * 512, "team": "[*]" * 170, "service": "😀" * 512}
    many = [alert(subject=f"desk:{n}", title="😀" * 10_000, **long) for n in range(8)]
    await send(receiver(other), *many)
    told = b"".join(sent.body for sent in other.requests)
    assert all(f"desk:{n}".encode() in told for n in range(8))


async def test_a_title_makes_no_links(other: Counterpart) -> None:
    await send(receiver(other), alert(title="[click](https://evil.example)"))
    assert b"[click](https" not in other.requests[0].body


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("[click](https://evil.example)", r"\[click\](https://evil.example)"),
        (r"[a\](https://evil.example)", r"\[a\\\](https://evil.example)"),
        ("first_response *now*", r"first\_response \*now\*"),
        ("- one\n+ two", "\\- one\n\\+ two"),
        # Phones show a backslash before these (MarkDownBlockParser.cpp of Teams-AdaptiveCards-Mobile).
        ("acme/shop#12 (Acme Corp) is > 5 min late, 2026-11-30!", None),
    ],
)
def test_only_what_teams_takes_for_markdown_is_escaped(text: str, sent: str | None) -> None:
    assert escaped(text) == (text if sent is None else sent)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Says(429), TryAgain),
        (Says(502), TryAgain),
        (CUT, TryAgain),
        (SLOW, TryAgain),
        (Says(404), Refused),
        (Says(401), Refused),
        (Says(200, "Webhook message delivery failed with error: … returned HTTP error 429 with …"), TryAgain),
        (Says(200, "Webhook message delivery failed with error: … returned HTTP error 413 with …"), Refused),
    ],
)
async def test_what_passes_is_tried_again_and_what_stays_is_refused(
    other: Counterpart, answer: Says | str, error: type[Exception]
) -> None:
    other.answers = [answer]
    with pytest.raises(error) as caught:
        await send(receiver(other), alert())
    assert "secret" not in str(caught.value)
