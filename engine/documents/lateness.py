"""Which verdicts belong to one obligation, how it ended, and by how much it was late."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from engine.core.facts import Fact
from engine.core.instants import Instant, Span, format_instant
from engine.core.outcomes import VERDICTS, Outcome
from engine.core.taken_back import taken_back

Which: TypeAlias = tuple[str, str, int]
"""Metric, key (a commitment's or an action's id, a role) and cycle."""

MISSED = frozenset({"breached", "cadence_missed", "commitment_missed"})
MET, LATE, OPEN_LATE, CANCELLED, WAIVED = "met", "late", "still missing", "cancelled", "waived"
OPEN_AGAIN = "cancelled, then open again"
_RESULTS = {"met": MET, "stopped_late": LATE, "cancelled": CANCELLED, "waived": WAIVED}


class Ended(NamedTuple):
    """One cycle of one clock, and what came of it."""

    which: Which
    result: str
    """MET; LATE: stopped after it was due; OPEN_LATE: due, and not stopped as far as is known; CANCELLED and
    WAIVED: no longer owed, though it may have been missed before; OPEN_AGAIN: its cancellation was taken
    back, and it is not due yet as far as is known."""
    verdicts: tuple[Outcome, ...]
    """In order of their effective time; never empty."""
    last: Outcome
    """The last verdict, but for a cancellation that was taken back where there is another."""
    late: Span | None
    """On the clock's own calendar; None where it was not late, or by how much is not known."""

    @property
    def missed(self) -> list[Outcome]:
        return [one for one in self.verdicts if one.name in MISSED]

    @property
    def is_out(self) -> bool:
        """Cancelled or waived: no longer owed."""
        return self.result in (CANCELLED, WAIVED)

    @property
    def due(self) -> Instant | None:
        """The first due time that was missed; else the one that was kept."""
        return next((one.due_at for one in (*self.missed, *self.verdicts) if one.due_at is not None), None)

    @property
    def is_late(self) -> bool:
        return self.result in (LATE, OPEN_LATE) or bool(self.missed)


def ended(standing: Sequence[Outcome], facts: Iterable[Fact]) -> list[Ended]:
    """The standing verdicts by obligation, in order of their first, at one time of their cycle; `facts` in
    the order in which they are judged."""
    found: dict[Which, list[Outcome]] = {}
    for one in standing:
        if one.name in VERDICTS:
            found.setdefault((one.metric, one.key, one.cycle), []).append(one)
    undone = taken_back(standing, facts)
    in_order = sorted(found.items(), key=lambda one: (one[1][0].effective_at, one[0][2]))
    return [_ended(which, verdicts, undone) for which, verdicts in in_order]


def late_by(stop: Outcome, missed: Sequence[Outcome]) -> Span | None:
    """How late a `stopped_late` is: what was counted since the first miss, on the clock's calendar.

    Where the target changed after the miss, against the target at the stop: None where that is longer.
    """
    allowed = stop.target if stop.target is not None or not missed else missed[0].elapsed
    if stop.name != "stopped_late" or allowed is None or stop.elapsed <= allowed:
        return None
    return Span(stop.elapsed - allowed)


def proof(verdict: Outcome) -> dict[str, object]:
    """A verdict as lists refer to it."""
    return {
        "outcome": verdict.name,
        "id": verdict.id,
        "effective_at": format_instant(verdict.effective_at),
        "policy": {
            "name": verdict.policy.name, "version": verdict.policy.version, "hash": verdict.policy.hash
        },
        "hash": verdict.hash,
    }  # fmt: skip


def _ended(which: Which, verdicts: list[Outcome], undone: set[str]) -> Ended:
    last = next((one for one in reversed(verdicts) if one.id not in undone), verdicts[-1])
    missed = [one for one in verdicts if one.name in MISSED]
    result = OPEN_AGAIN if last.id in undone else _RESULTS.get(last.name, OPEN_LATE)
    return Ended(which, result, tuple(verdicts), last, late_by(last, missed))
