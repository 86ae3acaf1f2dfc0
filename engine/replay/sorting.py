"""Sorts more than memory holds: sorted runs go to temporary files and are merged at the end."""

import heapq
from collections.abc import Iterator
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Generic, TypeVar

import msgspec

from engine.replay.files import BUFFER_BYTES

Key = TypeVar("Key", bound=tuple[Any, ...])

IN_MEMORY = 96 * 1024 * 1024
"""Bytes of payload that are held before a run is written out."""
_OVERHEAD = 300
"""About what a key and its place in a list cost beside the payload."""


class Sorter(Generic[Key]):
    """Takes (key, payload) pairs in any order and gives them back by key. Equal keys keep their order."""

    def __init__(self, kind: type[Key], in_memory: int = IN_MEMORY) -> None:
        """`kind` is the type of the keys, such as tuple[int, str]; msgpack must be able to hold it."""
        self._decoder = msgspec.msgpack.Decoder(tuple[kind, bytes])  # type: ignore[valid-type]
        self._encoder = msgspec.msgpack.Encoder()
        self._limit = in_memory
        self._held: list[tuple[Key, bytes]] = []
        self._size = 0
        self._runs: list[IO[bytes]] = []

    def add(self, key: Key, payload: bytes) -> None:
        self._held.append((key, payload))
        self._size += len(payload) + _OVERHEAD
        if self._size >= self._limit:
            self._spill()

    def __iter__(self) -> Iterator[tuple[Key, bytes]]:
        """Everything added so far, sorted. May be asked for again when the last reading is over."""
        self._held.sort(key=_key)
        if not self._runs:
            return iter(self._held)
        return heapq.merge(*(self._read(run) for run in self._runs), self._held, key=_key)

    def __enter__(self) -> "Sorter[Key]":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for run in self._runs:
            run.close()

    def _spill(self) -> None:
        self._held.sort(key=_key)
        run = TemporaryFile(prefix="vigil-", buffering=BUFFER_BYTES)  # noqa: SIM115  # closed by __exit__
        for pair in self._held:
            packed = self._encoder.encode(pair)
            run.write(len(packed).to_bytes(4, "big"))
            run.write(packed)
        self._runs.append(run)
        self._held = []
        self._size = 0

    def _read(self, run: IO[bytes]) -> Iterator[tuple[Key, bytes]]:
        run.seek(0)
        while head := run.read(4):
            yield self._decoder.decode(run.read(int.from_bytes(head, "big")))


def _key(pair: tuple[Key, bytes]) -> Key:
    return pair[0]
