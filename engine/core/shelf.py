"""What lies in a history, as it is stored, and how far it goes."""

from typing import TypeAlias

from msgspec import Struct

from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.relays import Relay
from engine.core.statements import Statement

CHUNK_ITEMS = 16
"""Items a chunk: the open one is written again at every fact, so it is kept short."""
CHUNK_BYTES = 64 * 1024
"""A chunk that is longer gets no more items: many large facts must not fill a record that a later, small item
cannot be added to."""


class Said(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """One statement that stands, under the id of the outcome that said it last."""

    id: str
    statement: Statement


Item: TypeAlias = Fact | Said | Relay


class Shelf(Struct, array_like=True):
    """Where a history lies; kept in the main record."""

    chunks: int = 0
    """How many are full, each a record of its own."""
    items: int = 0
    """In the open chunk."""
    open: bytes = b""
    """The encoded items of the open chunk: a fact then writes one record, and not two."""
    facts: int = 0
    seq: int = 0
    folded: bool = False
    """Older facts were folded into a base state."""
    corrected_until: Instant = Instant(-1)
    """Something that was said by then was amended or retracted."""
    recounted: bool = False
    """The calendars changed after something was said: not all of it need be what those of now would say."""
