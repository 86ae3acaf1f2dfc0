"""Records go out as batches that the broker takes: in order, none left out, none too large."""

from aiokafka import AIOKafkaProducer

from engine.contract.records import Record
from engine.stream.delivery import batches

LIMIT = 20_000
LARGEST = 100_000
"""Of a batch: what a dead letter may have."""


async def sizes(records: list[Record]) -> list[tuple[int, int]]:
    """(records, bytes) of each batch."""
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", max_batch_size=LARGEST)
    try:
        return [(made.record_count(), made.size()) for made in batches(producer, records, LIMIT)]
    finally:
        await producer.stop()


async def test_records_share_batches_up_to_the_limit() -> None:
    made = await sizes([Record(b"key", b"v" * 1_000, [("ce_id", b"1")])] * 100)
    assert sum(count for count, _ in made) == 100
    assert len(made) > 1
    assert all(size <= LIMIT for _, size in made)


async def test_a_record_above_the_limit_has_a_batch_of_its_own() -> None:
    made = await sizes([Record(b"a", b"v"), Record(b"a", b"v" * 2 * LARGEST), Record(b"a", b"v")])
    assert [count for count, _ in made] == [1, 1, 1]


async def test_a_dead_letter_with_more_in_its_headers_than_we_ever_write_finds_a_batch() -> None:
    heavy = Record(b"a", b"v", [("x", b"h" * (LARGEST - 10_000))])
    made = await sizes([Record(b"a", b"v" * 10_000), heavy, heavy, Record(b"a", b"v")])
    assert sum(count for count, _ in made) == 4
    assert all(size <= LARGEST for _, size in made)


async def test_a_tombstone_is_a_record_and_nothing_makes_no_batch() -> None:
    assert [count for count, _ in await sizes([Record(b"a", None)])] == [1]
    assert await sizes([]) == []
