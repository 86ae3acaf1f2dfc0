"""Any system that can speak the contract itself: CloudEvents over HTTP, binary, structured or in a batch.

CloudEvents HTTP binding 1.0.2: the content type decides. A key in `x-api-key` or `authorization: Bearer`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

import msgspec
import orjson

from engine.contract.envelope import STRUCTURED, Envelope, EnvelopeError, structured
from engine.contract.envelope import read as read_envelope
from engine.contract.events import TYPES
from engine.contract.moments import read_moment
from engine.core.instants import Instant
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import shared_secret
from engine.intake.mapping import Mapping
from engine.intake.source import Source

BATCH = "application/cloudevents-batch"
MOST_EVENTS = 1_000
"""Of a batch: they are acknowledged together."""

_list = msgspec.json.Decoder(list[msgspec.Raw])


KEY_HEADERS = ("x-api-key", "authorization")


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    shared_secret(arrival, KEY_HEADERS, secrets)


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    """All or nothing: one bad event refuses its batch, by its place in it."""
    media = arrival.headers.get("content-type", "application/json").lower()
    try:
        if media.startswith(BATCH):
            events = enumerate(_events(arrival.body))
            return list(_in_order([_said(structured(bytes(one)), f"[{n}]") for n, one in events]))
        if media.startswith(STRUCTURED):
            return [_said(structured(arrival.body), "")]
        headers = [(f"ce_{n[3:]}", _raw(v)) for n, v in arrival.headers.items() if n.startswith("ce-")]
        return [_said(read_envelope(arrival.body, [*headers, ("content-type", media.encode())]), "")]
    except EnvelopeError as error:
        raise NotMapped(error.reason, error.detail, error.path) from None


def _raw(value: str) -> bytes:
    """UTF-8, percent-encoded where it is not plain ASCII (binding, 3.1.3.2), or sent as it is."""
    return unquote_to_bytes(value.encode("latin-1"))


def _events(body: bytes) -> list[msgspec.Raw]:
    try:
        events = _list.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise NotMapped("unparsable", f"expected a JSON list of events: {error}") from None
    if len(events) > MOST_EVENTS:
        raise NotMapped("too_large", f"{len(events):,} events; at most {MOST_EVENTS:,} come in a batch")
    return events


def _in_order(said: list[Said]) -> Iterator[Said]:
    """Those of one subject and time in the order of the batch, unless they have one; of the others nothing
    depends on the batch in which they come."""
    of_all = Counter((one.subject, one.at) for one in said)
    so_far: Counter[tuple[str, Instant]] = Counter()
    for one in said:
        so_far[one.subject, one.at] += 1
        place = so_far[one.subject, one.at] if of_all[one.subject, one.at] > 1 else 0
        yield one._replace(sequence=f"{place:04}") if place and not one.sequence else one


def _said(e: Envelope, place: str) -> Said:
    verb = TYPES.get(e.type)
    if verb is None:
        raise NotMapped("unknown_type", f"{e.type} is no type of this contract", f"{place}type")
    if not e.subject:
        raise NotMapped("bad_field", "subject is missing; expected the escalation's id", f"{place}subject")
    try:
        data, at = orjson.loads(e.data), read_moment(e.time)
    except orjson.JSONDecodeError as error:
        raise NotMapped("unparsable", f"data: {error}", f"{place}data") from None
    except ValueError as error:
        raise NotMapped("bad_field", str(error), f"{place}time") from None
    return Said(e.subject, verb, data, at, e.id, e.type.partition(".")[0], e.source, e.sequence)


SOURCE = Source(
    name="cloudevents",
    authenticate=authenticate,
    translate=translate,
    states={},
    severities={},
    tells_mistakes=True,
    key_headers=KEY_HEADERS,
)
