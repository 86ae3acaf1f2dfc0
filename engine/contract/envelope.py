"""CloudEvents 1.0 on Kafka: both modes read, binary written (Kafka binding, sections 3.2 and 3.3)."""

import re
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

STRUCTURED = "application/cloudevents"
"""A content type that starts so decides, even where `ce_` headers are there too (binding 3)."""
_TAKEN = frozenset(["specversion", "type", "source", "id", "subject", "time", "sequence", "recordedtime"])
_KIND, _JSON = "content-type", "application/json"
_PLAIN_JSON = _JSON.encode()
_HEADERS = {_KIND: _KIND, **{f"ce_{name}": name for name in _TAKEN}}
_MAX_BYTES = {"type": 256, "source": 1_024, "id": 512, "subject": 512, "sequence": 64}
_SHORT, _SHORT_SEQUENCE = min(_MAX_BYTES["type"], _MAX_BYTES["subject"]), _MAX_BYTES["sequence"]
_TEXTS = 7
_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
"""What CloudEvents 1.0 keeps out of text (Type system, String); surrogates cannot come this far."""
_JSON_NAMES = {
    bool: "true or false", dict: "an object", float: "a number", int: "a number", list: "an array",
}  # fmt: skip


class Envelope(Struct, frozen=True, gc=False):
    """The attributes that matter here, and the data as the bytes that were sent."""

    type: str
    source: str
    id: str
    subject: str
    time: str
    sequence: str
    recordedtime: str
    data: bytes


class EnvelopeError(Exception):
    """Not an event as CloudEvents defines it: `reason` as in the dead letters, `path` the attribute."""

    def __init__(self, reason: str, detail: str, path: str = "") -> None:
        super().__init__(detail)
        self.reason, self.detail, self.path = reason, detail, path


class _Plain(Struct, gc=False):
    """A structured event with data, all of whose attributes are text: nearly all are so."""

    specversion: str
    type: str
    source: str
    id: str
    data: msgspec.Raw
    subject: str = ""
    time: str = ""
    sequence: str = ""
    recordedtime: str = ""
    datacontenttype: str = _JSON


_plain = msgspec.json.Decoder(_Plain)
_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_any = msgspec.json.Decoder(Any)


def read(value: bytes, headers: Sequence[tuple[str, bytes]]) -> Envelope:
    """The event of a record, in the mode that its content type says. EnvelopeError where it is none."""
    found = dict(headers)
    if found.get("ce_specversion") == b"1.0" and found.get(_KIND) == _PLAIN_JSON:
        try:
            # One look at all of them: what is plain, whole and short enough for every limit needs no second.
            whole = b" ".join(
                (
                    found["ce_type"], found["ce_source"], found["ce_id"], found["ce_subject"],
                    found["ce_time"], found.get("ce_sequence", b""), found.get("ce_recordedtime", b""),
                )
            ).decode("ascii")  # fmt: skip
        except (KeyError, TypeError, UnicodeDecodeError):
            return _read_carefully(value, headers)
        parts = whole.split(" ")
        if len(parts) == _TEXTS and len(whole) <= _SHORT and whole.isprintable():
            kind, source, identity, subject, time, sequence, recordedtime = parts
            if kind and source and identity and len(sequence) <= _SHORT_SEQUENCE:
                return Envelope(kind, source, identity, subject, time, sequence, recordedtime, value)
    return _read_carefully(value, headers)


