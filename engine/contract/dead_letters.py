"""What could not be taken: the original bytes with the reason in Kafka Connect's headers."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Protocol

import msgspec

from engine.contract.codec import structured_event
from engine.contract.records import Record
from engine.core.facts import Fact

_PREFIX = "__connect.errors."
_OMITTED = "vigil-omitted-"
_STAGES = {"no_key": "KEY_CONVERTER", "key_mismatch": "KEY_CONVERTER"}


class Source(Protocol):
    """A consumed record."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


def dead_letter(record: Source, reason: str, detail: str, path: str = "") -> Record:
    """Key, value and headers as received; the reason's headers come after them and overwrite none."""
    message = f"{detail} [{path}]" if path and path not in detail else detail
    return Record(
        record.key,
        record.value,
        [
            *record.headers,
            (_PREFIX + "topic", record.topic.encode()),
            (_PREFIX + "partition", b"%d" % record.partition),
            (_PREFIX + "offset", b"%d" % record.offset),
            *_reason(reason, message),
        ],
    )


def smaller(letter: Record, received: int) -> Iterator[Record]:
    """What to send of a letter that is too large, each time less: without its value, without the headers
    received as well (the first ones), with a hash for its key. The last is of a few thousand bytes.

    The source keeps it all, at the topic, partition and offset that our headers name.
    """
    headers = [*letter.headers, (_OMITTED + "bytes", b"%d" % len(letter.value or b""))]
    yield Record(letter.key, None, headers)
    headers = [*headers[received:], (_OMITTED + "headers", b"%d" % received)]
    yield Record(letter.key, None, headers)
    key = letter.key or b""
    yield Record(sha256(key).hexdigest().encode(), None, [*headers, (_OMITTED + "key", b"%d" % len(key))])


def refused_fact(subject: str, fact: Fact, reason: str, detail: str) -> Record:
    """A fact that leaves the state again, as it was understood: its record lies behind us."""
    event = structured_event(f"ticket.{fact.kind}.v1", subject, fact)
    headers = [("content-type", b"application/cloudevents+json"), *_reason(reason, detail)]
    return Record(subject.encode(), msgspec.json.encode(event), headers)


def _reason(reason: str, message: str) -> list[tuple[str, bytes]]:
    return [
        (_PREFIX + "connector.name", b"vigil"),
        (_PREFIX + "stage", _STAGES.get(reason, "VALUE_CONVERTER").encode()),
        (_PREFIX + "class.name", b"engine.contract.codec"),
        (_PREFIX + "exception.class.name", reason.encode()),
        (_PREFIX + "exception.message", _cut(message)),
    ]


def _cut(message: str) -> bytes:
    """UTF-8 of at most 2,000 bytes, whole characters only."""
    return message.encode(errors="replace")[:2_000].decode(errors="ignore").encode()
