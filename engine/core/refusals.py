"""Why a fact did not become part of the state."""

from typing import NamedTuple

from engine.core.facts import Fact


class Refusal(NamedTuple):
    """A named reason, for the dead letters, the log and the metrics."""

    reason: str
    """duplicate, conflicting_duplicate, too_late, too_many_waiting,
    unknown_policy_version."""
    detail: str
    dead: bool
    """True: goes to the dead letters. False: is counted only (an exact duplicate)."""
    fact: Fact | None = None
    """The fact that is refused when it is not the one given (an earlier record replaces it)."""
