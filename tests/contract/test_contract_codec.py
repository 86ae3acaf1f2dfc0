"""Records become facts and ticks, in both CloudEvents modes; what cannot is named, with what was expected."""

import json
from base64 import b64encode
from typing import Any, ClassVar

import pytest

from engine.contract.codec import (
    MAX_DATA_BYTES,
    PartlyKnown,
    Received,
    Record,
    Tick,
    Unreadable,
    decode,
    encode_event,
    encode_tick,
    read_line,
)
from engine.contract.dead_letters import dead_letter
from engine.contract.examples import examples
from engine.core.facts import VERBS, Fact
from engine.core.instants import HOUR, Instant, parse_instant

AT = parse_instant("2026-11-02T10:00:00Z")
NOW_MS = AT // 1_000
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=utf-8")]
INBOUND = {kind: event for kind, event in examples().items() if kind.split(".")[0] in ("ticket", "incident")}


def event(verb: str = "acknowledged", data: Any = None, **attributes: Any) -> dict[str, Any]:
    """A structured event; an attribute that is None is absent."""
    whole = {
        "specversion": "1.0",
        "type": f"ticket.{verb}.v1",
        "source": "desk",
        "id": "e-1",
        "subject": "t-1",
        "time": "2026-11-02T10:00:00Z",
        "data": {} if data is None else data,
    } | attributes
    return {name: value for name, value in whole.items() if value is not None}


def binary(whole: dict[str, Any], **more: bytes) -> Record:
    """The event in binary mode; `more` are headers."""
    headers = [(f"ce_{name}", str(text).encode()) for name, text in whole.items() if name != "data"]
    return Record(
        str(whole.get("subject", "t-1")).encode(),
        json.dumps(whole["data"]).encode(),
        [*headers, *((name.replace("__", "-"), value) for name, value in more.items())],
    )


def taken(whole: dict[str, Any], now_ms: int = NOW_MS) -> Received | Tick | Unreadable:
    """What decode says, which must be the same in both modes."""
    record = binary(whole)
    answer = decode(*record, now_ms)
    assert decode(record.key, json.dumps(whole).encode(), STRUCTURED, now_ms) == answer
    return answer


def refused(whole: dict[str, Any], now_ms: int = NOW_MS) -> Unreadable:
    answer = taken(whole, now_ms)
    assert isinstance(answer, Unreadable)
    return answer


# -- what is taken ----------------------------------------------------------------------------


