"""The OpenAPI document of doors: what each takes, by which headers it knows its sender, what it answers."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from engine.contract.events import TYPES
from engine.contract.examples import examples
from engine.intake.configuration import Door
from engine.intake.source import Source
from engine.intake.sources.cloudevents import BATCH, MOST_EVENTS

_JSON = "application/json"
_SHOWN = ("incident.opened.v1", "incident.resolved.v1")
"""Of the contract's examples; all are in schemas/examples."""
_TEXT = {"type": "string"}
_EVENT = {
    "type": "object",
    "description": "CloudEvents 1.0; its data as schemas/events has it for the type",
    "required": ["specversion", "type", "source", "id", "subject", "time"],
    "properties": {
        "specversion": {"const": "1.0"},
        "type": {"enum": sorted(TYPES)},
        "source": {"type": "string", "minLength": 1, "maxLength": 1_024},
        "id": {"type": "string", "minLength": 1, "maxLength": 512},
        "subject": {"type": "string", "minLength": 1, "maxLength": 512, "description": "The escalation's id"},
        "time": {"type": "string", "format": "date-time", "description": "When it happened, with an offset"},
        "sequence": {"type": "string", "maxLength": 64, "description": "Orders what has the same time"},
        "data": {"type": "object"},
    },
}
_ATTRIBUTES = ("specversion", "type", "source", "id", "subject", "time", "sequence")
_REFUSED = {
    "type": "object",
    "required": ["accepted", "reason"],
    "properties": {
        "accepted": {"const": 0},
        "reason": {"type": "string", "description": "A name, as in the metrics and the dead letters"},
        "detail": _TEXT,
        "path": {"type": "string", "description": "Of the field"},
        "ignored": {"type": "boolean", "description": "Of a kind that nobody asked for; no dead letter"},
    },
    "additionalProperties": False,
}
_TAKEN = {
    "type": "object",
    "required": ["accepted"],
    "properties": {"accepted": {"type": "integer", "minimum": 0, "description": "Events"}},
    "additionalProperties": False,
}
_RETRY = {"Retry-After": {"description": "Seconds", "required": True, "schema": {"type": "string"}}}


