"""How facts share records: where a round ends changes none of them, and large facts leave room."""

import random

import msgspec
import pytest

from engine.core.facts import Fact
from engine.core.history import History
from engine.core.instants import Instant
from engine.core.shelf import CHUNK_BYTES, CHUNK_ITEMS, Shelf


def stored(facts: list[Fact], draw: random.Random | None) -> dict[bytes, bytes]:
    """The records after all facts, appended in one round or in rounds of any length; at b"": the rest."""
    records: dict[bytes, bytes] = {}
    shelf, left = Shelf(), list(facts)
    while left:
        cut = len(left) if draw is None else draw.randrange(1, 6)
        history = History(b"a", shelf, records.get)
        for fact in left[:cut]:
            history.append(fact)
        left = left[cut:]
        records |= {key: value or b"" for key, value in history.changes()}
        shelf = history.shelf
    assert History(b"a", shelf, records.get).items() == facts
    assert shelf.chunks == len(records), "as many as are full, each a record of its own"
    return records | {b"": shelf.open}


def fact(number: int, size: int) -> Fact:
    return Fact("s", str(number), "updated", Instant(number), Instant(number), data={"title": "x" * size})


@pytest.mark.parametrize("seed", range(30))
def test_where_rounds_end_changes_no_record(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # no secret
    sizes = (10, 1_000, CHUNK_BYTES // 3, CHUNK_BYTES // 2, CHUNK_BYTES)
    facts = [fact(number, draw.choice(sizes)) for number in range(40)]
    assert stored(facts, draw) == stored(facts, None)


@pytest.mark.parametrize("short_of", range(-2, 12))
def test_nor_does_it_where_two_facts_just_fill_a_record(short_of: int) -> None:
    beside = len(msgspec.msgpack.encode(fact(1, 30_000))) - 30_000
    facts = [fact(1, 30_000), fact(2, CHUNK_BYTES - short_of - 2 * beside - 30_000), fact(3, 10)]
    for seed in range(5):
        assert stored(facts, random.Random(seed)) == stored(facts, None)  # noqa: S311  # no secret


def test_a_record_holds_few_facts_and_few_bytes_whatever_their_size() -> None:
    small = stored([fact(n, 10) for n in range(3 * CHUNK_ITEMS)], None)
    assert len(small) == 3
    large = stored([fact(n, 30_000) for n in range(CHUNK_ITEMS)], None)
    assert max(len(value) for value in large.values()) < CHUNK_BYTES + 31_000
