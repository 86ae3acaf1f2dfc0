"""Whatever bytes come, decode names what is wrong with them and never raises."""

import json
import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.contract.codec import Command, PartlyKnown, Received, Tick, Unreadable, decode, read_line
from engine.contract.dead_letters import dead_letter
from engine.contract.examples import examples

pytestmark = pytest.mark.slow

REASONS = frozenset(
    [
        "unparsable",
        "not_cloudevents",
        "unknown_type",
        "bad_field",
        "no_key",
        "key_mismatch",
        "from_the_future",
        "too_large",
        "empty",
    ]
)
NOW_MS = 1_793_700_000_000  # after every example
EVENTS = [event for _, event in sorted(dict(examples()).items())]
STRUCTURED = [("content-type", b"application/cloudevents+json")]
NASTY = [
    b"NaN", b"Infinity", b"-1e999", b"1" * 5_000, b'"\\ud800"', b'"\\u0000"', b"\xff\xfe", b"[" * 5_000,
    b'{"a":' * 5_000, b"null", b"{}", b"[]", b'""', b"true", b"-0", b"1e400", b'"9999-12-31T23:59:59Z"',
    b'"0001-01-01T00:00:00+23:59"', b'"2026-11-02"', b"\xed\xa0\x80", b'"\xf4\x90\x80\x80"', b"\x00",
]  # fmt: skip


class Record(msgspec.Struct):
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def judge(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> str:
    """Decodes; what the answer is called. Fails where it is none of the three, or could not be kept."""
    answer = decode(key, value, headers, NOW_MS)
    if isinstance(answer, Received):
        assert answer.subject.encode() == key
        msgspec.msgpack.encode(answer.fact)
        return "partly_known" if isinstance(answer, PartlyKnown) else "received"
    if isinstance(answer, Tick):
        return "tick"
    if isinstance(answer, Command):
        assert answer.subject.encode() == key
        msgspec.msgpack.encode(answer.fact)
        return "command"
    assert type(answer) is Unreadable
    assert answer.reason in REASONS
    assert answer.detail
    assert answer.ignored == (answer.reason == "unknown_type")
    written = dead_letter(Record("t", 0, 1, key, value, headers), answer.reason, answer.detail, answer.path)
    assert (written.key, written.value) == (key, value)
    assert written.headers[: len(headers)] == headers
    return answer.reason


def binary(event: dict[str, object]) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """The example as a record in binary mode."""
    headers = [
        (f"ce_{name}", str(text).encode())
        for name, text in event.items()
        if name not in ("data", "datacontenttype")
    ]
    headers.append(("content-type", b"application/json"))
    return str(event["subject"]).encode(), json.dumps(event["data"]).encode(), headers


def mutated(draw: random.Random, value: bytes) -> bytes:
    """The value with a few of its parts cut, doubled, swapped or replaced."""
    for _ in range(draw.randint(1, 3)):
        at, length = draw.randrange(len(value) + 1), draw.choice((0, 1, 1, 2, 5, 20))
        piece = draw.choice(
            [draw.choice(NASTY), draw.randbytes(draw.randint(0, 3)), value[at : at + 20], b"", b'"', b","]
        )
        value = value[:at] + piece + value[at + length :]
    return value


def replaced(draw: random.Random, event: dict[str, object]) -> bytes:
    """The event as JSON, one of its values, at any depth, replaced by something nasty."""
    text = json.dumps(event)
    leaves = [json.dumps(leaf) for leaf in _leaves(event)]
    return text.encode().replace(draw.choice(leaves).encode(), draw.choice(NASTY), 1)


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [value, *(leaf for one in value.values() for leaf in _leaves(one))]
    if isinstance(value, list):
        return [value, *(leaf for one in value for leaf in _leaves(one))]
    return [value]


text_bytes = st.binary(max_size=40)
header_names = st.sampled_from(
    [
        "ce_specversion",
        "ce_type",
        "ce_source",
        "ce_id",
        "ce_subject",
        "ce_time",
        "ce_sequence",
        "ce_recordedtime",
        "content-type",
        "Content-Type",
        "other",
    ]
)
header_values = st.one_of(
    text_bytes,
    st.sampled_from(
        [b"1.0", b"ticket.opened.v1", b"vigil.tick.v1", b"application/json", b"application/cloudevents+json",
         b"application/cloudevents-batch+json", b"2026-11-02T10:00:00Z", b"k"]
    ),
)  # fmt: skip


@given(
    key=st.none() | text_bytes | st.just(b"k"),
    value=st.none() | st.binary(max_size=200) | st.sampled_from(NASTY),
    headers=st.lists(st.tuples(header_names, header_values), max_size=10),
)
@settings(max_examples=400, deadline=None)
def test_any_bytes_get_an_answer(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    judge(key, value, headers)


@given(st.binary(max_size=300) | st.sampled_from(NASTY))
@settings(max_examples=300, deadline=None)
def test_any_line_gets_an_answer(line: bytes) -> None:
    assert isinstance(read_line(line), Received | Unreadable)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(event=st.sampled_from(EVENTS), values=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_in_the_place_of_a_field_gets_an_answer(
    event: dict[str, object], values: st.DataObject
) -> None:
    data = dict(event["data"])  # type: ignore[call-overload]  # every example has an object
    name = values.draw(st.sampled_from([*data, "never_heard_of"]))
    data[name] = values.draw(json_values)
    key, _, headers = binary(event)
    answer = judge(key, json.dumps(data).encode(), headers)
    line = json.dumps({**event, "data": data}).encode()
    assert judge(key, line, STRUCTURED) == answer


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_damaged_events_get_an_answer_in_both_modes(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    seen: set[str] = set()
    for _ in range(3_000):
        event = draw.choice(EVENTS)
        key, value, headers = binary(event)
        seen.add(judge(key, mutated(draw, value), headers))
        at = draw.randrange(len(headers))
        worse = [*headers]
        worse[at] = (headers[at][0], mutated(draw, headers[at][1]))
        seen.add(judge(key, value, worse))
        seen.add(judge(key, mutated(draw, json.dumps(event).encode()), STRUCTURED))
        seen.add(judge(key, replaced(draw, event), STRUCTURED))
    assert seen >= {"received", "unparsable", "bad_field", "key_mismatch", "not_cloudevents", "unknown_type"}
