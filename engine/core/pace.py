"""What history says of an open clock: of those of its kind that were open at this stage, how many breached.

The value and its questions; `engine/replay/pace_learning.py` makes it of recorded verdicts.
"""

from typing import NamedTuple, TypeAlias

from msgspec import Struct

from engine.core.instants import Span
from engine.core.outcomes import Outcome

STAGES = tuple(range(0, 100, 5))
"""Shares of the budget, in percent. A clock is open at a stage if it goes on past that share: as with
thresholds, a stop at the very instant comes first (Clock 15)."""
_RETARGETED = frozenset(["retarget", "rebased"])
_STEPS = len(STAGES)

PACE = "pace"
"""The threshold of the warning that history gives, beside those that a policy states."""

KindName: TypeAlias = tuple[str, str]
"""Metric and severity, as outcomes name them."""


class Kind(Struct, frozen=True):
    """The clocks of one metric and severity that have ended."""

    cases: int
    """Met or breached; a cycle counts once."""
    breached: int
    left_out: int
    """Cancelled or waived: neither met nor breached, so out of every denominator."""
    open: tuple[int, ...]
    """How many of the cases were open at each of STAGES. Every breached one was, at all of them."""


class Chance(NamedTuple):
    """What history says of a clock at its stage."""

    probability: float
    """Of a breach: that share of `cases` breached."""
    cases: int
    """How many clocks of its kind were open at that stage."""


class Pace(Struct, frozen=True, eq=False):
    """A table of kinds. Equal only to itself, so that rules can be kept by it."""

    kinds: dict[KindName, Kind]
    at_least_percent: int = 50
    """From this probability on a clock is said to be at risk by its pace."""
    least_cases: int = 30
    """Of fewer nothing is claimed."""
    hash: str = ""
    """Of the file that it was read from."""

    def chance(self, metric: str, severity: str, elapsed: Span, target: Span | None) -> Chance | None:
        """Of an open clock, to four digits; None where too few of its kind were open so far into it."""
        kind = self.kinds.get((metric, severity))
        if kind is None or not target:
            return None
        chance = self.at_stage(kind, min(elapsed * _STEPS // target, _STEPS - 1))
        return None if chance is None else Chance(round(chance.probability, 4), chance.cases)

    def at_stage(self, kind: Kind, stage: int) -> Chance | None:
        """Of a kind at a place of STAGES; None where it stands on too few."""
        cases = kind.open[stage]
        return Chance(kind.breached / cases, cases) if cases >= max(self.least_cases, 1) else None

    def warns_at(self, kind: Kind) -> int | None:
        """The first share past the start, in percent, from which on most breached; None where none does."""
        for stage, percent in enumerate(STAGES[1:], 1):
            chance = self.at_stage(kind, stage)
            if chance is not None and chance.probability * 100 >= self.at_least_percent:
                return percent
        return None

    def marks(self, metric: str) -> dict[str, int]:
        """By severity the share at which a clock of the metric is said to be at risk by its pace."""
        warned = ((name, self.warns_at(kind)) for name, kind in self.kinds.items() if name[0] == metric)
        return {severity: percent for (_, severity), percent in warned if percent is not None}

    def squared_error(self, verdict: Outcome) -> tuple[float, int]:
        """How wrong the forecasts were that stood while the clock was open, and how many there were.

        One a stage that it was open at. Their sum through their number is the Brier score: 0 for a prophet,
        0.25 for who always says one half. A `stopped_late` was judged with its breach.
        """
        kind = self.kinds.get((verdict.metric, verdict.severity))
        passed = stages_passed(verdict)
        if kind is None or passed is None or verdict.name not in ("met", "breached"):
            return 0.0, 0
        chances = [self.at_stage(kind, stage) for stage in range(passed)]
        came = 1.0 if verdict.name == "breached" else 0.0
        errors = [(chance.probability - came) ** 2 for chance in chances if chance is not None]
        return sum(errors), len(errors)


def stages_passed(verdict: Outcome) -> int | None:
    """At how many of STAGES a clock was open; None where that cannot be said of its kind.

    That is so without a budget, and where a new severity, or version of the policy, came when its budget was
    over already: at no stage of it was the clock ever open.
    """
    if not verdict.target or verdict.reason in _RETARGETED:
        return None
    return min(-(-verdict.elapsed * _STEPS // verdict.target), _STEPS)
