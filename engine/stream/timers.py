"""What is due when: the alarms of each owned partition, and the ticks that ask for their judgement."""

import asyncio
from collections.abc import Container, Mapping

from engine.contract.codec import encode_tick
from engine.contract.records import Record
from engine.core.decide import Alarms, next_look
from engine.core.instants import NEVER, Instant

AT_A_TIME = 5_000
"""Ticks of one partition and look, at most: a storm after a long stop must not fill the memory."""
SLICE = 5_000
"""Heads at a time, some 5 ms."""

Due = dict[int, list[tuple[Instant, str]]]


class Timers:
    """The alarms of the partitions that are owned, rebuilt from the state at each assignment.

    A tick is (subject, due): the core compares it with the state, so one too many changes nothing.
    """

    def __init__(self) -> None:
        self._alarms: dict[int, Alarms] = {}

    def of(self, partition: int) -> Alarms:
        """For the core to push to."""
        found = self._alarms.get(partition)
        if found is None:
            found = self._alarms[partition] = Alarms()
        return found

    def replace(self, alarms: dict[int, Alarms]) -> None:
        """A new assignment: these, and no others."""
        self._alarms = alarms

    @property
    def partitions(self) -> list[int]:
        """Those that are owned."""
        return list(self._alarms)

    def take_due(self, now: Instant, partitions: Container[int]) -> Due:
        """What is due in these, taken out: an alarm is asked for once. `give_back` what could not be sent."""
        due: Due = {}
        for number, alarms in self._alarms.items():
            if number in partitions and alarms.next() < now:
                due[number] = alarms.pop_due(now, AT_A_TIME)
        return due

    def release(self, partition: int) -> None:
        """The partition's reader has caught up: what waited is due."""
        alarms = self._alarms.get(partition)
        if alarms is not None:
            alarms.release()

    def give_back(self, partition: int, due: list[tuple[Instant, str]]) -> None:
        """The broker did not take the ticks: ask again at the next look."""
        alarms = self._alarms.get(partition)
        if alarms is not None:
            for at, subject in due:
                alarms.push(at, subject)


def ticks(due: list[tuple[Instant, str]], complete: Instant = NEVER, waits: bool = False) -> list[Record]:
    """The commands that ask for the judgement of what is due."""
    return [encode_tick(subject, at, complete, waits) for at, subject in due]


async def pending(partitions: Mapping[int, Mapping[bytes, bytes]], almanac: int) -> dict[int, Alarms]:
    """The pending alarm of every stored escalation, giving way to the event loop in between.

    What was judged by other calendars than those of `almanac` is looked at at once.
    """
    found: dict[int, Alarms] = {}
    for number, records in list(partitions.items()):
        found[number] = Alarms()
        await arm(found[number], records, almanac)
    return found


async def arm(alarms: Alarms, records: Mapping[bytes, bytes], almanac: int) -> None:
    """Push the pending alarm of every escalation of one partition, each as it stands when its turn comes."""
    for count, key in enumerate(list(records)):
        record = records.get(key)
        if record is not None and b"\0" not in key:
            at = next_look(record, almanac)
            if at != NEVER:
                alarms.push(at, key.decode())
        if count % SLICE == SLICE - 1:
            await asyncio.sleep(0)
