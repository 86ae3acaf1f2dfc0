"""The facts of an escalation and what was said of them: append-only chunks, read only for a late fact."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import msgspec
from msgspec import Struct

from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.statements import Statement

CHUNK_ITEMS = 16
"""Items a chunk: the last chunk is written again at every fact, so it is kept short."""
CHUNK_BYTES = 64 * 1024
"""A chunk that is longer gets no more items: many large facts must not fill a record that a later, small item
cannot be added to."""


class Said(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """One statement that stands, under the id of the outcome that said it last."""

    id: str
    statement: Statement


Item: TypeAlias = Fact | Said

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Item])
_ARRAY = b"\xdd"  # msgpack array with a four-byte count, so that items can be appended to a stored chunk
_HEADER = 5


def identity(fact: Fact) -> bytes:
    """The bytes that every stored fact with this source and id contains."""
    return _encoder.encode((fact.source, fact.id))[1:]


class Shelf(Struct, array_like=True):
    """Where a history lies; kept in the main record."""

    first: int = 0
    last: int = 0
    items: int = 0
    """In the last chunk."""
    facts: int = 0
    seq: int = 0
    folded: bool = False
    """Older facts were folded into a base state."""
    corrected_until: Instant = Instant(-1)
    """Something that was said by then was amended or retracted."""


class History:
    """The history of one subject during a round: what is stored, and what the round adds."""

    __slots__ = ("_added", "_bytes", "_changed", "_key", "_read", "shelf")

    def __init__(self, key: bytes, shelf: Shelf, read: Callable[[bytes], bytes | None]) -> None:
        self.shelf = shelf
        self._key = key + b"\0"
        self._read = read
        self._added: list[bytes] = []
        self._changed: dict[bytes, bytes | None] = {}
        self._bytes: bytearray | None = None
        """All items, to be searched; made at the first search of a round."""

    def find(self, fact: Fact) -> Fact | None:
        """The stored fact of the same source and id. They are searched as bytes; only a hit is decoded."""
        if self._bytes is None:
            self._flush()
            self._bytes = bytearray(b"".join(self._chunks()))
        needle = identity(fact)
        if needle not in self._bytes:
            return None
        self._flush()
        for chunk in self._chunks():
            if needle in chunk:
                for item in _decoder.decode(chunk):
                    if type(item) is Fact and item.id == fact.id and item.source == fact.source:
                        return item
        return None

    def append(self, item: Item) -> None:
        encoded = _encoder.encode(item)
        self._added.append(encoded)
        if self._bytes is not None:
            self._bytes += encoded
        if type(item) is Fact:
            self.shelf.facts += 1

    def items(self) -> list[Item]:
        """Everything, in the order of its storage."""
        self._flush()
        items: list[Item] = []
        for chunk in self._chunks():
            items += _decoder.decode(chunk)
        return items

    def rewrite(self, items: Iterable[Item]) -> None:
        """Replace everything."""
        self._added.clear()
        self._bytes = None
        for n in range(self.shelf.first, self.shelf.last + 1):
            if self._chunk(n):
                self._changed[self._chunk_key(n)] = None
        self.shelf.first = self.shelf.last = self.shelf.items = self.shelf.facts = 0
        for item in items:
            self.append(item)
        self._flush()

    def base(self) -> bytes | None:
        """The state that older facts were folded into."""
        return self._get(self._key + b"base") if self.shelf.folded else None

    def set_base(self, state: bytes) -> None:
        self.shelf.folded = True
        self._changed[self._key + b"base"] = state

    def changes(self) -> list[tuple[bytes, bytes | None]]:
        """What has to be stored, a value a key."""
        self._flush()
        return [(key, value) for key, value in self._changed.items() if value != self._read(key)]

    def forget(self) -> None:
        """Every record goes."""
        self.rewrite(())
        if self.shelf.folded:
            self._changed[self._key + b"base"] = None

    # -- inside -------------------------------------------------------------------------------

    def _chunks(self) -> Iterator[bytes]:
        for n in range(self.shelf.first, self.shelf.last + 1):
            chunk = self._chunk(n)
            if chunk:
                yield chunk

    def _flush(self) -> None:
        added, self._added = self._added, []
        shelf = self.shelf
        parts: list[bytes] = []
        size = len(self._chunk(shelf.last)) if added and shelf.items else _HEADER
        for item in added:
            if shelf.items >= CHUNK_ITEMS or size >= CHUNK_BYTES:
                self._extend(parts)
                shelf.last += 1
                shelf.items, size, parts = 0, _HEADER, []
            parts.append(item)
            shelf.items += 1
            size += len(item)
        self._extend(parts)

    def _extend(self, parts: list[bytes]) -> None:
        """Append to the last chunk; the shelf counts them already."""
        if parts:
            shelf = self.shelf
            body = self._chunk(shelf.last)[_HEADER:] if shelf.items > len(parts) else b""
            count = shelf.items.to_bytes(4, "big")
            self._changed[self._chunk_key(shelf.last)] = b"".join((_ARRAY, count, body, *parts))

    def _chunk_key(self, n: int) -> bytes:
        return self._key + b"%d" % n

    def _chunk(self, n: int) -> bytes:
        return self._get(self._chunk_key(n)) or b""

    def _get(self, key: bytes) -> bytes | None:
        if key in self._changed:
            return self._changed[key]
        return self._read(key)
