"""Records go out as batches that the broker takes: in order, none left out, none too large."""

from aiokafka import AIOKafkaProducer

from engine.contract.records import Record
from engine.settings import Settings
from engine.stream.delivery import batches, producer_options, size_of, whole_batches

LIMIT = 20_000
LARGEST = 100_000
"""Of a batch: what a dead letter may have."""


async def sizes(
    records: list[Record], *, whole: bool = False, largest: int = LARGEST
) -> list[tuple[int, int]]:
    """(records, bytes) of each batch."""
    producer = AIOKafkaProducer(bootstrap_servers="127.0.0.1:1", max_batch_size=largest)
    into = whole_batches if whole else batches
    try:
        return [(made.record_count(), made.size()) for made in into(producer, records, LIMIT)]
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


def state(subject: str, *values: int | None) -> list[Record]:
    """Of one escalation: its history, and its main record last."""
    keys = [f"{subject}\0{n}" for n in range(len(values) - 1)] + [subject]
    return [
        Record(key.encode(), None if size is None else b"v" * size, [("vigil_epoch", b"1")])
        for key, size in zip(keys, values, strict=True)
    ]


async def test_the_state_of_an_escalation_is_in_one_batch() -> None:
    """Who dies between two batches leaves none whose history is of now and whose main record is of before."""
    of_each = [state("a", 8_000, 8_000), state("b", 3_000, None, 3_000), state("c", 100), state("d", 15_000)]
    records = [record for state_of_one in of_each for record in state_of_one]
    made = await sizes(records, whole=True)
    assert [count for count, _ in made] == [2, 4, 1]
    assert all(size <= LIMIT for _, size in made)
    assert [count for count, _ in await sizes(records)] != [2, 4, 1], "what fits best is another thing"


async def test_a_state_fills_a_batch_to_its_last_byte() -> None:
    records = state("a", 9_000, 9_000)
    rest = LIMIT - sum(map(size_of, records)) - size_of(state("b", 0)[0])
    assert [count for count, _ in await sizes(records + state("b", rest), whole=True)] == [3]
    assert [count for count, _ in await sizes(records + state("b", rest + 1), whole=True)] == [2, 1]


async def test_a_state_that_no_batch_can_hold_is_sent_in_its_order() -> None:
    made = await sizes(state("a", 100) + state("b", *[9_000] * 5) + state("c", 100), whole=True)
    counts = [count for count, _ in made]
    assert (sum(counts), counts[0], counts[-1]) == (7, 1, 1)
    assert all(size <= LIMIT for _, size in made)


async def test_a_producer_that_takes_less_than_the_limit_loses_nothing() -> None:
    records = state("a", *[3_000] * 4) + state("b", 3_000, 3_000)
    made = await sizes(records, whole=True, largest=LIMIT // 2)
    assert sum(count for count, _ in made) == len(records)


def test_a_producer_takes_the_largest_record_of_either_kind() -> None:
    for given in ({"max_dead_letter_bytes": 500_000}, {"max_record_bytes": 20_000_000}):
        settings = Settings(**given)  # type: ignore[arg-type]
        options = producer_options(settings)
        for largest in (settings.max_record_bytes, settings.max_dead_letter_bytes):
            assert min(options["max_batch_size"], options["max_request_size"]) >= largest
