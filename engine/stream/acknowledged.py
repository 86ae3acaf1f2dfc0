"""At least once: outcomes acknowledged, then changelog, relays, chunk. For brokers without transactions.

In this order a crash gives an outcome twice, with equal ids; in the other it would lose one. Nothing at the
broker bars an owner that was replaced and does not know it yet, so this stage watches for three signs of it:
the process stood still for too long; somebody else wrote our changelog; an old record is behind a newer one.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping

from engine.contract.records import Record
from engine.settings import Settings
from engine.stream.delivery import Decision, OnSettled, Settled
from engine.stream.ending import in_doubt
from engine.stream.sender import Sender
from engine.stream.table import EPOCH, StateTable

STANDSTILL = 0.6
"""Of the session: who stood still for longer may have been replaced."""


class Pulse:
    """Knows how long the event loop last stood still. `beat` belongs into a timer."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._last = time.monotonic()

    def beat(self) -> None:
        self.check()
        self._last = time.monotonic()

    def restart(self) -> None:
        """A new assignment: what was before does not count."""
        self._last = time.monotonic()

    def check(self) -> None:
        """End the process when nothing ran for longer than the limit."""
        still = time.monotonic() - self._last
        if still > self.limit:
            in_doubt("suspended", seconds=round(still, 1), limit=self.limit)


class Acknowledged:
    """The durable stage without transactions."""

    commits_offsets = False

    def __init__(self, settings: Settings, table: StateTable, sender: Sender, on_settled: OnSettled) -> None:
        self._settings = settings
        self._table = table
        self._sender = sender
        self._on_settled = on_settled
        self._last: dict[int, asyncio.Task[None]] = {}
        self.pulse = Pulse(settings.session_timeout * STANDSTILL)

    async def own(self, partitions: set[int]) -> None:
        self.pulse.restart()
        await self._sender.start()
        self._last = {number: task for number, task in self._last.items() if number in partitions}

    async def begin(self, generation: int) -> None:
        """Recovery is over: write with an epoch above all before, and write again what came late.

        Who stood still while it recovered may have been replaced meanwhile: what it has read is old, and
        where it read nothing, not even a foreign write into the changelog would show it.
        """
        self.pulse.check()
        for number in list(self._table.partitions_held):
            # The generation grows with each assignment; where the broker forgot it, the changelog remembers.
            known = max(self._table.epochs.get(number, 0), self._table.own_epochs.get(number, 0))
            self._table.own_epochs[number] = max(generation, known + 1)
        for number, keys in list(self._table.to_repair.items()):
            held = self._table.held(number)
            await self._write_state(number, [(key, held.get(key)) for key in sorted(keys)])
        self._table.forget_epochs()

    def put(self, decision: Decision) -> None:
        number = decision.chunk.partition
        self._last[number] = asyncio.create_task(self._settle(decision, self._last.get(number)))

    async def drain(self) -> None:
        await asyncio.gather(*(asyncio.shield(task) for task in self._last.values()))

    async def close(self) -> None:
        await self._sender.stop()

    def written(self) -> dict[int, int]:
        """Partition → the last offset of its changelog, where nothing is being written; -1: empty."""
        return {
            number: self._table.last_of(number)
            for number in self._table.partitions_held
            if number not in self._last or self._last[number].done()
        }

    def compare(self, before: Mapping[int, int], ends: Mapping[int, int]) -> None:
        """End the process where a changelog ends behind what we have written, before as now."""
        for number, last in self.written().items():
            end = ends.get(number, -1)
            if before.get(number) == last < end:
                in_doubt("foreign_changelog_write", partition=number, expected=last, got=end)

    async def _settle(self, decision: Decision, previous: asyncio.Task[None] | None) -> None:
        number = decision.chunk.partition
        began = time.monotonic()
        try:
            await asyncio.gather(
                self._sender.send(self._settings.outcomes_topic, number, decision.outcomes),
                self._sender.send(self._settings.dlq_topic, number, decision.dead_letters),
            )
            if previous is not None:
                await previous
            writes = time.monotonic()
            last = await self._write_state(number, decision.state)
            state_seconds = None if last is None else time.monotonic() - writes
            # Behind the state: only what is stored is passed on. Who dies before this has not acknowledged
            # the chunk; whoever reads it again sends it again (Options.relay_again).
            await self._sender.send_by_key(self._settings.commands_topic, decision.relays)
            self._on_settled(Settled(number, [decision], last, time.monotonic() - began, state_seconds))
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            in_doubt("durable_stage", error, partition=number)

    async def _write_state(self, number: int, state: Iterable[tuple[bytes, bytes | None]]) -> int | None:
        """Append to the changelog; its last offset. Ends the process where somebody else wrote there too."""
        self.pulse.check()
        epoch = [(EPOCH, b"%d" % self._table.own_epochs.get(number, 0))]
        records = [Record(key, value, epoch) for key, value in state]
        written = await self._sender.send(self._settings.changelog_topic, number, records, whole=True)
        if written is None:
            return None
        first, last = written
        known = self._table.last_of(number)
        if known >= 0 and first != known + 1:
            in_doubt("foreign_changelog_write", partition=number, expected=known + 1, got=first)
        self._table.last_offset[number] = last
        return last
