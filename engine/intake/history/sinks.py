"""Where loaded history goes: to Kafka, acknowledged, or to a file for `vigil replay`."""

import asyncio
import os
from collections.abc import Sequence
from io import BufferedRandom
from pathlib import Path
from typing import NamedTuple, Protocol

import orjson
import structlog

from engine.contract.codec import Record
from engine.intake.arrival import Arrival, NotMapped
from engine.intake.history.asking import pause
from engine.intake.history.failures import HistoryAway, HistoryRefused
from engine.intake.records import ToSend, line_of, refused
from engine.intake.sending import DLQ, NotSent, Sender

_AT_ONCE = 500
"""Records that are sent before their acknowledgements are waited for."""
_ATTEMPTS = 12
_BACK_OFF = 30.0
"""Seconds."""

log = structlog.stdlib.get_logger("vigil.intake.history")


class Letter(NamedTuple):
    """What could not be mapped, and why."""

    arrival: Arrival
    why: NotMapped


class Sink(Protocol):
    name: str
    """What the state remembers it by."""

    async def take(self, events: Sequence[ToSend], letters: Sequence[Letter]) -> tuple[int, int]:
        """Durable when it returns: how far both files are written; (0, 0) where there are none."""
        ...


class ToKafka:
    """The events on their topics, dead letters as at the door."""

    name = ""

    def __init__(self, sender: Sender, door: str, stopping: asyncio.Event) -> None:
        """Once `stopping` is set Kafka is waited for no more: Stopped."""
        self._sender, self._door, self._stopping = sender, door, stopping

    async def take(self, events: Sequence[ToSend], letters: Sequence[Letter]) -> tuple[int, int]:
        records = [(one.family, one.record) for one in events]
        records += [(DLQ, refused(one.arrival, self._door, one.why)) for one in letters]
        for first in range(0, len(records), _AT_ONCE):
            await self._send(records[first : first + _AT_ONCE])
        return 0, 0

    async def _send(self, records: list[tuple[str, Record]]) -> None:
        """Again until Kafka has them: what arrived twice has equal ids."""
        for attempt in range(_ATTEMPTS):
            try:
                await self._sender.send(records)
                return
            except NotSent as error:
                log.warning("not_sent", why=str(error), attempt=attempt + 1)
                await pause(self._stopping, min(_BACK_OFF, 0.5 * 2**attempt))
        raise HistoryAway("not_sent", f"Kafka did not acknowledge, {_ATTEMPTS} times")


class ToFile:
    """CloudEvents as JSON lines, and beside it FILE.dead: what could not be mapped, with its reason.

    Use it as a context. What is behind `written` was not acknowledged to anybody, and is cut off.
    """

    def __init__(self, file: Path, written: tuple[int, int]) -> None:
        self.name = str(file)
        self._places = (file, file.with_name(file.name + ".dead"))
        self._written = written
        self._files: list[BufferedRandom] = []

    def __enter__(self) -> "ToFile":
        for place, size in zip(self._places, self._written, strict=True):
            place.touch()
            if place.stat().st_size < size:
                detail = f"{place} is shorter than the {size} bytes written to it"
                raise HistoryRefused("state_of_another", detail)
            file = place.open("r+b")
            file.truncate(size)
            file.seek(size)
            self._files.append(file)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    async def take(self, events: Sequence[ToSend], letters: Sequence[Letter]) -> tuple[int, int]:
        said, dead = self._files
        said.write(b"".join(line_of(one) + b"\n" for one in events))
        for arrival, why in letters:
            letter = {"reason": why.reason, "detail": str(why), "body": orjson.loads(arrival.body)}
            dead.write(orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE))
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
        return said.tell(), dead.tell()