def document(doors: Mapping[str, Door]) -> dict[str, Any]:
    """OpenAPI 3.1, a path a door."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vigil intake",
            "version": "1",
            "description": "Webhooks in, events out: answered when Kafka has what came, never before.",
        },
        "paths": {
            **{f"/in/{name}": {"post": _door(door)} for name, door in doors.items()},
            "/live": {"get": _plain("live", "That the process answers", _JSON, {"const": {"live": True}})},
            "/ready": {"get": _ready()},
            "/metrics": {"get": _plain("metrics", "For Prometheus", "text/plain", _TEXT)},
        },
        "components": {
            "schemas": {"Event": _EVENT, "Taken": _TAKEN, "Refused": _REFUSED},
            "securitySchemes": _schemes(door.source for door in doors.values()),
        },
    }


def _plain(name: str, description: str, media: str, schema: Any) -> dict[str, Any]:
    answer = {"description": description, "content": {media: {"schema": schema}}}
    return {"operationId": name, "summary": description, "responses": {"200": answer}}


def _ready() -> dict[str, Any]:
    found = _plain("ready", "That Kafka answers, too", _JSON, _is_ready(True, None))
    away = {"description": "It does not", "content": {_JSON: {"schema": _is_ready(False, "broker_away")}}}
    return found | {"responses": found["responses"] | {"503": away}}


def _is_ready(ready: bool, why_not: str | None) -> dict[str, Any]:
    return {"const": {"ready": ready, "why_not": why_not}}


def _door(door: Door) -> dict[str, Any]:
    source = door.source
    about = (sys.modules[source.translate.__module__].__doc__ or "").partition("\n\n")[0]
    return {
        "operationId": f"post-{door.name}",
        "summary": f"A delivery of {source.name}",
        "description": about,
        "security": _security(source),
        "parameters": _parameters(source),
        "requestBody": {"required": True, "content": _content(source)},
        "responses": dict(_answers(source)),
    }


def _security(source: Source) -> list[dict[str, list[str]]]:
    """All headers of a signature; of a key any one."""
    if source.signed_headers:
        return [{name: [] for name in source.signed_headers}]
    return [{name: []} for name in source.key_headers]


def _schemes(sources: Iterable[Source]) -> dict[str, Any]:
    names = {name for source in sources for name in (*source.signed_headers, *source.key_headers)}
    return {
        name: {"type": "http", "scheme": "bearer"}
        if name == "authorization"
        else {"type": "apiKey", "in": "header", "name": name}
        for name in sorted(names)
    }


def _parameters(source: Source) -> list[dict[str, Any]]:
    """Of CloudEvents in binary mode the attributes."""
    names = [f"ce-{name}" for name in _ATTRIBUTES] if source.tells_mistakes else source.other_headers
    return [{"name": name, "in": "header", "required": False, "schema": _TEXT} for name in names]


def _content(source: Source) -> dict[str, Any]:
    if not source.tells_mistakes:
        return {_JSON: {"schema": _body(source.needs)}}
    event = {"$ref": "#/components/schemas/Event"}
    known = examples()
    shown = {name: {"value": known[name]} for name in _SHOWN}
    several = {"type": "array", "items": event, "maxItems": MOST_EVENTS}
    return {
        "application/cloudevents+json": {"schema": event, "examples": shown},
        f"{BATCH}+json": {"schema": several, "example": [known[name] for name in _SHOWN]},
        _JSON: {"schema": {"type": "object", "description": "The data; what it is of is in the ce- headers"}},
    }


def _body(needs: Iterable[str]) -> dict[str, Any]:
    """The schema of a body that has these."""
    schema: dict[str, Any] = {"type": "object"}
    for path in needs:
        place = schema
        *way, last = path.split(".")
        for step in way:
            place = _step(place, step)
        kind: dict[str, Any] = {"type": "object"} if last.endswith("{}") else {"type": ["string", "integer"]}
        _put(place, last.removesuffix("{}"), kind)
    return schema


def _step(place: dict[str, Any], step: str) -> dict[str, Any]:
    """The schema of the object that a step leads to."""
    name = step.removesuffix("[]")
    inner: dict[str, Any] = {"type": "object"}
    found = _put(place, name, inner if name == step else {"type": "array", "items": inner})
    items: dict[str, Any] = found.get("items", found)
    return items


def _put(place: dict[str, Any], name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a property that must be there; the one that is known stays."""
    place.setdefault("required", [])
    if name not in place["required"]:
        place["required"].append(name)
    kept: dict[str, Any] = place.setdefault("properties", {}).setdefault(name, schema)
    return kept


def _answers(source: Source) -> Iterable[tuple[str, dict[str, Any]]]:
    yield "200", _answer("Kafka has its events", "Taken")
    if not source.tells_mistakes:
        yield "202", _answer("Authentic, and no event of ours: kept as a dead letter, or counted")
    yield "401", _answer("Not signed with the door's secret, none of its keys, or signed too long ago")
    if source.key_headers:
        yield "403", _answer("A key that may not send this source or this type; nothing of it is taken")
    yield "404", _answer("No such door, any more")
    yield "408", _answer("The body did not come within ten seconds")
    yield "413", _answer(f"More than {source.most_bytes // 2**20} MiB")
    if source.tells_mistakes:
        yield "422", _answer("An event that the contract does not take; of a batch nothing is taken")
    yield "429", {**_answer("More than the door takes of one address, or of one key"), "headers": _RETRY}
    yield "503", {**_answer("Kafka did not acknowledge in time: send it again"), "headers": _RETRY}


def _answer(description: str, schema: str = "Refused") -> dict[str, Any]:
    return {
        "description": description,
        "content": {_JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }
