"""The facts of an escalation, what was said and passed on: append-only chunks, read only for a late fact."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.shelf import CHUNK_BYTES, CHUNK_ITEMS, Item, Shelf
from engine.core.unpacking import unpack

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Item])
_ARRAY = b"\xdd"  # msgpack array with a four-byte count: its items can be put together from parts


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
            self._stored = b"".join(self._chunks()) if self.shelf.chunks else self.shelf.open
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
                for item in unpack(_decoder, chunk):
                    if type(item) is Fact and item.id == fact.id and item.source == fact.source:
                        return item
        return None

    def holds(self, id: str) -> bool:
        """Whether anything of that id lies in it: of what was said, said before."""
        self._flush()
        needle = _encoder.encode(id)
        return any(needle in chunk for chunk in self._chunks())

    def append(self, item: Item) -> None:
        self._added.append(item)
        if type(item) is Fact:
            self._fresh[item.source, item.id] = item
            self.shelf.facts += 1

    def last_recorded(self) -> Instant:
        """The latest recording of the facts that lie together at its end."""
        self._flush()
        for chunk in self._chunks_from_the_end():
            items: list[Item] = unpack(_decoder, chunk)
            recorded = [item.recorded for item in items if type(item) is Fact]
            if recorded:
                return max(recorded)
        return Instant(0)

    def items(self) -> list[Item]:
        """Everything, in the order of its storage."""
        self._flush()
        items: list[Item] = []
        for chunk in self._chunks():
            found: list[Item] = unpack(_decoder, chunk)
            items += found
        return items

    def rewrite(self, items: Iterable[Item]) -> None:
        """Replace everything."""
        self._added.clear()
        self._stored = None
        shelf = self.shelf
        for n in range(shelf.chunks):
            self._changed[self._chunk_key(n)] = None
        shelf.chunks = shelf.items = shelf.facts = 0
        shelf.open = b""
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
        for n in range(self.shelf.chunks):
            yield self._get(self._chunk_key(n)) or b"\x90"
        if self.shelf.items:
            yield self._open_chunk()

    def _chunks_from_the_end(self) -> Iterator[bytes]:
        if self.shelf.items:
            yield self._open_chunk()
        for n in reversed(range(self.shelf.chunks)):
            yield self._get(self._chunk_key(n)) or b"\x90"

    def _open_chunk(self) -> bytes:
        return b"".join((_ARRAY, self.shelf.items.to_bytes(4, "big"), self.shelf.open))

    def _flush(self) -> None:
        """Put what was added behind what is there."""
        added, shelf = self._added, self.shelf
        self._added = []
        while added:
            self._make_room()
            room = CHUNK_ITEMS - shelf.items
            batch, added = added[:room], added[room:]
            encoded = _encoder.encode(batch)[1 if len(batch) < 16 else 3 :]
            if len(shelf.open) + len(encoded) < CHUNK_BYTES:
                shelf.open += encoded
                shelf.items += len(batch)
                continue
            for item in batch:
                self._make_room()
                shelf.open += _encoder.encode(item)
                shelf.items += 1

    def _make_room(self) -> None:
        """A full chunk becomes a record of its own before the next item."""
        shelf = self.shelf
        if shelf.items >= CHUNK_ITEMS or len(shelf.open) >= CHUNK_BYTES:
            self._changed[self._chunk_key(shelf.chunks)] = self._open_chunk()
            shelf.chunks += 1
            shelf.items, shelf.open = 0, b""

    def _chunk_key(self, n: int) -> bytes:
        return self._key + b"%d" % n

    def _get(self, key: bytes) -> bytes | None:
        if key in self._changed:
            return self._changed[key]
        return self._read(key)
