"""Whatever a body says, a source answers with events or with a named reason: nothing else is raised."""

import contextlib
import copy
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.intake.arrival import Arrival, NotAuthentic, NotMapped
from engine.intake.records import records_of
from engine.intake.sources import SOURCES
from intake.deliveries import arrival, door_of
from intake.test_payloads import EXAMPLES

pytestmark = pytest.mark.slow

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
VALUES = st.recursive(
    PLAIN | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, one in inner for place in places(one, (*at, key)))]


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    made = copy.deepcopy(value)
    inner = made
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = new
    return made


def answers(source: str, came: Arrival) -> None:
    door = door_of(source)
    for part in (came, *door.source.apart(came)):
        with contextlib.suppress(NotMapped):
            records_of(door.source.translate(part, door.mapping), door.name, part)


@pytest.mark.parametrize("source", sorted(SOURCES))
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_payload_with_something_else_in_a_place_is_mapped_or_named(
    source: str, data: st.DataObject
) -> None:
    example = data.draw(st.sampled_from(EXAMPLES[source]))
    body = orjson.loads(example.body)
    for _ in range(data.draw(st.integers(1, 3))):
        body = changed(body, data.draw(st.sampled_from(places(body))), data.draw(VALUES))
    try:
        raw = orjson.dumps(body)
    except TypeError:  # a key that became no text
        return
    answers(source, arrival(raw, example.headers))


@pytest.mark.parametrize("source", sorted(SOURCES))
@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=200), headers=st.dictionaries(st.text(max_size=10), st.text(max_size=10)))
def test_any_bytes_are_named(source: str, raw: bytes, headers: dict[str, str]) -> None:
    answers(source, arrival(raw, headers))
    with pytest.raises(NotAuthentic):
        SOURCES[source].authenticate(arrival(raw, headers), ("the secret of nobody",))
