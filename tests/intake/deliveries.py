"""Deliveries as sources make them: signed, with their headers, at a given time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from engine.core.instants import Instant, parse_instant
from engine.intake.arrival import Arrival, Said
from engine.intake.authenticity import base64_digest
from engine.intake.configuration import Door, shipped
from engine.intake.records import records_of
from engine.intake.sources import SOURCES

SECRET = "an-old-and-long-secret"
NOW = parse_instant("2026-03-02T10:00:05Z")


def arrival(body: object, headers: Mapping[str, str] | None = None, at: Instant = NOW) -> Arrival:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Arrival(raw, dict(headers or {}), at)


def zendesk(body: object, secret: str = SECRET, at: str = "2026-03-02T10:00:03Z") -> Arrival:
    """As "Verifying webhook authenticity" of developer.zendesk.com tells it."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    signature = base64_digest(secret, at.encode() + raw)
    headers = {
        "x-zendesk-webhook-signature": signature,
        "x-zendesk-webhook-signature-timestamp": at,
        "content-type": "application/json",
    }
    return arrival(raw, headers)


def door_of(source: str, file: Path | None = None) -> Door:
    return shipped(SOURCES[source])


def said_by(door: Door, came: Arrival) -> list[Said]:
    """What it, or a part of one, stands for, checked as the worker would read it."""
    said = door.source.translate(came, door.mapping)
    records_of(said, door.name, came)
    return said


def said_in_parts(door: Door, came: Arrival) -> list[Said]:
    """What all parts of it stand for."""
    return [one for part in door.source.apart(came) for one in said_by(door, part)]


def verbs(said: list[Said]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(one.verb, one.data) for one in said]
