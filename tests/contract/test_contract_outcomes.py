"""Outcomes on the wire: written fast, as the published model says, and read back as they were."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.contract.codec import decode_outcome, encode_outcome
from engine.contract.examples import example_outcome
from engine.contract.outcomes import OutcomeData
from engine.core.instants import NEVER, Instant, Span, parse_instant
from engine.core.outcomes import NAMES, Classification, Outcome, PolicyRef, Versions
from engine.core.segments import Segment

instants = st.integers(0, parse_instant("2200-01-01T00:00:00Z")).map(Instant)
spans = st.integers(0, 2**50).map(Span)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

versions = st.builds(Versions, calendar=texts, calendar_version=texts, tzdata=texts, holidays=texts)
segments = st.builds(
    Segment,
    start=instants,
    end=instants,
    why=st.sampled_from(["", "resolved", "no_target", "several"]) | texts.map(lambda text: f"paused:{text}"),
    calendar=texts,
    elapsed=spans,
    team=texts,
    owner=texts,
)

inputs = st.booleans() | st.integers(0, 2**40) | st.floats(0, 1e12) | texts | st.lists(texts).map(tuple)
classifications = st.builds(
    Classification,
    severity=st.sampled_from(["", "P0", "P3"]),
    disagrees=st.booleans(),
    inputs=st.dictionaries(texts, inputs, max_size=3).map(lambda known: tuple(known.items())),
    unknown=st.lists(texts, max_size=3).map(tuple),
)

said = st.builds(
    Outcome,
    name=st.sampled_from(NAMES),
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    seq=st.integers(1, 10_000),
    subject=texts,
    metric=texts,
    key=texts,
    cycle=st.integers(0, 500),
    policy=st.builds(PolicyRef, name=texts, version=texts, hash=texts),
    severity=st.sampled_from(["P0", "P1", "P2", "P3"]),
    customer_id=texts,
    customer_tier=texts,
    service=texts,
    team=texts,
    owner=texts,
    started_at=st.none() | instants,
    due_at=st.none() | instants,
    effective_at=instants,
    detected_at=instants,
    elapsed=spans,
    elapsed_calendar=spans,
    target=st.none() | spans,
    threshold=texts,
    notify=st.lists(texts, max_size=3).map(tuple),
    in_a_row=st.integers(0, 99),
    members=st.lists(texts, max_size=3).map(tuple),
    occurrences=st.integers(0, 500),
    reason=texts,
    versions=st.none() | versions,
    caused_by=texts,
    corrects=texts,
    outcome=texts,
    probability=st.none() | st.floats(0, 1),
    cases=st.integers(0, 10_000),
    classification=st.none() | classifications,
)
outcomes = said | st.builds(
    replace, said, versions=versions, segments=st.lists(segments, max_size=3).map(tuple), hash=st.just("5e")
)
"""Those without a proof, and those with one."""


@given(outcomes)
@settings(max_examples=300, deadline=None)
def test_every_outcome_comes_back_as_it_was_and_fits_the_published_model(outcome: Outcome) -> None:
    record = encode_outcome(outcome)
    assert decode_outcome(record.value, record.headers) == outcome
    OutcomeData.model_validate_json(record.value)
    data = msgspec.json.decode(record.value)
    empty = {name for name, value in data.items() if value in ("", None, [], {})}
    assert empty <= {"subject", "metric"}  # always there; the core leaves neither empty


@given(outcomes)
@settings(max_examples=50, deadline=None)
def test_the_fields_are_written_in_the_order_in_which_the_model_lists_them(outcome: Outcome) -> None:
    fields = list(OutcomeData.model_fields)
    names = list(json.loads(encode_outcome(outcome).value))
    assert names == sorted(names, key=fields.index)


@pytest.mark.parametrize("name", NAMES)
def test_an_outcomes_record_has_the_subject_as_key_and_its_identity_in_headers(name: str) -> None:
    outcome = example_outcome(name)
    record = encode_outcome(outcome)
    headers = dict(record.headers)
    assert record.key == headers["ce_subject"] == outcome.subject.encode()
    assert headers["ce_id"] == outcome.id.encode()
    assert headers["ce_type"] == f"sla.{name}.v1".encode()
    assert (headers["ce_source"], headers["ce_specversion"]) == (b"vigil", b"1.0")
    assert parse_instant(headers["ce_time"].decode()) == outcome.effective_at
    assert headers["content-type"] == b"application/json"


def test_what_remains_and_how_much_is_consumed_is_said_from_the_target() -> None:
    outcome = replace(example_outcome("breach_risk"), target=Span(8_000_000), elapsed=Span(10_000_000))
    data = json.loads(encode_outcome(outcome).value)
    assert (data["target_seconds"], data["elapsed_seconds"]) == (8, 10)
    assert (data["remaining_seconds"], data["consumed_ratio"]) == (-2, 1.25)


def test_a_reader_ignores_fields_that_a_later_engine_adds() -> None:
    record = encode_outcome(example_outcome("met"))
    value = record.value[:-1] + b',"foretold":0.5}'
    assert decode_outcome(value, record.headers) == example_outcome("met")


@pytest.mark.parametrize(
    "value", [b"", b"{", b"{}", b"[]", b"null", b"\xff", b"[" * 50_000, b'{"subject": 1}']
)
def test_what_is_no_outcome_is_a_value_error(value: bytes) -> None:
    headers = encode_outcome(example_outcome("met")).headers
    with pytest.raises(ValueError, match=r"outcome met"):
        decode_outcome(value, headers)


def test_headers_of_something_else_are_a_value_error() -> None:
    record = encode_outcome(example_outcome("met"))
    with pytest.raises(ValueError, match=r"is no outcome; expected a type such as sla\.met\.v1"):
        decode_outcome(record.value, [("ce_type", b"ticket.opened.v1")])
    with pytest.raises(ValueError, match="ce_id"):
        decode_outcome(record.value, [("ce_type", b"sla.met.v1")])


def test_never_is_no_time_that_can_be_written() -> None:
    with pytest.raises(OverflowError):
        encode_outcome(replace(example_outcome("met"), due_at=NEVER))
