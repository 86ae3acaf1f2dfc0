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

    __slots__ = ("_added", "_changed", "_fresh", "_key", "_read", "_stored", "shelf")

    def __init__(self, key: bytes, shelf: Shelf, read: Callable[[bytes], bytes | None]) -> None:
        self.shelf = shelf
        self._key = key + b"\0"
        self._read = read
        self._added: list[Item] = []
        self._changed: dict[bytes, bytes | None] = {}
        self._fresh: dict[tuple[str, str], Fact] = {}
        """The facts that were added since `_stored` was read, by source and id."""
        self._stored: bytes | None = None
        """All items that were there at the first search of a round, to be searched."""

    def find(self, fact: Fact) -> Fact | None:
        """The stored fact of the same source and id. They are searched as bytes; only a hit is decoded."""
        if self._stored is None:
            self._flush()
            self._stored = b"".join(self._chunks())
            self._fresh.clear()
        known = self._fresh.get((fact.source, fact.id))
        if known is not None:
            return known
        needle = _encoder.encode(fact.id)
        if needle not in self._stored:
            return None
        self._flush()
        for chunk in self._chunks():
            if needle in chunk:
                for item in _decoder.decode(chunk):
                    if type(item) is Fact and item.id == fact.id and item.source == fact.source:
                        return item
        return None

    def append(self, item: Item) -> None:
        self._added.append(item)
        if type(item) is Fact:
            self._fresh[item.source, item.id] = item
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
        self._stored = None
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
        """Put what was added behind what is there."""
        added, shelf = self._added, self.shelf
        self._added = []
        while added:
            if shelf.items >= CHUNK_ITEMS:
                shelf.last += 1
                shelf.items = 0
            room = CHUNK_ITEMS - shelf.items
            batch, added = added[:room], added[room:]
            # At once: the usual case.
            items = _encoder.encode(batch)[1 if len(batch) < 16 else 3 :]
            size = (len(self._chunk(shelf.last)) if shelf.items else _HEADER) + len(items)
            if size < CHUNK_BYTES:
                shelf.items += len(batch)
                self._extend([items], len(batch))
            else:
                self._flush_one_by_one(batch)

    def _flush_one_by_one(self, added: list[Item]) -> None:
        shelf = self.shelf
        parts: list[bytes] = []
        size = len(self._chunk(shelf.last)) if shelf.items else _HEADER
        for item in added:
            if shelf.items >= CHUNK_ITEMS or size >= CHUNK_BYTES:
                self._extend(parts, len(parts))
                shelf.last += 1
                shelf.items, size, parts = 0, _HEADER, []
            encoded = _encoder.encode(item)
            parts.append(encoded)
            shelf.items += 1
            size += len(encoded)
        self._extend(parts, len(parts))

    def _extend(self, parts: list[bytes], count: int) -> None:
        """Append `count` encoded items to the last chunk; the shelf counts them already."""
        if parts:
            shelf = self.shelf
            body = self._chunk(shelf.last)[_HEADER:] if shelf.items > count else b""
            total = shelf.items.to_bytes(4, "big")
            self._changed[self._chunk_key(shelf.last)] = b"".join((_ARRAY, total, body, *parts))

    def _chunk_key(self, n: int) -> bytes:
        return self._key + b"%d" % n

    def _chunk(self, n: int) -> bytes:
        return self._get(self._chunk_key(n)) or b""

    def _get(self, key: bytes) -> bytes | None:
        if key in self._changed:
            return self._changed[key]
        return self._read(key)
