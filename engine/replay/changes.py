"""Which clocks two sides judge differently: each with the verdicts of both sides, and what caused it."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple, TypeAlias

from engine.core.instants import SECOND, Instant, format_instant
from engine.core.outcomes import Outcome
from engine.replay.verdicts import answer, differences

Clock: TypeAlias = tuple[str, str, str, int]
"""Subject, metric, key, cycle."""
Verdicts: TypeAlias = tuple[str, ...]
"""How a clock ended, in the order of time: ("breached", "stopped_late"); empty where nothing is settled."""

FAILED = frozenset(["breached", "cadence_missed", "commitment_missed"])
TIMES = ("due_at", "effective_at", "elapsed", "target")
"""The figures that a reader looks for first."""


_SHORT = {"stopped_late": "late", "cadence_missed": "missed", "commitment_missed": "missed"}
"""Beside a metric these say the same, and a row has many."""


class Cause(NamedTuple):
    """The event that changed an answer."""

    event: str
    """Its id; empty where outcomes alone do not name it."""
    known_at: Instant
    """When it was recorded, or when the engine said what came of it."""
    source: str = ""
    kind: str = ""
    at: Instant | None = None
    """When it happened."""


class Change(NamedTuple):
    """One clock with different verdicts, or with equal ones and different figures."""

    clock: Clock
    left: tuple[Outcome, ...]
    right: tuple[Outcome, ...]
    cause: Cause | None = None

    @property
    def says(self) -> tuple[Verdicts, Verdicts]:
        """The verdicts of both sides."""
        return tuple(map(answer, self.left)), tuple(map(answer, self.right))

    @property
    def is_verdict(self) -> bool:
        """Whether the verdicts differ, and not only their times and figures."""
        left, right = self.says
        return left != right

    @property
    def who(self) -> Outcome:
        """The outcome that names severity, customer and team: the right side's last, else the left's."""
        return (self.right or self.left)[-1]

    @property
    def figures(self) -> list[str]:
        """The fields that differ where the verdicts are the same, times first."""
        pairs = list(zip(self.left, self.right, strict=False))
        fields = dict.fromkeys((*TIMES, *Outcome.__struct_fields__))
        del fields["id"]  # made of the others
        return [name for name in fields if any(getattr(a, name) != getattr(b, name) for a, b in pairs)]


def changes(left: Iterable[Outcome], right: Iterable[Outcome]) -> list[Change]:
    """The clocks whose standing verdicts (as `verdicts` gives them) differ, by subject and metric."""
    lefts, rights = by_clock(left), by_clock(right)
    if lefts == rights:
        return []
    found = differences(_all(lefts), _all(rights))
    clocks = dict.fromkeys(slot[:4] for slot, _, _ in found)
    return [Change(clock, lefts.get(clock, ()), rights.get(clock, ())) for clock in clocks]


def by_clock(outcomes: Iterable[Outcome]) -> dict[Clock, tuple[Outcome, ...]]:
    """The outcomes of each clock, in their order."""
    found: defaultdict[Clock, tuple[Outcome, ...]] = defaultdict(tuple)
    for one in outcomes:
        found[one.subject, one.metric, one.key, one.cycle] += (one,)
    return found


def _all(clocks: dict[Clock, tuple[Outcome, ...]]) -> Iterable[Outcome]:
    return (one for several in clocks.values() for one in several)


def verdict_words(verdicts: Verdicts, *, owed: bool = True) -> str:
    """`breached, late`; `missed (3), met`; a dash where nothing is settled."""
    if not owed:
        return "not owed"
    runs = ((_SHORT.get(name, name), sum(1 for _ in same)) for name, same in groupby(verdicts))
    return ", ".join(f"{name} ({times})" if times > 1 else name for name, times in runs) or "—"


def in_json(change: Change, left: str, right: str) -> dict[str, object]:
    """A change for programs; the sides under the names that are given."""
    subject, metric, key, cycle = change.clock
    who = change.who
    said: dict[str, object] = {"subject": subject, "metric": metric, "cycle": cycle, "severity": who.severity}
    for name, value in (("key", key), ("customer", who.customer_id), ("team", who.team)):
        if value:
            said[name] = value
    said |= {left: [_verdict(one) for one in change.left], right: [_verdict(one) for one in change.right]}
    if not change.is_verdict:
        said["same_verdict_other"] = change.figures
    if change.cause is not None:
        said["cause"] = _cause(change.cause)
    return said


def _verdict(one: Outcome) -> dict[str, object]:
    said: dict[str, object] = {
        "outcome": answer(one),
        "effective_at": format_instant(one.effective_at),
        "elapsed_seconds": one.elapsed / SECOND,
    }
    if one.due_at is not None:
        said["due_at"] = format_instant(one.due_at)
    if one.target is not None:
        said["target_seconds"] = one.target / SECOND
    if one.reason:
        said["reason"] = one.reason
    return said


def _cause(cause: Cause) -> dict[str, object]:
    said: dict[str, object] = {"known_at": format_instant(cause.known_at)}
    for name in ("event", "source", "kind"):
        if getattr(cause, name):
            said[name] = getattr(cause, name)
    if cause.at is not None:
        said["at"] = format_instant(cause.at)
    return said
