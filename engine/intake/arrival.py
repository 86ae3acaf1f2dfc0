"""What comes to the door, and what becomes of it: events, nothing, or a reason why not."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from engine.core.facts import Value
from engine.core.instants import Instant


class Arrival(Struct, frozen=True):
    """One request, as it came."""

    body: bytes
    headers: Mapping[str, str]
    """Names in lower case."""
    at: Instant
    """When it came."""

    def __repr__(self) -> str:
        return f"Arrival({len(self.body)} bytes, {sorted(self.headers)}, {self.at})"  # a header may be a key


class Said(NamedTuple):
    """One event that a delivery stands for."""

    subject: str
    verb: str
    data: Mapping[str, Value]
    """As the contract writes it: times as ISO 8601."""
    at: Instant
    """When it happened, by the source's clock."""
    id: str
    """The same in every redelivery: (source, id) is what makes a duplicate of it."""
    family: str = "ticket"
    """ticket or incident."""
    source: str = ""
    """CloudEvents source; empty: the door's own."""
    sequence: str = ""


class NotAuthentic(Exception):
    """Nobody who knows the secret sent this: answered with 401, counted by its reason, never stored."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        """missing_signature, malformed_signature, wrong_signature, stale."""


class OutOfScope(Exception):
    """The key is good, and not for this: answered with 403, counted, never stored."""


class NotMapped(Exception):
    """It is authentic and stands for no event that the contract takes.

    A dead letter with its reason, and 2xx for the source; `ignored`: of a kind that nobody asked for, which
    is counted and no dead letter.
    """

    def __init__(self, reason: str, detail: str, path: str = "", *, ignored: bool = False) -> None:
        super().__init__(f"{path}: {detail}" if path and f"{path}:" not in detail else detail)
        self.reason, self.detail, self.path, self.ignored = reason, detail, path, ignored
