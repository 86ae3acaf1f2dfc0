"""The simulator can fail: its time, its processes and its broker do what they stand for, and runs repeat."""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from accounts import Accounts
from aiokafka.errors import IllegalGenerationError, ProducerFenced
from faust.types import TP
from memory_broker import Broker, Line
from simulation import World
from virtual_time import PROCESS, Process, Stuck, VirtualLoop

from engine.contract.records import Record
from engine.core.outcomes import BEHIND, ROOM

HERE = Path(__file__).parent
TP0 = TP("t", 0)


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.finish()


def ended(_: Process, why: str) -> None:
    """Nothing is to follow."""


# Time and processes


def test_an_hour_takes_no_time_and_what_never_happens_is_told(loop: VirtualLoop) -> None:
    loop.run_until_complete(asyncio.sleep(3_600))
    assert loop.time() == pytest.approx(3_600)
    with pytest.raises(Stuck):
        loop.run_until_complete(loop.create_future())


def test_of_a_killed_process_nothing_runs_any_more_not_even_a_finally(loop: VirtualLoop) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1)
            done.append("slept")
        finally:
            done.append("finally")

    process = Process("p", ended)
    loop.create_task(work(), context=process.context)
    loop.call_later(0.5, process.end, "killed")
    loop.run_until_complete(asyncio.sleep(5))
    assert done == []


def test_a_frozen_process_does_later_what_it_was_to_do_meanwhile(loop: VirtualLoop) -> None:
    done: list[tuple[float, str]] = []

    async def work() -> None:
        await asyncio.sleep(1)
        process = PROCESS.get()
        done.append((loop.time(), process.name if process else ""))

    process = Process("p", ended)
    loop.create_task(work(), context=process.context)
    loop.call_later(0.5, setattr, process, "frozen", True)
    loop.call_later(3, process.thaw, loop)
    loop.run_until_complete(asyncio.sleep(5))
    ((at, name),) = done
    assert at == pytest.approx(3)
    assert name == "p"


# The broker


@pytest.fixture
def broker(loop: VirtualLoop) -> Broker:
    return Broker(loop, Random(0))  # noqa: S311  # a seed makes it repeatable


def record(text: bytes) -> list[Record]:
    return [Record(b"k", text)]


def values(broker: Broker) -> list[bytes | None]:
    return [entry.value for entry in broker.log(TP0).committed()]


def test_what_an_open_transaction_wrote_is_hidden_with_all_behind_it(
    loop: VirtualLoop, broker: Broker
) -> None:
    epoch = broker.initialise("id")
    broker.produce(TP0, record(b"in"), [0], "id", epoch)
    broker.produce(TP0, record(b"behind"), [0])
    assert broker.log(TP0).read(0, 9).end == 0
    broker.commit_transaction("id", epoch)
    assert broker.log(TP0).read(0, 9).end == 0, "decided, and its markers are not written yet"
    loop.run_until_complete(asyncio.sleep(1))
    assert [one.value for one in broker.log(TP0).read(0, 9)] == [b"in", b"behind"]
    assert broker.log(TP0).read(0, 9).end == 3, "the marker has an offset"


def test_the_next_owner_aborts_what_was_open_and_bars_the_one_before(broker: Broker) -> None:
    first = broker.initialise("id")
    broker.produce(TP0, record(b"lost"), [0], "id", first)
    broker.send_offsets("id", first, {TP0: 7})
    second = broker.initialise("id")
    assert values(broker) == []
    assert broker.offsets == {}
    for late in (
        lambda: broker.produce(TP0, record(b"late"), [0], "id", first),
        lambda: broker.send_offsets("id", first, {TP0: 8}),
        lambda: broker.commit_transaction("id", first),
    ):
        with pytest.raises(ProducerFenced):
            late()
    broker.produce(TP0, record(b"good"), [0], "id", second)


def test_offsets_of_a_transaction_count_when_it_is_committed(loop: VirtualLoop, broker: Broker) -> None:
    epoch = broker.initialise("id")
    broker.send_offsets("id", epoch, {TP0: 7})
    broker.commit_transaction("id", epoch)
    assert broker.offsets == {}
    loop.run_until_complete(asyncio.sleep(1))
    assert broker.offsets == {TP0: 7}


def test_a_commit_of_a_generation_that_is_over_is_refused(broker: Broker) -> None:
    broker.generation = 2
    with pytest.raises(IllegalGenerationError):
        broker.commit_offsets(1, {TP0: 7})


def test_what_was_sent_arrives_though_its_sender_dies_and_in_the_order_of_sending(
    loop: VirtualLoop, broker: Broker
) -> None:
    process = Process("p", ended)

    async def send(text: bytes) -> None:
        await broker.request(line, "write", lambda: broker.produce(TP0, record(text), [0]))

    line = Line(process)
    texts = [b"%d" % number for number in range(20)]
    for text in texts:
        loop.create_task(send(text), context=process.context)
    loop.call_later(0.0005, process.end, "killed")
    loop.run_until_complete(asyncio.sleep(5))
    assert values(broker) == texts


# Runs


def test_the_first_seeds_do_everything_that_the_simulator_is_for() -> None:
    """Else it would go on passing when a disturbance had stopped happening."""
    seen: Counter[str] = Counter()
    for seed in range(100):
        said: list[str] = []
        world = World(seed, said.append)
        world.run()
        seen.update(world.counts)
        text = "\n".join(said)
        for what in ("hole", "ProducerFenced", "suspended", "foreign_changelog_write"):
            seen[what] += text.count(what)
        for name in ("duplicate", "conflicting_duplicate", "from_the_future", "unparsable", "key_mismatch"):
            seen[name] += f"'{name}'" in text
        seen["relays"] += len(re.findall(r" relays=[1-9]", text))
        seen["its sender is gone"] += text.count("its sender is gone")
        seen[world.settings.delivery] += 1
        outcomes = Accounts(world).outcomes
        seen["provisional"] += sum(outcome.provisional for outcome in outcomes)
        for name in (BEHIND, "recurrence_detected", "classified", "waived", "overdue", ROOM):
            seen[name] += sum(outcome.name == name for outcome in outcomes)
    missing = {
        "clock jump", "frozen", "rebalance", "killed at", "killed before", "killed after", "unknown fate",
        "hole", "ProducerFenced", "suspended", "duplicate", "conflicting_duplicate", "from_the_future",
        "unparsable", "key_mismatch", "its sender is gone", "transactions", "acknowledged", "relays",
        "provisional", BEHIND, "recurrence_detected", "classified", "waived", "overdue", ROOM,
        "other calendars", "another version",
    } - set(+seen)  # fmt: skip
    assert missing == set()


def test_a_seed_gives_the_same_bytes_whatever_the_order_of_hashes() -> None:
    program = "import sys; from simulation import World\nfor seed in range(4):\n" \
        " world = World(seed); world.run(); print(world.digest())"  # fmt: skip
    digests = set()
    for hashes in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": str(HERE)}
        made = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True,
            timeout=100, cwd=HERE.parents[1],
        )  # fmt: skip
        digests.add(made.stdout)
    assert len(digests) == 1
    assert len(set(digests.pop().split())) == 4
