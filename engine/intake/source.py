"""What a module of `engine.intake.sources` exposes."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from typing import Any, NamedTuple, TypeAlias

import orjson
from msgspec.structs import replace

from engine.intake.arrival import Arrival, Said
from engine.intake.mapping import Mapping
from engine.intake.states import State

Authenticate: TypeAlias = Callable[[Arrival, Sequence[str]], None]
"""NotAuthentic unless one of the secrets signed it."""
Translate: TypeAlias = Callable[[Arrival, Mapping], list[Said]]
"""What it stands for, in order; NotMapped for what stands for nothing."""


MOST_BYTES = 1024 * 1024
"""Of a body: more than anybody's one event."""


def whole(arrival: Arrival) -> list[Arrival]:
    """A delivery that stands or falls as one."""
    return [arrival]


def by_parts(
    parts_of: Callable[[dict[str, Any]], list[dict[str, Any]]],
) -> Callable[[Arrival], list[Arrival]]:
    """A delivery of one JSON object as its parts; what is none, or has no parts, stays as it came."""

    def apart(arrival: Arrival) -> list[Arrival]:
        try:
            payload = orjson.loads(arrival.body)
        except orjson.JSONDecodeError:
            return [arrival]
        parts = parts_of(payload) if isinstance(payload, dict) else []
        return [replace(arrival, body=orjson.dumps(part)) for part in parts] or [arrival]

    return apart


class Source(NamedTuple):
    """A kind of system that sends webhooks."""

    name: str
    authenticate: Authenticate
    translate: Translate
    states: MappingOf[str, State]
    """What its own statuses mean, by name in lower case; the configuration adds and overrides."""
    severities: MappingOf[str, str]
    """The same of its priorities."""
    family: str = "ticket"
    apart: Callable[[Arrival], list[Arrival]] = whole
    """A delivery as those that stand for themselves: what is wrong with one of them keeps no other out."""
    tells_mistakes: bool = False
    """Its sender can mend what it sends: 422 says what is wrong. Others get 2xx, and it is a dead letter."""
    key_headers: tuple[str, ...] = ()
    """Where its key travels, the first that is there; empty: it signs, and has a secret and no key."""
    signed_headers: tuple[str, ...] = ()
    """What its signature takes: itself and, where it is signed too, the time; empty: it has keys."""
    needs: tuple[str, ...] = ()
    """What its body always has: `event.id`, `fields{}` an object, `alerts[].status` of each of a list."""
    other_headers: tuple[str, ...] = ()
    """What else of the headers is looked at, and may be missing."""
    most_bytes: int = MOST_BYTES
    """Of a body that comes with a good key; all else has MOST_BYTES."""
    takes_back: bool = False
    """Its openings stand for a reopening, too, where it has told the end of what they opened."""
