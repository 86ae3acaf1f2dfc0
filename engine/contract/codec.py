"""Between the bytes of a record and the core's values. Nothing here raises on bad input: it is named."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from engine.contract import commands, events
from engine.contract.envelope import Envelope, EnvelopeError, headers_of, structured
from engine.contract.envelope import read as read_envelope
from engine.contract.moments import LATEST, read_moment
from engine.contract.outcomes import SOURCE, decode_outcome, encode_outcome
from engine.contract.records import Record
from engine.core.facts import Fact, Value
from engine.core.instants import MILLISECOND, MINUTE, NEVER, Instant, format_instant
from engine.core.recurrence import VERBS_OF_A_PATTERN, is_pattern
from engine.core.relays import Relay

__all__ = [
    "Command", "PartlyKnown", "Received", "Record", "Tick", "Unreadable", "decode", "decode_outcome",
    "encode_event", "encode_outcome", "encode_relay", "encode_tick", "read_line",
]  # fmt: skip

MAX_DATA_BYTES = 256 * 1024
FUTURE_TOLERANCE = 5 * MINUTE
"""Clock 10."""
TICK_TYPE = "vigil.tick.v1"


class Received(Struct, frozen=True, gc=False):
    """An event that was taken."""

    subject: str
    fact: Fact


class PartlyKnown(Received, frozen=True, gc=False):
    """An event with fields in its data that this version does not know: left out, to be counted."""

    unknown: tuple[str, ...]
    """Their paths."""


class Tick(Struct, frozen=True, gc=False):
    """A clock of the subject is due."""

    subject: str
    due: Instant
    complete: Instant = NEVER
    """Where the reader was behind: whatever was recorded by then had been read."""
    waits: bool = False
    """What is due after `complete` is told to be unknown, and not judged."""


class Command(Struct, frozen=True, gc=False):
    """What another escalation passes on: taken from the commands topic only."""

    subject: str
    fact: Fact


class Unreadable(NamedTuple):
    """Why a record is not taken."""

    reason: str
    """unparsable, not_cloudevents, unknown_type, bad_field, no_key, key_mismatch, from_the_future,
    too_large, empty."""
    detail: str
    path: str = ""
    """JSON path of the field, for bad_field."""
    ignored: bool = False
    """Counted only: a type that is none of ours does no harm and is no dead letter."""

    def __str__(self) -> str:
        field = f" {self.path}:" if self.path and not self.detail.startswith(self.path) else ""
        return f"{self.reason}:{field} {self.detail}"


Decoded: TypeAlias = Received | Tick | Command | Unreadable


def decode(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]], timestamp_ms: int
) -> Decoded:
    """One record of an input or of the commands topic, in either CloudEvents mode. Never raises."""
    if not key:
        return Unreadable("no_key", "the record has no key; expected the event's subject")
    if not value:
        return Unreadable("empty", "the record has no value; expected an event")
    if len(value) > MAX_DATA_BYTES:
        return Unreadable("too_large", f"{len(value):,} bytes; at most {MAX_DATA_BYTES:,} are taken")
    try:
        envelope = read_envelope(value, headers)
    except EnvelopeError as error:
        return Unreadable(error.reason, error.detail, error.path)
    subject = envelope.subject
    if subject and subject.encode() != key:
        sent = key[:80].decode(errors="replace")
        return Unreadable("key_mismatch", f"key {sent!r} is not the subject {subject[:80]!r}")
    recorded = Instant(timestamp_ms * MILLISECOND)
    if not 0 <= recorded < LATEST:
        detail = f"the record's timestamp is {timestamp_ms}; expected milliseconds since 1970, before 2200"
        return Unreadable("bad_field", detail, "timestamp")
    return _read(envelope, recorded)


def read_line(line: bytes, sent: Instant | None = None) -> Received | Unreadable:
    """A structured CloudEvent as a line; recorded when it is `sent`, else at its `recordedtime`, else at its
    time. Never raises."""
    if len(line) > MAX_DATA_BYTES:
        return Unreadable("too_large", f"{len(line):,} bytes; at most {MAX_DATA_BYTES:,} are taken")
    try:
        envelope = structured(line)
    except EnvelopeError as error:
        return Unreadable(error.reason, error.detail, error.path)
    stamp = "recordedtime" if envelope.recordedtime else "time"
    try:
        recorded = read_moment(envelope.recordedtime or envelope.time)
    except ValueError as error:
        return Unreadable("bad_field", str(error), stamp)
    read = _read(envelope, recorded if sent is None else sent)
    if isinstance(read, (Tick, Command)):
        return internal(envelope.type)
    return read


def internal(kind: str) -> Unreadable:
    """A command where only events belong."""
    return Unreadable("unknown_type", f"{kind} is internal", ignored=True)


def _read(envelope: Envelope, recorded: Instant) -> Decoded:
    subject = envelope.subject
    if not subject:
        return Unreadable("bad_field", "subject is missing; expected the escalation's id", "subject")
    verb = events.TYPES.get(envelope.type)
    if is_pattern(subject) and verb is not None and verb not in VERBS_OF_A_PATTERN:
        detail = f"{subject[:80]!r} is a pattern, not an escalation: {verb} cannot be said of it"
        return Unreadable("bad_field", detail, "subject")
    if verb == "recurrence_flagged" and not is_pattern(subject):
        detail = f"{subject[:80]!r} is no pattern: {verb} is said of pattern:FINGERPRINT"
        return Unreadable("bad_field", detail, "subject")
    if verb is None:
        if envelope.type == TICK_TYPE:
            return _tick(envelope)
        if envelope.type in commands.TYPES:
            return _command(envelope, recorded)
        return Unreadable("unknown_type", f"{envelope.type} is no type of this contract", ignored=True)
    try:
        at = read_moment(envelope.time)
        if at > recorded + FUTURE_TOLERANCE:
            return _from_the_future(envelope.time, recorded)
        said, unknown = events.read(verb, envelope.data)
    except ValidationError as error:  # a ValueError too, so it comes first
        return _bad_data(error)
    except ValueError as error:
        return Unreadable("bad_field", str(error), "time")
    if verb == "merged" and said["into"] == subject:
        detail = "data.into: the subject itself; expected the one that survives"
        return Unreadable("bad_field", detail, "data.into")
    fact = Fact(envelope.source, envelope.id, verb, at, recorded, envelope.sequence, said)
    if not unknown:
        return Received(subject, fact)
    return PartlyKnown(subject, fact, unknown)


def _from_the_future(time: str, recorded: Instant) -> Unreadable:
    return Unreadable(
        "from_the_future",
        f"time {time} is more than 5 minutes after the recording at {format_instant(recorded)}; "
        "check the producer's clock",
        "time",
    )


def _bad_data(error: ValidationError) -> Unreadable:
    """The first of its problems, with the path of the field, what was found and how many more there are."""
    problems = error.errors(include_url=False, include_context=False)
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    path = "data" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    if first["type"] == "json_invalid":
        return Unreadable("unparsable", f"data: {first['msg']}", path)
    found = "" if first["type"] == "missing" else f"; found {_shown(first['input'])}"
    return Unreadable("bad_field", f"{path}: {first['msg']}{found}{more}", path)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# -- commands ---------------------------------------------------------------------------------


_Moment = Annotated[int, msgspec.Meta(ge=0, lt=LATEST)]


class _TickData(Struct, omit_defaults=True):
    due_at: _Moment
    complete_until: _Moment | None = None
    waits: bool = False


_tick_decoder = msgspec.json.Decoder(_TickData)


def _tick(envelope: Envelope) -> Tick | Unreadable:
    try:
        data = _tick_decoder.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable("bad_field", f"data: {error}", "data.due_at")
    complete = NEVER if data.complete_until is None else Instant(data.complete_until)
    return Tick(envelope.subject, Instant(data.due_at), complete, data.waits)


def _command(envelope: Envelope, recorded: Instant) -> Command | Unreadable:
    """Of any time: whether its event came from the future was asked where that was read."""
    kind = commands.TYPES[envelope.type]
    try:
        at = read_moment(envelope.time)
        said, _ = events.read_by(commands.READERS[kind], envelope.data)
    except ValidationError as error:  # a ValueError too, so it comes first
        return _bad_data(error)
    except ValueError as error:
        return Unreadable("bad_field", str(error), "time")
    fact = Fact(envelope.source, envelope.id, kind, at, recorded, envelope.sequence, said)
    return Command(envelope.subject, fact)


def encode_relay(relay: Relay) -> Record:
    """The command to the other escalation."""
    return encode_event(commands.TYPE_OF[relay.fact.kind], relay.target, relay.fact)


def encode_tick(subject: str, due: Instant, complete: Instant = NEVER, waits: bool = False) -> Record:
    """The command that something of the subject is due: its times in microseconds since 1970."""
    headers = headers_of(TICK_TYPE, SOURCE, f"{subject}@{due}", subject, format_instant(due))
    if complete >= NEVER:
        return Record(subject.encode(), b'{"due_at":%d}' % due, headers)
    data = _TickData(due, complete, waits)
    return Record(subject.encode(), msgspec.json.encode(data), headers)


# -- events, for producers --------------------------------------------------------------------

_MOMENTS = frozenset(["occurred_at", "detected_at", "reported_at", "next_update_at", "due_at", "contact_at"])


def encode_event(kind: str, subject: str, fact: Fact) -> Record:
    """An event of type `kind` (ticket.opened.v1) in binary mode, its times written as ISO 8601."""
    headers = headers_of(kind, fact.source, fact.id, subject, format_instant(fact.at))
    if fact.sequence:
        headers.append(("ce_sequence", fact.sequence.encode()))
    return Record(subject.encode(), msgspec.json.encode(_wire(fact.data)), headers)


def structured_event(kind: str, subject: str, fact: Fact) -> dict[str, Any]:
    """The same event as one JSON object."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "type": kind,
        "source": fact.source,
        "id": fact.id,
        "subject": subject,
        "time": format_instant(fact.at),
        "recordedtime": format_instant(fact.recorded),
        "datacontenttype": "application/json",
        "data": _wire(fact.data),
    }
    if fact.sequence:
        event["sequence"] = fact.sequence
    return event


def _wire(data: dict[str, Value]) -> dict[str, Value]:
    return {
        name: format_instant(Instant(value)) if name in _MOMENTS and isinstance(value, int) else value
        for name, value in data.items()
    }
