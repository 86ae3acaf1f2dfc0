"""Events of a delivery → records, read once as the worker will read them."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from engine.contract.codec import Received, Record, Unreadable, decode, structured_event
from engine.contract.dead_letters import dead_letter
from engine.contract.envelope import headers_of
from engine.contract.events import VERSION
from engine.core.instants import MILLISECOND, format_instant
from engine.intake.arrival import Arrival, NotMapped, Said

_KEPT = ("content-type", "user-agent")
LARGEST_LETTER = 900_000
"""Bytes of a dead letter's body: with its headers it fits `LARGEST_REQUEST`, and so a topic of any broker."""


class ToSend(NamedTuple):
    family: str
    """ticket or incident: whose topic it goes to."""
    record: Record
    read: Received
    """As the worker will understand it."""


def records_of(said: list[Said], door: str, arrival: Arrival) -> list[ToSend]:
    """One record an event. NotMapped with the reason for which the worker would not take it."""
    if len(said) == 1:
        return [_to_send(said[0], door, arrival, said[0].verb)]
    return [_to_send(one, door, arrival, f"{one.verb} ({n} of {len(said)})") for n, one in enumerate(said, 1)]


def _to_send(one: Said, door: str, arrival: Arrival, name: str) -> ToSend:
    source, kind = kind_of(one, door)
    headers = headers_of(kind, source, one.id, one.subject, format_instant(one.at))
    if one.sequence:
        headers.append(("ce_sequence", one.sequence.encode()))
    record = Record(one.subject.encode(), msgspec.json.encode(one.data), headers)
    read = decode(record.key, record.value, headers, arrival.at // MILLISECOND)
    if isinstance(read, Unreadable):
        raise NotMapped(read.reason, f"{name}: {read.detail}", read.path)
    assert isinstance(read, Received)  # noqa: S101  # its type is one of the contract's events
    return ToSend(one.family, record, read)


def lines_of(said: list[Said], door: str, arrival: Arrival) -> Iterator[str]:
    """The same events as CloudEvents JSON lines, for people and files."""
    for one in records_of(said, door, arrival):
        yield line_of(one).decode()


def line_of(one: ToSend) -> bytes:
    """A structured CloudEvent."""
    subject, fact = one.read.subject, one.read.fact
    return msgspec.json.encode(structured_event(f"{one.family}.{fact.kind}.{VERSION}", subject, fact))


def kind_of(one: Said, door: str) -> tuple[str, str]:
    """The event's CloudEvents source and type."""
    return one.source or f"urn:vigil:intake:{door}", f"{one.family}.{one.verb}.{VERSION}"


class _Door(NamedTuple):
    """A dead letter's origin, in the terms of one that came from a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


def refused(arrival: Arrival, door: str, why: NotMapped) -> Record:
    """The body as it came, cut where it is longer than a dead letter, and why it stands for nothing; keyed by
    the door."""
    headers = [(name, arrival.headers[name].encode()) for name in _KEPT if name in arrival.headers]
    body = arrival.body[:LARGEST_LETTER]
    if omitted := len(arrival.body) - len(body):
        headers.append(("vigil-omitted-bytes", b"%d" % omitted))
    origin = _Door(f"intake/{door}", 0, arrival.at, door.encode(), body, headers)
    return dead_letter(origin, why.reason, why.detail, why.path)
