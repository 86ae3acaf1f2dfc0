"""The other sides, as they document themselves: what they take, and how they answer.

Slack: methods, errors and `ok: false` with status 200: docs.slack.dev, chat.postMessage and chat.update.
Blocks: docs.slack.dev, Blocks, Section (text 3,000, at most ten fields of 2,000), fifty blocks a message. The
number of characters: slackapi/bolt-js issue 2509. PagerDuty: `reference/events-v2/openapiv3.json` in
github.com/PagerDuty/api-schema (createV2Event); lengths and the size are those of developer.pagerduty.com,
"Send an alert event" and "Event size limit".
"""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema

from notify.counterpart import Says, Sent

TOKEN, CHANNEL = "xoxb-1234", "C0123456789"
TEXT = {
    "type": "object",
    "required": ["type", "text"],
    "properties": {
        "type": {"const": "mrkdwn"},
        "text": {"type": "string", "minLength": 1, "maxLength": 3000},
    },
}
FIELD = TEXT | {"properties": {"type": {"const": "mrkdwn"}, "text": {"type": "string", "maxLength": 2000}}}
MESSAGE: dict[str, Any] = {
    "type": "object",
    "required": ["text", "blocks"],
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": 4000},
        "thread_ts": {"type": "string", "pattern": r"^\d+\.\d+$"},
        "reply_broadcast": {"type": "boolean"},
        "blocks": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["type"],
                "additionalProperties": False,
                "anyOf": [{"required": ["text"]}, {"required": ["fields"]}],
                "properties": {
                    "type": {"const": "section"},
                    "text": TEXT,
                    "fields": {"type": "array", "minItems": 1, "maxItems": 10, "items": FIELD},
                },
            },
        },
    },
}


class Workspace:
    """What stands in the channel: ts → message."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}

    def judge(self, sent: Sent) -> Says:
        said = sent.json
        jsonschema.validate(said, MESSAGE)
        characters = sum(len(t) for t in texts(said["blocks"]))
        if sent.path == "/hook":
            return Says(200, "ok")
        if sent.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refusal("invalid_auth")
        if said["channel"] != CHANNEL:
            return refusal("channel_not_found")
        if characters > 13_000:
            return refusal("msg_blocks_too_long")
        if sent.path == "/chat.update":
            if said["ts"] not in self.messages:
                return refusal("message_not_found")
            self.messages[said["ts"]] = said
            return answered(said["ts"])
        assert sent.path == "/chat.postMessage"
        if "thread_ts" in said and said["thread_ts"] not in self.messages:
            return refusal("thread_not_found")
        ts = f"17000000{len(self.messages):02}.000100"
        self.messages[ts] = said
        return answered(ts)


def texts(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        yield from (part["text"] for part in (*block.get("fields", ()), *filter(None, [block.get("text")])))


def answered(ts: str) -> Says:
    return Says(200, json.dumps({"ok": True, "channel": CHANNEL, "ts": ts}))


def refusal(error: str) -> Says:
    return Says(200, json.dumps({"ok": False, "error": error}))


EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string", "pattern": "^https?://"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "additionalProperties": False,
                "properties": {
                    "href": {"type": "string", "pattern": "^https?://"},
                    "text": {"type": "string"},
                },
            },
        },
        "payload": {
            "type": "object",
            "required": ["summary", "severity", "source"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "timestamp": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"},
                "severity": {"enum": ["critical", "warning", "error", "info"]},
                "source": {"type": "string", "minLength": 1},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}


def pagerduty(sent: Sent) -> Says:
    """As PagerDuty answers."""
    try:
        assert sent.path == "/v2/enqueue"
        assert len(sent.body) <= 512_000
        jsonschema.validate(sent.json, EVENT)
    except (AssertionError, jsonschema.ValidationError, ValueError) as error:
        return Says(400, json.dumps({"status": "invalid event", "errors": [str(error)[:300]]}))
    return Says(202, json.dumps({"status": "success", "message": "Event processed", "dedup_key": "k"}))
