"""Reads what a source sent: every step into it names the place where it is not what was expected."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from engine.contract.codec import FUTURE_TOLERANCE
from engine.contract.moments import EARLIEST, LATEST
from engine.core.instants import NEVER, Instant, from_datetime
from engine.intake.arrival import NotMapped

_LONGEST_NUMBER = 18


class Node:
    """A value of a payload and the way to it. Asking for what is not there raises NotMapped with the path."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value, self.path = value, path

    def __getitem__(self, name: str) -> "Node":
        """A field that must be there."""
        found = self.get(name)
        if found.value is None:
            raise NotMapped("bad_payload", "missing", found.path)
        return found

    def get(self, name: str) -> "Node":
        """A field that may be missing or null; its value is None then."""
        path = f"{self.path}.{name}" if self.path else name
        if self.value is None:
            return Node(None, path)
        if not isinstance(self.value, dict):
            raise NotMapped("bad_payload", f"expected an object, found {_kind(self.value)}", self.path)
        return Node(self.value.get(name), path)

    def items(self) -> list["Node"]:
        """The items of a list; none where it is missing."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            raise NotMapped("bad_payload", f"expected a list, found {_kind(self.value)}", self.path)
        return [Node(value, f"{self.path}[{place}]") for place, value in enumerate(self.value)]

    def text(self) -> str:
        """Text, a number as text; empty where it is missing."""
        if self.value is None:
            return ""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return str(self.value)
        raise NotMapped("bad_payload", f"expected text, found {_kind(self.value)}", self.path)

    def number(self) -> int:
        """A whole number from 0, as one or as text: an id that is counted up."""
        text = self.text()
        if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_NUMBER:
            raise NotMapped("bad_payload", f"expected a whole number, found {text[:40]!r}", self.path)
        return int(text)

    def moment(self, zone: ZoneInfo | None = None, came: Instant = NEVER) -> Instant:
        """An ISO 8601 time; without an offset it is taken in `zone`, and refused where there is none. Of two
        that a clock shows alike it is the later one that is not after it `came`."""
        text = self.text()
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise NotMapped("bad_payload", f"{text[:40]!r} is no ISO 8601 time", self.path) from None
        if at.tzinfo is None and zone is None:
            raise NotMapped("bad_payload", f"{text[:40]!r} has no offset", self.path)
        found = from_datetime(at) if at.tzinfo else _local(at, zone, came)
        if not EARLIEST <= found < LATEST:
            raise NotMapped("bad_payload", f"{text[:40]!r} is out of range", self.path)
        return found


def _local(at: datetime, zone: ZoneInfo | None, came: Instant) -> Instant:
    both = [from_datetime(at.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
    return max((one for one in both if one <= came + FUTURE_TOLERANCE), default=min(both))


def read(body: bytes) -> Node:
    """The JSON of a request. NotMapped where it is none."""
    try:
        return Node(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise NotMapped("unparsable", f"not JSON: {error}") from None


def _kind(value: object) -> str:
    return {dict: "an object", list: "a list", str: "text", bool: "true or false"}.get(
        type(value), "a number"
    )
