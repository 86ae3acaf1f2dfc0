"""What comes between a cancellation and its reopening is heard with that (Clock 11): for oracles."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_NEVER_HEARD = {
    *("resolved", "closed", "cancelled", "merged", "rebased", "occurrence"),
    *("action_opened", "action_completed", "action_cancelled", "commitment_made"),
    *("commitment_renegotiated", "commitment_kept", "commitment_withdrawn"),
}


def behind_reopenings(told: Iterable[T], verb: Callable[[T], str], then: Callable[[T, T], T]) -> list[T]:
    """What is told, in order, each of those behind its reopening: `then(it, reopening)`, as of that time."""
    found: list[T] = []
    kept: list[T] | None = None
    is_merged = False
    for one in told:
        if is_merged or kept is None:
            found.append(one)
            is_merged = is_merged or verb(one) == "merged"
            if verb(one) == "cancelled" and not is_merged:
                kept = []
        elif verb(one) == "reopened":
            found += [one, *(then(held, one) for held in kept)]
            kept = None
        elif verb(one) not in _NEVER_HEARD:
            kept.append(one)
    return found
