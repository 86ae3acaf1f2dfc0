"""The credit tiers of one metric made ready: from which overrun on what share of the fee is owed."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.core.instants import Span, words
from engine.core.policy import CreditTier


class Tier(NamedTuple):
    """What is owed from an overrun on."""

    overrun: Span
    """Beyond the budget, on the clock's own calendar."""
    rank: int
    """The place of its percentage among all of the metric, from 1. A state keeps what was said as a rank:
    severities have tiers of their own, and of all that were reached the highest counts."""
    percent: float
    """Of the customer's monthly fee."""
    label: str
    """`100%`, `100% + 4h`: the point of the budget, as other thresholds state it."""


def tiers_of(metric: str, credits_: Iterable[CreditTier]) -> dict[str, tuple[Tier, ...]]:
    """By severity, the later the more: a tier that brings no more than an earlier one is none."""
    mine = sorted(
        (tier for tier in credits_ if tier.metric == metric),
        key=lambda tier: (tier.overrun_at_least, tier.credit_percent),
    )
    percents = sorted({tier.credit_percent for tier in mine})
    found: dict[str, tuple[Tier, ...]] = {}
    for tier in mine:
        rank = percents.index(tier.credit_percent) + 1
        ready = Tier(tier.overrun_at_least, rank, tier.credit_percent, _label(tier.overrun_at_least))
        for severity in tier.severity:
            earlier = found.get(severity, ())
            if next_tier(earlier, rank - 1) is None:
                found[severity] = (*earlier, ready)
    return found


def next_tier(tiers: tuple[Tier, ...], rank: int) -> Tier | None:
    """The soonest that brings more than what has the rank; 0: than nothing."""
    for tier in tiers:
        if tier.rank > rank:
            return tier
    return None


def rank_among(tiers: dict[str, tuple[Tier, ...]], was: dict[str, tuple[Tier, ...]], rank: int) -> int:
    """The rank among `tiers` of what had the `rank` among those that there `was` before."""
    return rank_of(tiers, percent_of(was, rank))


def percent_of(tiers: dict[str, tuple[Tier, ...]], rank: int) -> float:
    """What is owed by the rank; 0 for none."""
    return max((tier.percent for by in tiers.values() for tier in by if tier.rank <= rank), default=0.0)


def rank_of(tiers: dict[str, tuple[Tier, ...]], percent: float) -> int:
    """The highest that brings no more; 0: none."""
    return max((tier.rank for by in tiers.values() for tier in by if tier.percent <= percent), default=0)


def _label(overrun: Span) -> str:
    return f"100% + {words(overrun)}" if overrun else "100%"