def _read_carefully(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> Envelope:
    """The same for whatever is not plainly binary mode with JSON: other media types, headers of bytes."""
    found: dict[str, bytes] = {}
    media = _JSON
    for header, raw in headers:
        if raw is None:
            continue
        if header.lower() == _KIND:
            media = raw.decode("latin-1").lower()  # as media types compare
        elif header in _HEADERS:
            found[_HEADERS[header]] = raw
    if media.startswith(STRUCTURED):
        if media[len(STRUCTURED) :].partition(";")[0].strip() in ("", "+json"):
            return structured(value)
        raise EnvelopeError(
            "not_cloudevents",
            f"content-type {media[:80]!r}; expected one event a record as application/cloudevents+json",
            _KIND,
        )
    texts: dict[str, str] = {}
    for name, raw in found.items():
        try:
            texts[name] = raw.decode()
        except UnicodeDecodeError:
            raise EnvelopeError("bad_field", f"header ce_{name} is not UTF-8", name) from None
    if not texts:
        raise EnvelopeError(
            "not_cloudevents",
            "no ce_ headers, and content-type does not start with application/cloudevents; "
            "send CloudEvents 1.0 in binary or structured mode",
        )
    _check_json(media)
    return _envelope(texts, value)


def _check_json(kind: str) -> None:
    if not kind.partition(";")[0].strip().lower().endswith(("/json", "+json")):
        raise EnvelopeError("bad_field", f"{kind[:80]!r}; expected application/json", "datacontenttype")


def structured(value: bytes) -> Envelope:
    """Everything from one JSON object. EnvelopeError where it is none."""
    try:
        e = _plain.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _structured_carefully(value)
    # As in `read`: what is plain, whole and short enough for every limit needs no second look.
    whole = "".join((e.type, e.source, e.id, e.subject, e.time, e.sequence, e.recordedtime))
    is_plain = len(whole) <= _SHORT and whole.isascii() and whole.isprintable()
    is_whole = e.specversion == "1.0" and e.type and e.source and e.id and e.datacontenttype == _JSON
    if is_plain and is_whole and len(e.sequence) <= _SHORT_SEQUENCE:
        return Envelope(
            e.type, e.source, e.id, e.subject, e.time, e.sequence, e.recordedtime, bytes(e.data)
        )  # fmt: skip
    return _structured_carefully(value)


def _structured_carefully(value: bytes) -> Envelope:
    """The same for whatever has other attributes, other media types or no data, or is no event."""
    try:
        raw = _decoder.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EnvelopeError("unparsable", f"not a JSON object: {error}") from None
    found = {name: _text(name, text) for name, text in raw.items() if name in _TAKEN}
    if "datacontenttype" in raw:
        _check_json(_text("datacontenttype", raw["datacontenttype"]) or "application/json")
    if "data" in raw:
        return _envelope(found, bytes(raw["data"]))
    if "data_base64" not in raw:
        return _envelope(found, b"{}")
    try:
        data = b64decode(_text("data_base64", raw["data_base64"]), validate=True)
    except ValueError as error:
        raise EnvelopeError("bad_field", f"data_base64: {error}", "data_base64") from None
    return _envelope(found, data)


def _text(name: str, raw: msgspec.Raw) -> str:
    """An attribute's text; empty for null, which says the same as its absence."""
    try:
        value = _any.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EnvelopeError("unparsable", f"{name}: {error}", name) from None
    if value is None:
        return ""
    if (
        name == "sequence"
        and isinstance(value, int)
        and not isinstance(value, bool)
        and value.bit_length() < 64
    ):
        return str(value)  # the extension may be an integer
    if not isinstance(value, str):
        raise EnvelopeError("bad_field", f"{name} is {_JSON_NAMES[type(value)]}; expected text", name)
    return value


def _envelope(found: dict[str, str], data: bytes) -> Envelope:
    get = found.get
    version = get("specversion", "")
    if version != "1.0":
        shown = f"{version[:20]!r}" if version else "missing"
        raise EnvelopeError("not_cloudevents", f"specversion is {shown}; expected 1.0", "specversion")
    kind, source, identity = get("type", ""), get("source", ""), get("id", "")
    subject, sequence = get("subject", ""), get("sequence", "")
    if not (kind and source and identity):
        name = next(name for name in ("type", "source", "id") if not get(name))
        raise EnvelopeError("not_cloudevents", f"{name} is missing or empty; every event has one", name)
    _check_texts(found)
    return Envelope(kind, source, identity, subject, get("time", ""), sequence, get("recordedtime", ""), data)


def _check_texts(found: dict[str, str]) -> None:
    for name, limit in _MAX_BYTES.items():
        text = found.get(name, "")
        if _REFUSED.search(text):
            raise EnvelopeError("bad_field", f"{name} has control characters; expected plain text", name)
        size = len(text.encode())
        if size > limit:
            raise EnvelopeError("bad_field", f"{name} has {size:,} bytes; at most {limit:,} are taken", name)


def headers_of(kind: str, source: str, identity: str, subject: str, time: str) -> list[tuple[str, bytes]]:
    """The headers of binary mode."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", kind.encode()),
        ("ce_source", source.encode()),
        ("ce_id", identity.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.encode()),
        ("content-type", b"application/json"),
    ]