def test_a_fact_holds_what_was_said_and_nothing_else() -> None:
    data = {"title": "Down", "customer": {"id": "acme"}, "reported_at": "2026-11-02T10:30:00+01:00"}
    answer = taken(event("opened", data, sequence="0007"))
    said = {"customer": {"id": "acme"}, "reported_at": AT - HOUR // 2, "title": "Down"}
    assert answer == Received("t-1", Fact("desk", "e-1", "opened", AT, AT, "0007", said))


def test_null_is_kept_where_it_clears() -> None:
    answer = taken(event("updated", {"severity": None, "owner": None}))
    assert isinstance(answer, Received)
    assert answer.fact.data == {"severity": None, "owner": None}


@pytest.mark.parametrize("kind", sorted(INBOUND))
def test_every_example_reads_the_same_in_both_modes_and_as_a_line(kind: str) -> None:
    answer = taken(INBOUND[kind])
    assert isinstance(answer, Received)
    assert answer.fact.kind == kind.split(".")[1]
    line = read_line(json.dumps(INBOUND[kind]).encode())
    assert isinstance(line, Received)
    assert line.fact.data == answer.fact.data


@pytest.mark.parametrize("kind", sorted(INBOUND))
def test_what_encode_event_writes_is_read_as_the_same_fact(kind: str) -> None:
    answer = taken(INBOUND[kind])
    assert isinstance(answer, Received)
    assert decode(*encode_event(kind, answer.subject, answer.fact), NOW_MS) == answer


def test_there_is_an_example_of_every_verb_of_the_core() -> None:
    assert {kind.split(".")[1] for kind in INBOUND} == VERBS


def test_unknown_fields_stay_out_of_the_fact_and_are_named() -> None:
    data = {"title": "a", "mood": 1, "customer": {"id": "x", "zip": [1]}, "impact": {"scope": "one", "b": {}}}
    answer = taken(event("opened", data))
    assert isinstance(answer, PartlyKnown)
    assert answer.fact.data == {"customer": {"id": "x"}, "impact": {"scope": "one"}, "title": "a"}
    assert answer.unknown == ("mood", "customer.zip", "impact.b")


def test_order_of_fields_in_the_json_does_not_show_in_the_fact() -> None:
    one = taken(event("triaged", {"by": "kim", "severity": "P1"}))
    other = taken(event("triaged", {"severity": "P1", "by": "kim"}))
    assert isinstance(one, Received)
    assert isinstance(other, Received)
    assert list(one.fact.data) == list(other.fact.data)


def test_extensions_such_as_correlation_and_tracing_are_ignored() -> None:
    plain = taken(event())
    assert taken(event(correlationid="c", causationid="e-0", traceparent="00-1")) == plain


def test_a_structured_content_type_decides_even_where_ce_headers_are_there_too() -> None:
    record = binary(event("closed", id="in-headers"))
    answer = decode(record.key, json.dumps(event()).encode(), [*record.headers, *STRUCTURED], NOW_MS)
    assert isinstance(answer, Received)
    assert (answer.fact.kind, answer.fact.id) == ("acknowledged", "e-1")


def test_structured_data_may_be_base64_or_absent() -> None:
    whole = event("paused", data_base64=b64encode(b'{"reason": "pending_vendor"}').decode())
    del whole["data"]
    answer = decode(b"t-1", json.dumps(whole).encode(), STRUCTURED, NOW_MS)
    assert isinstance(answer, Received)
    assert answer.fact.data == {"reason": "pending_vendor"}
    del whole["data_base64"]
    assert isinstance(decode(b"t-1", json.dumps(whole).encode(), STRUCTURED, NOW_MS), Unreadable)
    whole["type"] = "ticket.acknowledged.v1"
    assert isinstance(decode(b"t-1", json.dumps(whole).encode(), STRUCTURED, NOW_MS), Received)


def test_an_integer_sequence_is_its_text() -> None:
    answer = taken(event(sequence=12))
    assert isinstance(answer, Received)
    assert answer.fact.sequence == "12"


@pytest.mark.parametrize("written", ["12", "12.0", "1.2e1"])
def test_a_whole_number_is_one_however_json_writes_it(written: str) -> None:
    value = f'{{"title": "a", "affected_customers": {written}}}'.encode()
    record = binary(event("opened"))
    answer = decode(record.key, value, record.headers, NOW_MS)
    assert isinstance(answer, Received)
    assert answer.fact.data["affected_customers"] == 12
    assert type(answer.fact.data["affected_customers"]) is int


def test_a_line_is_recorded_at_recordedtime_else_at_its_time() -> None:
    plain = read_line(json.dumps(event()).encode())
    late = read_line(json.dumps(event(recordedtime="2026-11-02T12:00:00Z")).encode())
    assert isinstance(plain, Received)
    assert isinstance(late, Received)
    assert (plain.fact.recorded, late.fact.recorded) == (AT, AT + 2 * HOUR)


def test_a_tick_comes_back_to_the_microsecond() -> None:
    due = Instant(AT + 1)
    assert decode(*encode_tick("t-1", due), NOW_MS) == Tick("t-1", due)


def test_a_tick_in_a_file_is_not_taken() -> None:
    answer = read_line(json.dumps(examples()["vigil.tick.v1"]).encode())
    assert isinstance(answer, Unreadable)
    assert answer.ignored


# -- what is not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "data", "path"),
    [
        ("opened", {}, "data.title"),
        ("opened", {"title": "a", "severity": "P4"}, "data.severity"),
        ("opened", {"title": "a", "severity": "p1"}, "data.severity"),
        ("opened", {"title": "a", "customer": {"name": "Acme"}}, "data.customer.id"),
        ("opened", {"title": "a", "tags": ["x", 3]}, "data.tags[1]"),
        ("opened", {"title": "a", "affected_customers": "12"}, "data.affected_customers"),
        ("opened", {"title": "a", "affected_customers": 10**30}, "data.affected_customers"),
        ("opened", {"title": "a", "affected_customers": True}, "data.affected_customers"),
        ("opened", {"title": "a", "affected_customers": 12.5}, "data.affected_customers"),
        ("opened", {"title": "a", "owner": ""}, "data.owner"),
        ("opened", {"title": "a\0"}, "data.title"),
        ("opened", {"title": "a" * 10_001}, "data.title"),
        ("opened", {"title": "a", "reported_at": "2026-11-02T10:00:00"}, "data.reported_at"),
        ("opened", {"title": "a", "reported_at": 1_793_613_600}, "data.reported_at"),
        ("opened", {"title": "a", "reported_at": "1969-12-31T23:59:59Z"}, "data.reported_at"),
        (
            "opened",
            {"title": "a", "impact": {"revenue_at_risk": {"amount": -1, "currency": "EUR"}}},
            "data.impact.revenue_at_risk.amount",
        ),
        (
            "triaged",
            {"impact": {"revenue_at_risk": {"amount": 1, "currency": "euro"}}},
            "data.impact.revenue_at_risk.currency",
        ),
        ("triaged", {"impact": {"scope": "most"}}, "data.impact.scope"),
        ("paused", {}, "data.reason"),
        ("paused", {"reason": "a\nb"}, "data.reason"),
        ("message_sent", {"public": "yes"}, "data.public"),
        ("message_sent", {}, "data.public"),
        ("update_published", {"audience": "press"}, "data.audience"),
        ("commitment_made", {"commitment_id": "c", "text": "soon"}, "data.due_at"),
        ("commitment_made", {"commitment_id": "c" * 513, "text": "", "due_at": "2026-11-02T10:00:00Z"},
         "data.commitment_id"),
        ("commitment_renegotiated", {"commitment_id": "c"}, "data.due_at"),
        ("action_opened", {"action_id": "a", "title": "", "due_at": "9999-12-31T23:59:59Z"}, "data.due_at"),
        ("rca_published", {"stage": "draft"}, "data.stage"),
        ("merged", {}, "data.into"),
        ("merged", {"into": "t-1"}, "data.into"),
        ("waived", {"metric": "resolve"}, "data.reason"),
        ("acknowledged", [], "data"),
        ("acknowledged", 7, "data"),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_by_its_path(verb: str, data: Any, path: str) -> None:
    answer = refused(event(verb, data))
    assert (answer.reason, answer.path, answer.ignored) == ("bad_field", path, False)
    assert path in answer.detail or path == "data"


def test_a_bad_field_says_what_was_found_and_how_many_more_there_are() -> None:
    answer = refused(event("opened", {"severity": "urgent"}))
    assert answer.detail.startswith("data.severity: Input should be 'P0', 'P1', 'P2' or 'P3'; found 'urgent'")
    assert answer.detail.endswith("(and 1 more)")


@pytest.mark.parametrize(
    ("attributes", "reason", "path"),
    [
        ({"specversion": None}, "not_cloudevents", "specversion"),
        ({"specversion": "0.3"}, "not_cloudevents", "specversion"),
        ({"type": None}, "not_cloudevents", "type"),
        ({"source": ""}, "not_cloudevents", "source"),
        ({"id": None}, "not_cloudevents", "id"),
        ({"time": None}, "bad_field", "time"),
        ({"time": "yesterday"}, "bad_field", "time"),
        ({"time": "2026-11-02T10:00:00"}, "bad_field", "time"),
        ({"id": "a\0b"}, "bad_field", "id"),
        ({"id": "x" * 513}, "bad_field", "id"),
        ({"source": "ü" * 513}, "bad_field", "source"),
        ({"sequence": "0" * 65}, "bad_field", "sequence"),
        ({"subject": "a\x1fb"}, "bad_field", "subject"),
        ({"subject": "t\0"}, "bad_field", "subject"),
        ({"subject": "é" * 257}, "bad_field", "subject"),
        ({"datacontenttype": "text/xml"}, "bad_field", "datacontenttype"),
    ],
)
def test_a_bad_attribute_is_named(attributes: dict[str, Any], reason: str, path: str) -> None:
    whole = event(**attributes)
    line = json.dumps(whole).encode()
    answer = decode(str(whole["subject"]).encode(), line, STRUCTURED, NOW_MS)
    assert isinstance(answer, Unreadable)
    assert (answer.reason, answer.path) == (reason, path)
    kind = whole.pop("datacontenttype", "application/json").encode()
    record = binary(whole, content__type=kind)
    again = decode(*record, NOW_MS)
    assert isinstance(again, Unreadable)
    assert (again.reason, again.path) == (reason, path)


def test_a_subject_of_512_bytes_is_taken() -> None:
    assert isinstance(taken(event(subject="é" * 256)), Received)


def test_no_subject_is_a_bad_field() -> None:
    assert (refused(event(subject=None)).reason, refused(event(subject=None)).path) == (
        "bad_field",
        "subject",
    )


@pytest.mark.parametrize(
    ("verb", "subject"), [("recurrence_flagged", "desk:1"), ("resolved", "pattern:disk")]
)
def test_what_cannot_be_said_of_its_subject_is_refused(verb: str, subject: str) -> None:
    whole = {**INBOUND[f"ticket.{verb}.v1"], "subject": subject}
    answer = refused(whole)
    assert (answer.reason, answer.path) == ("bad_field", "subject")
    assert subject in answer.detail
    other = {"desk:1": "pattern:disk", "pattern:disk": "desk:1"}[subject]
    assert isinstance(taken({**whole, "subject": other}), Received)


@pytest.mark.parametrize("kind", ["ticket.exploded.v1", "ticket.opened.v2", "com.github.push", "sla.met.v1"])
def test_a_type_that_is_none_of_ours_is_ignored_and_counted(kind: str) -> None:
    answer = refused(event(type=kind))
    assert (answer.reason, answer.ignored) == ("unknown_type", True)


def test_five_minutes_ahead_is_taken_and_a_microsecond_more_is_from_the_future() -> None:
    early_ms = NOW_MS - 5 * 60 * 1_000
    assert isinstance(taken(event(), early_ms), Received)
    answer = refused(event(time="2026-11-02T10:00:00.000001Z"), early_ms)
    assert answer.reason == "from_the_future"
    assert "2026-11-02T09:55:00Z" in answer.detail


@pytest.mark.parametrize(
    ("key", "value", "headers", "reason"),
    [
        (None, b"{}", [], "no_key"),
        (b"", b"{}", [], "no_key"),
        (b"t-1", None, [], "empty"),
        (b"t-1", b"", [], "empty"),
        (b"t-1", b"{}", [], "not_cloudevents"),
        (b"t-1", b"\x00\x00\x00\x00\x07avro", [], "not_cloudevents"),
        (b"t-1", b"{}", [("content-type", b"application/json")], "not_cloudevents"),
        (b"t-1", b"[]", [("content-type", b"application/cloudevents-batch+json")], "not_cloudevents"),
        (b"t-1", b"{}", [("content-type", b"application/cloudevents+avro")], "not_cloudevents"),
        (b"t-1", b"{", STRUCTURED, "unparsable"),
        (b"t-1", b"[]", STRUCTURED, "unparsable"),
        (b"t-1", b"[" * 100_000, STRUCTURED, "unparsable"),
        (b"t-1", b'{"data":' * 40_000, STRUCTURED, "too_large"),
        (b"t-1", b" " * (MAX_DATA_BYTES + 1), STRUCTURED, "too_large"),
    ],
)
def test_a_record_that_is_no_event_is_named(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], reason: str
) -> None:
    answer = decode(key, value, headers, NOW_MS)
    assert isinstance(answer, Unreadable)
    assert answer.reason == reason


def test_too_large_says_the_figures() -> None:
    answer = decode(b"t-1", b" " * 5_000_000, STRUCTURED, NOW_MS)
    assert isinstance(answer, Unreadable)
    assert "5,000,000" in answer.detail
    assert "262,144" in answer.detail


@pytest.mark.parametrize("key", [b"t-2", b"\xff", b"t-1\0", b"T-1"])
def test_a_key_that_is_not_the_subject_is_a_mismatch(key: bytes) -> None:
    record = binary(event())
    answer = decode(key, record.value, record.headers, NOW_MS)
    assert isinstance(answer, Unreadable)
    assert answer.reason == "key_mismatch"


@pytest.mark.parametrize("name", ["id", "source", "subject", "time"])
def test_a_header_that_is_not_utf_8_is_a_bad_field(name: str) -> None:
    record = binary(event())
    headers = [(n, b"\xff" if n == f"ce_{name}" else v) for n, v in record.headers]
    answer = decode(record.key, record.value, headers, NOW_MS)
    assert isinstance(answer, Unreadable)
    assert (answer.reason, answer.path) == ("bad_field", name)


# -- dead letters -----------------------------------------------------------------------------


class Consumed(Record, frozen=True):
    topic: ClassVar[str] = "vigil.tickets.v1"
    partition: ClassVar[int] = 3
    offset: ClassVar[int] = 4711


def test_a_dead_letter_keeps_everything_as_received_and_says_why_where_and_what_to_do() -> None:
    record = binary(event("paused"), extra=b"\xff\x00")
    answer = decode(*record, NOW_MS)
    assert isinstance(answer, Unreadable)
    letter = dead_letter(Consumed(*record), answer.reason, answer.detail, answer.path)
    assert (letter.key, letter.value) == (record.key, record.value)
    count = len(record.headers)
    assert letter.headers[:count] == record.headers
    errors = dict(letter.headers[count:])
    assert errors["__connect.errors.topic"] == b"vigil.tickets.v1"
    assert errors["__connect.errors.partition"] == b"3"
    assert errors["__connect.errors.offset"] == b"4711"
    assert errors["__connect.errors.exception.class.name"] == b"bad_field"
    assert b"data.reason" in errors["__connect.errors.exception.message"]
