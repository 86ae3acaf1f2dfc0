"""What is owed by customer and month: breaches added up, what the open clocks would add, and the money."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from engine.core.credits import Credit, Exposure
from engine.core.instants import Instant, format_instant, seconds, to_datetime
from engine.documents.fees import Fee
from engine.documents.lateness import proof

WHOLE = Decimal(100)
_CENT = Decimal("0.01")


class Amount(NamedTuple):
    currency: str
    amount: Decimal
    """To a hundredth, half up."""


class Owed(Struct, frozen=True):
    """One month of one customer."""

    month: str
    """`2026-03`, in the zone of the report: of the breach; of what is not breached, of its due time."""
    customer: str
    breaches: tuple[Credit, ...]
    open: tuple[Exposure, ...]
    percent: Decimal
    """Of the monthly fee: the sum over distinct breaches, at most the whole fee."""
    summed: Decimal
    """The same without the limit."""
    next: Decimal
    """With the next tier of every open clock."""
    most: Decimal
    """With the last tier of every open clock."""
    fee: Fee | None

    def amount(self, percent: Decimal) -> Amount | None:
        """What so much of the fee is; None where the fee is not known."""
        if self.fee is None:
            return None
        part = (self.fee.fee * percent / WHOLE).quantize(_CENT, ROUND_HALF_UP)
        return Amount(self.fee.currency, part)


def owed(
    breaches: Iterable[Credit],
    exposures: Iterable[Exposure],
    zone: ZoneInfo,
    now: Instant,
    fees: Mapping[str, Fee],
) -> list[Owed]:
    """By month and customer: an open clock with its breach, and before that when it is due. One that stands
    still, and has no due time, counts in the month of `now`."""
    by_month: dict[tuple[str, str], tuple[list[Credit], list[Exposure]]] = {}
    places: dict[tuple[str, str, str, int], tuple[str, str]] = {}
    for row in breaches:
        places[_which(row)] = place = month_of(row.breached_at, zone), row.customer
        by_month.setdefault(place, ([], []))[0].append(row)
    for one in exposures:
        due = now if one.due_at is None else one.due_at
        place = month_of(due, zone), one.customer
        if one.is_breached:
            place = places.get(_which(one), place)
        by_month.setdefault(place, ([], []))[1].append(one)
    return [
        _owed(month, customer, *by_month[month, customer], fees.get(customer))
        for month, customer in sorted(by_month)
    ]


def month_of(at: Instant, zone: ZoneInfo) -> str:
    return to_datetime(at).astimezone(zone).strftime("%Y-%m")


def totals(rows: Iterable[Owed]) -> list[Amount]:
    """What is owed, by currency: of the months whose fee is known."""
    found: dict[str, Decimal] = {}
    for row in rows:
        amount = row.amount(row.percent)
        if amount is not None:
            found[amount.currency] = found.get(amount.currency, Decimal(0)) + amount.amount
    return [Amount(currency, found[currency]) for currency in sorted(found)]


def _owed(
    month: str, customer: str, breaches: Sequence[Credit], open_: Sequence[Exposure], fee: Fee | None
) -> Owed:
    summed = sum((_exact(row.percent) for row in breaches), Decimal(0))
    # By what is owed: of a clock whose breach is not among these nothing is in the sum yet.
    costs = {_which(row): _exact(row.percent) for row in breaches}
    grown = sum((costs.get(_which(one), Decimal(0)) for one in open_), Decimal(0))
    following = sum((_exact(one.ahead[0].percent) for one in open_), summed - grown)
    last = sum((_exact(one.ahead[-1].percent) for one in open_), summed - grown)
    return Owed(
        month, customer, tuple(breaches), tuple(open_), min(summed, WHOLE), summed, min(following, WHOLE),
        min(last, WHOLE), fee,
    )  # fmt: skip


def _which(one: Credit | Exposure) -> tuple[str, str, str, int]:
    return one.subject, one.metric, one.key, one.cycle


def _exact(percent: float) -> Decimal:
    """As the policy wrote it: 12.5 is 12.5, and 0.1 no fraction of two."""
    return Decimal(str(percent))


def plain(row: Owed, *, in_full: bool) -> dict[str, object]:
    """As plain values; in full with every breach and every open clock, else with their numbers."""

    def money(percent: Decimal) -> str | None:
        amount = row.amount(percent)
        return None if amount is None else str(amount.amount)

    told: dict[str, object] = {
        "month": row.month,
        "customer": row.customer,
        "breaches": len(row.breaches),
        "percent": _percent(row.percent),
        "open": len(row.open),
        "percent_next": _percent(row.next),
        "percent_most": _percent(row.most),
        "currency": None if row.fee is None else row.fee.currency,
        "fee": None if row.fee is None else str(row.fee.fee),
        "amount": money(row.percent),
        "amount_next": money(row.next),
        "amount_most": money(row.most),
    }
    if in_full:
        told["percent_summed"] = _percent(row.summed)
        told["breaches"] = [_breach(one) for one in row.breaches]
        told["open"] = [_open(one) for one in row.open]
    return told


def _percent(percent: Decimal) -> str:
    return f"{percent.normalize():f}"


def _clock(one: Credit | Exposure) -> dict[str, object]:
    return {
        "subject": one.subject,
        "metric": one.metric,
        "key": one.key,
        "cycle": one.cycle,
        "severity": one.severity,
    }


def _breach(one: Credit) -> dict[str, object]:
    return {
        **_clock(one),
        "breached_at": format_instant(one.breached_at),
        "percent": one.percent,
        "threshold": one.threshold,
        "overrun_seconds": seconds(one.overrun),
        "ended": one.ended,
        "reason": one.reason,
        "verdicts": [proof(verdict) for verdict in one.proofs],
    }


def _open(one: Exposure) -> dict[str, object]:
    return {
        **_clock(one),
        "policy": {"name": one.policy.name, "version": one.policy.version, "hash": one.policy.hash},
        "due_at": None if one.due_at is None else format_instant(one.due_at),
        "breached": one.is_breached,
        "percent": one.percent,
        "ahead": [
            {
                "percent": step.percent,
                "threshold": step.threshold,
                "at": None if step.at is None else format_instant(step.at),
            }
            for step in one.ahead
        ],
    }
