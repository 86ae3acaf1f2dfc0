"""Cancellations that a reopening took back: what was cancelled then goes on, and that was not its end."""

from collections.abc import Iterable

from engine.core.deadlines import ACTION, COMMITMENT
from engine.core.escalation import CANCELLED
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.core.policy import AUDIENCES
from engine.core.rules import BUILT_IN
from engine.core.verbs import course

_STAYS = frozenset(
    [COMMITMENT, ACTION, *(f"{audience}_update" for audience in AUDIENCES)]
    + [metric for metric, built_in in BUILT_IN.items() if built_in.ends_with_reopening]
)
"""Promises and actions are cancelled for good, a cadence begins another cycle, and what a resolution began a
reopening cancels anyway (Clock 4 and 11)."""


def taken_back(standing: Iterable[Outcome], facts: Iterable[Fact]) -> set[str]:
    """The ids of the `cancelled` among an escalation's standing outcomes whose clock goes on since.

    `facts`: in the order in which they are judged.
    """
    undone: set[tuple[Instant, str]] = set()
    at, reason = Instant(0), ""
    for fact, before in course(facts):
        if fact.kind == "cancelled":
            at, reason = fact.at, fact.text("reason") or "cancelled"
            undone.discard((at, reason))  # cancelled, reopened and cancelled at one instant
        elif fact.kind == "reopened" and before == CANCELLED:
            undone.add((at, reason))
    return {
        one.id
        for one in standing
        if one.name == "cancelled" and (one.effective_at, one.reason) in undone and one.metric not in _STAYS
    }
