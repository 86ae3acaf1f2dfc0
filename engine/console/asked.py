"""What a list is narrowed to, read from the address, and how one goes on where the page before ended."""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, tzinfo
from typing import NamedTuple, TypeAlias, TypeVar
from urllib.parse import urlencode

from engine.console.filters import BadFilter
from engine.contract.moments import read_moment
from engine.core.instants import DAY, NEVER, Instant, from_datetime, to_datetime

SHOWN, MOST = 100, 1_000
_LONGEST = 200
_WORDS = ("customer", "team", "state")

Key: TypeAlias = tuple[int | str, ...]
Row = TypeVar("Row")


class Asked(NamedTuple):
    """Every field narrows; an empty one does not."""

    customer: str = ""
    """By id or name, whatever the case."""
    team: str = ""
    state: str = ""
    start: Instant | None = None
    """At it or after it; what `it` is the list says."""
    end: Instant | None = None
    """Before it."""
    cursor: str = ""
    limit: int = SHOWN

    @classmethod
    def of(cls, query: Mapping[str, str], states: Collection[str], zone: tzinfo) -> "Asked":
        """Of an address: customer, team, state, from, to, cursor, limit. A day is its midnight in `zone`.
        BadFilter says which of them is wrong and what was expected."""
        words = {name: word(name, query.get(name, "")) for name in _WORDS}
        if words["state"] and words["state"] not in states:
            raise BadFilter(f"state: expected {', '.join(states)}, not {words['state']!r}")
        start, end = (moment(name, query.get(name, ""), zone) for name in ("from", "to"))
        if start is not None and end is not None and start >= end:
            raise BadFilter("from: expected a time before to")
        return cls(
            **words,
            start=start,
            end=end,
            cursor=query.get("cursor", ""),
            limit=_limit(query.get("limit", "")),
        )

    def has(self, customers: Collection[str], team: str, at: int | None) -> bool:
        """Whether a row of these is wanted, its state apart."""
        return (
            (not self.customer or self.customer.casefold() in (one.casefold() for one in customers))
            and (not self.team or self.team == team)
            and (self.start is None or (at is not None and at >= self.start))
            and (self.end is None or (at is not None and at < self.end))
        )


def part(rows: Sequence[Row], key_of: Callable[[Row], Key], asked: Asked) -> tuple[list[Row], str | None]:
    """What follows the cursor, and the cursor of what follows that; None: nothing does. BadFilter.

    `key_of` tells every row from every other, so that nothing is told twice or left out because something
    else came or went meanwhile.
    """
    in_order = sorted(rows, key=key_of)
    if asked.cursor:
        after = read_cursor(asked.cursor)
        try:
            in_order = [row for row in in_order if key_of(row) > after]
        except TypeError:
            raise BadFilter("cursor: expected one that this list has given") from None
    found = in_order[: asked.limit]
    return found, cursor(key_of(found[-1])) if len(in_order) > len(found) else None


def cursor(key: Key) -> str:
    """The place of a row, as the address says it."""
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read_cursor(text: str) -> Key:
    """BadFilter where it is none of ours."""
    try:
        key = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or not key or not all(map(_may_be_of_key, key)):
        raise BadFilter("cursor: expected one that this list has given")
    return tuple(key)


def _may_be_of_key(one: object) -> bool:
    """What a database takes, too."""
    if isinstance(one, str):
        return "\0" not in one and one.encode(errors="replace").decode() == one
    return type(one) is int and abs(one) < NEVER


def word(name: str, text: str) -> str:
    """A filter as given, without blanks around it. BadFilter."""
    text = text.strip()
    if len(text) > _LONGEST or "\0" in text:
        raise BadFilter(f"{name}: expected at most {_LONGEST} characters, and no NUL")
    return text


def moment(name: str, text: str, zone: tzinfo) -> Instant | None:
    """A day, midnight in the zone, or a time with an offset; None of nothing. BadFilter."""
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == len("2026-10-05"):
            day = date.fromisoformat(text)
            found = from_datetime(datetime(day.year, day.month, day.day, tzinfo=zone))
            to_datetime(Instant(found - DAY))  # before the first day there is no other, in whatever zone
            return found
        return read_moment(text)
    except (ValueError, OverflowError):
        expected = "a day such as 2026-10-05, or a time with its offset such as 2026-10-05T14:00:00Z"
        raise BadFilter(f"{name}: expected {expected}, not {text[:60]!r}") from None


def _limit(text: str) -> int:
    if not text:
        return SHOWN
    if not (text.isascii() and text.isdecimal() and 0 < len(text) <= 6 and 1 <= int(text) <= MOST):
        raise BadFilter(f"limit: expected 1 to {MOST}, not {text[:20]!r}")
    return int(text)


def address(path: str, query: Mapping[str, str], **changes: object) -> str:
    """The page with what is in its address, changed; what is empty is left out, and so is the cursor."""
    asked = {**query, "cursor": "", **{name: str(value) for name, value in changes.items()}}
    text = urlencode({name: value for name, value in asked.items() if value})
    return f"{path}?{text}" if text else path
