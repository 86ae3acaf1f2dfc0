"""API keys: made here, kept as hashes, each for the sources and the types that its owner may send."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from engine.intake.arrival import NotAuthentic

PREFIX = "vigil_"
"""So that scanners of repositories and logs can find a key."""
NAME = r"^[A-Za-z0-9._-]{1,60}$"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")


class Rate(Struct, frozen=True):
    """So many deliveries a second over time, and so many at once."""

    per_second: float
    burst: int


OF_A_KEY = Rate(100.0, 1_000)
"""Of a key for which nothing is said (decision 26): far above what anybody has to say, short of a loop."""


class Key(Struct, frozen=True):
    """What the configuration has of a key. The key itself is its owner's alone."""

    name: str
    hash: str
    sources: tuple[str, ...] = ()
    """CloudEvents sources that it may send as; with * at the end, all that begin so. Empty: any."""
    types: tuple[str, ...] = ()
    """The same of event types: `ticket.*`, `incident.opened.v1`."""
    rate: Rate | None = None

    def allows(self, source: str, kind: str) -> bool:
        return _within(self.sources, source) and _within(self.types, kind)


class Hashed(Protocol):
    """What has the hash of a key."""

    @property
    def hash(self) -> str: ...


HashedKey = TypeVar("HashedKey", bound=Hashed)


def new_key() -> str:
    """256 random bits, so that a plain hash cannot be guessed back."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(key: str) -> str:
    """As the configuration writes it."""
    return "sha256:" + hashlib.sha256(key.encode(errors="replace")).hexdigest()


def must_be_hash(text: str) -> str:
    """The same text. ValueError says what was expected, never what was found: it may be the key itself."""
    if _HASH.fullmatch(text) is None:
        raise ValueError("sha256:… as `vigil intake key new` prints it, and never the key itself")
    return text


def owner(keys: Sequence[HashedKey], given: str) -> HashedKey:
    """The key that was given; all are compared, in constant time. NotAuthentic where it is none of them."""
    hashed, found = hash_of(given), None
    for key in keys:
        if hmac.compare_digest(key.hash, hashed):
            found = key
    if found is None:
        raise NotAuthentic("wrong_signature")
    return found


def _within(allowed: tuple[str, ...], name: str) -> bool:
    return not allowed or any(
        name.startswith(one[:-1]) if one.endswith("*") else name == one for one in allowed
    )
