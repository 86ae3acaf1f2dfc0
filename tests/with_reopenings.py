"""What comes between a cancellation and its reopening is heard with that (Clock 11): for oracles."""

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_NEVER_HEARD = {
    *("resolved", "closed", "cancelled", "merged", "rebased", "occurrence"),
    *("action_opened", "action_completed", "action_cancelled", "commitment_made"),
    *("commitment_renegotiated", "commitment_kept", "commitment_withdrawn"),
}


def with_reopenings(told: Iterable[T], verb: Callable[[T], str], then: Callable[[T, T], T]) -> list[T]:
    """What is told, in order; what waits for a reopening right before it, as `then(it, reopening)` says.
    Without what comes to nothing."""
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
            found += [*(then(held, one) for held in kept), one]
            kept = None
        elif verb(one) not in _NEVER_HEARD:
            kept.append(one)
    return found
