"""Structured events: what is read at once is read as what is read with care."""

import json
from collections.abc import Callable
from itertools import product

import pytest

from engine.contract import envelope
from engine.contract.envelope import Envelope

PLAIN = {
    "specversion": "1.0",
    "type": "ticket.opened.v1",
    "source": "urn:desk",
    "id": "1",
    "subject": "t-1",
    "time": "2026-11-02T10:00:00Z",
    "data": {"title": "Checkout fails"},
}
ATTRIBUTES = [*PLAIN, "sequence", "recordedtime", "datacontenttype", "data_base64", "traceparent"]
VALUES = [
    None, "", "x", "é", "\x00", "a\x7f", "a b", "\ufffe", "y" * 300, "z" * 2_000, "2" * 65, "1.0",
    "application/json", "text/plain", "application/problem+json", 5, 1.5, True, [], {},
]  # fmt: skip
ODD = [
    b"", b"{", b"[]", b"null", b"\xff", b'{"id":"\xff"}', b'{"a":' * 5_000,
    json.dumps(PLAIN).encode() + b"x", json.dumps(PLAIN).encode()[:-1] + b',"id":"2"}',
]  # fmt: skip


def answer(read: Callable[[bytes], Envelope], value: bytes) -> object:
    try:
        return read(value)
    except envelope.EnvelopeError as error:
        return error.reason, error.detail, error.path


@pytest.mark.parametrize("without", [None, "data", "subject", "id"])
def test_an_odd_attribute_is_read_or_refused_the_same_both_ways(without: str | None) -> None:
    for name, value in product(ATTRIBUTES, VALUES):
        event = {key: said for key, said in {**PLAIN, name: value}.items() if key != without}
        line = json.dumps(event).encode()
        assert answer(envelope.structured, line) == answer(envelope._structured_carefully, line), event


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_what_is_no_plain_object_is_read_or_refused_the_same_both_ways(value: bytes) -> None:
    assert answer(envelope.structured, value) == answer(envelope._structured_carefully, value)


def test_a_plain_event_needs_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "_structured_carefully", None)
    assert envelope.structured(json.dumps(PLAIN).encode()).subject == "t-1"
