"""A dead letter keeps what came, whatever it is, and says why in Kafka Connect's headers."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import pytest

from engine.contract.codec import Received, Unreadable, decode, read_line
from engine.contract.dead_letters import dead_letter, refused_fact
from engine.core.facts import Fact
from engine.core.instants import Instant, parse_instant

AT = parse_instant("2026-11-02T10:00:00Z")
ERRORS = "__connect.errors."


class Consumed(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    topic: str = "vigil.tickets.v1"
    partition: int = 7
    offset: int = 12


@pytest.mark.parametrize("key", [None, b"", b"k", b"\xff\x00"])
@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\x00"])
def test_key_value_and_headers_are_kept_to_the_byte(key: bytes | None, value: bytes | None) -> None:
    headers: list[tuple[str, bytes]] = [("a", b"\xff"), ("a", b"twice"), ("none", None)]  # type: ignore[list-item]
    letter = dead_letter(Consumed(key, value, headers), "unparsable", "why")
    assert (letter.key, letter.value) == (key, value)
    assert letter.headers[:3] == headers


def test_it_says_why_and_where_it_was_read() -> None:
    headers = dict(dead_letter(Consumed(b"k", b"v"), "bad_field", "data.title: Field required").headers)
    assert headers == {
        f"{ERRORS}topic": b"vigil.tickets.v1",
        f"{ERRORS}partition": b"7",
        f"{ERRORS}offset": b"12",
        f"{ERRORS}connector.name": b"vigil",
        f"{ERRORS}stage": b"VALUE_CONVERTER",
        f"{ERRORS}class.name": b"engine.contract.codec",
        f"{ERRORS}exception.class.name": b"bad_field",
        f"{ERRORS}exception.message": b"data.title: Field required",
    }


@pytest.mark.parametrize("reason", ["no_key", "key_mismatch"])
def test_what_is_wrong_with_the_key_is_of_the_key_converter(reason: str) -> None:
    headers = dict(dead_letter(Consumed(None, b"v"), reason, "why").headers)
    assert headers[f"{ERRORS}stage"] == b"KEY_CONVERTER"


def test_a_path_that_the_message_does_not_name_is_added_to_it() -> None:
    headers = dict(dead_letter(Consumed(b"k", b"v"), "bad_field", "no time", "time").headers)
    assert headers[f"{ERRORS}exception.message"] == b"no time"
    headers = dict(dead_letter(Consumed(b"k", b"v"), "bad_field", "no such thing", "data.due_at").headers)
    assert headers[f"{ERRORS}exception.message"] == b"no such thing [data.due_at]"


def test_refused_a_second_time_it_keeps_the_first_reason_before_the_second() -> None:
    once = dead_letter(Consumed(b"k", b"v"), "unparsable", "first")
    twice = dead_letter(Consumed(once.key, once.value, once.headers), "too_late", "second")
    reasons = [value for name, value in twice.headers if name == f"{ERRORS}exception.class.name"]
    assert reasons == [b"unparsable", b"too_late"]


@pytest.mark.parametrize("shift", range(4))
def test_a_long_message_is_cut_between_characters(shift: int) -> None:
    headers = dict(dead_letter(Consumed(b"k", b"v"), "bad_field", "a" * shift + "🕰" * 5_000).headers)
    message = headers[f"{ERRORS}exception.message"]
    assert 1_996 <= len(message) <= 2_000
    assert message.decode().endswith("🕰")


def test_a_fact_that_leaves_the_state_is_an_event_that_can_be_sent_again() -> None:
    fact = Fact("desk", "e-1", "commitment_made", AT, Instant(AT + 1), "7",
                {"commitment_id": "c", "text": "soon", "due_at": AT})  # fmt: skip
    record = refused_fact("t-1", fact, "conflicting_duplicate", "came twice")
    assert record.key == b"t-1"
    headers = dict(record.headers)
    assert headers[f"{ERRORS}exception.class.name"] == b"conflicting_duplicate"
    read = read_line(record.value)
    assert read == Received("t-1", fact)
    assert decode(record.key, record.value, record.headers, AT // 1_000) == Received(
        "t-1", msgspec.structs.replace(fact, recorded=AT)
    )


# -- edges of a record that no field table shows ----------------------------------------------

EVENT = {
    "specversion": "1.0", "type": "ticket.acknowledged.v1", "source": "desk", "id": "e-1", "subject": "t-1",
    "time": "2026-11-02T10:00:00Z", "data": {},
}  # fmt: skip
STRUCTURED = [("content-type", b"application/cloudevents+json")]


@pytest.mark.parametrize("timestamp_ms", [-1, -(2**63), 2**63 - 1, AT, AT * 1_000])
def test_a_timestamp_that_is_no_time_is_named(timestamp_ms: int) -> None:
    read = decode(b"t-1", json.dumps(EVENT).encode(), STRUCTURED, timestamp_ms)
    assert isinstance(read, Unreadable)
    assert (read.reason, read.path) == ("bad_field", "timestamp")
    assert str(timestamp_ms) in read.detail
    assert "milliseconds" in read.detail


def test_a_header_without_a_value_is_as_absent() -> None:
    headers = [(f"ce_{name}", str(text).encode()) for name, text in EVENT.items() if name != "data"]
    nothing: list[tuple[str, bytes]] = [("ce_sequence", None), ("content-type", None), ("x", None)]  # type: ignore[list-item]
    read = decode(b"t-1", b"{}", [*headers, *nothing], AT // 1_000)
    assert isinstance(read, Received)
    assert read.fact.sequence == ""


def test_a_time_with_hundreds_of_digits_is_refused() -> None:
    line = json.dumps({**EVENT, "time": f"2026-11-02T10:00:00.{'0' * 500}Z"}).encode()
    read = read_line(line)
    assert isinstance(read, Unreadable)
    assert (read.reason, read.path) == ("bad_field", "time")
    assert len(read.detail) < 200
