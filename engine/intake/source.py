"""What a module of `engine.intake.sources` exposes."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from typing import NamedTuple, TypeAlias

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
