"""The AsyncAPI 3 document: topics, who reads and writes them, messages, with the Kafka bindings."""

from collections.abc import Callable, Mapping
from typing import Any

BINDINGS = "0.5.0"
TOPICS = {
    "tickets": "vigil.tickets.v1",
    "incidents": "vigil.incidents.v1",
    "commands": "vigil.commands.v1",
    "outcomes": "vigil.outcomes.v1",
    "deadLetters": "vigil.dlq.v1",
}
"""Channel -> topic, as the settings have it by default."""

_PREFIXES = {"tickets": "ticket.", "incidents": "incident.", "commands": "vigil.", "outcomes": "sla."}
_SAYS = {
    "tickets": "What happened to tickets. Producers write here.",
    "incidents": "What happened to incidents. Producers write here.",
    "commands": "Internal, written and read by the workers: the same partition count as the inputs.",
    "outcomes": "What the engine says. Read with isolation.level=read_committed.",
    "deadLetters": "What could not be taken: key, value and headers as received, the reason in headers.",
}
_KEY = {"type": "string", "description": "The subject: the escalation's id", "minLength": 1}
_ATTRIBUTES = {
    "specversion": {"type": "string", "const": "1.0"},
    "type": {"type": "string"},
    "source": {"type": "string", "minLength": 1, "maxLength": 1024},
    "id": {"type": "string", "minLength": 1, "maxLength": 512},
    "subject": {"type": "string", "description": "The escalation's id, the same as the key"},
    "time": {"type": "string", "format": "date-time", "description": "When it happened"},
}
_SEQUENCE = {
    "type": "string",
    "maxLength": 64,
    "description": "Orders the events of one source with the same time: digits as a number, else as text",
}
_ERRORS = {
    "topic": "Where it was read", "partition": "Where it was read", "offset": "Where it was read",
    "connector.name": "vigil", "stage": "KEY_CONVERTER or VALUE_CONVERTER", "class.name": "Who refused it",
    "exception.class.name": "The reason, as in docs/contract.md", "exception.message": "What to do about it",
}  # fmt: skip


def document(
    schemas: Mapping[str, Any], examples: Mapping[str, Any], folder_of: Callable[[str], str]
) -> dict[str, Any]:
    """The whole document; payloads refer to the schema files beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vigil",
            "version": "1.0.0",
            "description": "SLA and escalation engine: events of tickets and incidents in, outcomes out. "
            "CloudEvents 1.0 on Kafka; both modes are read, binary mode is written.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"kafka": {"host": "localhost:9092", "protocol": "kafka"}},
        "channels": {name: _channel(name, schemas) for name in TOPICS},
        "operations": _operations(),
        "components": {
            "messages": {
                **{kind: _message(kind, examples[kind], folder_of(kind)) for kind in schemas},
                "deadLetter": _dead_letter(),
            }
        },
    }


def _channel(name: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [kind for kind in schemas if kind.startswith(_PREFIXES.get(name, "-"))] or ["deadLetter"]
    return {
        "address": TOPICS[name],
        "description": _SAYS[name],
        "messages": {kind: {"$ref": f"#/components/messages/{_pointer(kind)}"} for kind in kinds},
        "bindings": {
            "kafka": {
                "topic": TOPICS[name],
                "topicConfiguration": {"cleanup.policy": ["delete"]},
                "bindingVersion": BINDINGS,
            }
        },
    }


def _operations() -> dict[str, Any]:
    """From the engine's side, as AsyncAPI has it: `receive` is what producers send."""
    group = {"groupId": {"type": "string", "default": "vigil"}, "bindingVersion": BINDINGS}
    receive = {"action": "receive", "bindings": {"kafka": group}}
    return {
        "receiveTickets": {**receive, "channel": {"$ref": "#/channels/tickets"}},
        "receiveIncidents": {**receive, "channel": {"$ref": "#/channels/incidents"}},
        "receiveCommands": {**receive, "channel": {"$ref": "#/channels/commands"}},
        "sendCommands": {"action": "send", "channel": {"$ref": "#/channels/commands"}},
        "sendOutcomes": {"action": "send", "channel": {"$ref": "#/channels/outcomes"}},
        "sendDeadLetters": {"action": "send", "channel": {"$ref": "#/channels/deadLetters"}},
    }


def _message(kind: str, example: Mapping[str, Any], folder: str) -> dict[str, Any]:
    attributes = {f"ce_{name}": schema for name, schema in _ATTRIBUTES.items()}
    attributes["ce_type"] = {"type": "string", "const": kind}
    if folder == "events" or "sequence" in example:
        attributes["ce_sequence"] = _SEQUENCE
    required = [f"ce_{name}" for name in _ATTRIBUTES if name != "subject"]
    return {
        "name": kind,
        "title": kind,
        "contentType": "application/json",
        "headers": {"type": "object", "properties": attributes, "required": required},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": {"$ref": f"./{folder}/{kind}.json"},
        },
        "bindings": {"kafka": {"key": _KEY, "bindingVersion": BINDINGS}},
        "examples": [{"name": kind, "headers": _headers(example), "payload": example["data"]}],
    }


def _headers(event: Mapping[str, Any]) -> dict[str, Any]:
    return {f"ce_{name}": text for name, text in event.items() if name not in ("data", "datacontenttype")}


def _dead_letter() -> dict[str, Any]:
    headers = {
        f"__connect.errors.{name}": {"type": "string", "description": meaning}
        for name, meaning in _ERRORS.items()
    }
    return {
        "name": "deadLetter",
        "title": "A record that could not be taken",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": headers, "description": "After the headers as received"},
        "payload": {"description": "The bytes as received"},
        "bindings": {"kafka": {"key": {"description": "As received"}, "bindingVersion": BINDINGS}},
    }


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
