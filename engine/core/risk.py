"""Business risk of escalations: figures, each with its inputs, and what would have to be known for more."""

from collections import defaultdict
from collections.abc import Iterable
from math import fsum
from typing import NamedTuple

from engine.core.attributes import text
from engine.core.credits import Exposure
from engine.core.escalation import Escalation

REVENUE, CUSTOMERS, AFFECTED, CREDIT = (
    "revenue_at_risk", "customers", "affected_customers", "credit_percent",
)  # fmt: skip
_ASKED = ("customer", "tier", "affected_customers", "revenue_at_risk")


class Input(NamedTuple):
    subject: str
    field: str
    """An attribute, or the metric of a clock."""
    value: str | int | float


class Figure(NamedTuple):
    name: str
    """REVENUE, CUSTOMERS, AFFECTED or CREDIT."""
    of: str
    """The currency, the tier (empty: not known) or the customer; empty for AFFECTED."""
    amount: int | float
    inputs: tuple[Input, ...]


class Unknown(NamedTuple):
    """What would have to be known of an escalation for the figures to be whole."""

    subject: str
    field: str


class Risk(NamedTuple):
    figures: tuple[Figure, ...]
    unknown: tuple[Unknown, ...]


def risk(escalations: Iterable[Escalation], exposures: Iterable[Exposure] = ()) -> Risk:
    """The figures of one or many escalations.

    - Revenue at risk by currency: sums in two currencies are never added.
    - Customers by tier, each counted once.
    - Customers affected: a sum over the escalations, and an upper bound, for one may be affected by several.
    - Credit by customer, of `exposures`: the percentage of the monthly fee that their open clocks may add to
      what is owed already, at most the whole fee.
    """
    many = list(escalations)
    figures = [*_revenue(many), *_customers(many), *_affected(many), *_credit(exposures)]
    unknown = [
        Unknown(one.subject, name) for one in many for name in _ASKED if one.attributes.get(name) is None
    ]
    return Risk(tuple(figures), tuple(unknown))


def _revenue(many: list[Escalation]) -> list[Figure]:
    found: defaultdict[str, list[Input]] = defaultdict(list)
    for one in many:
        amount = one.attributes.get("revenue_at_risk")
        if isinstance(amount, int | float):
            found[text(one.attributes, "revenue_currency")].append(Input(one.subject, REVENUE, amount))
    return [
        Figure(REVENUE, currency, fsum(float(i.value) for i in inputs), tuple(inputs))
        for currency, inputs in sorted(found.items())
    ]


def _customers(many: list[Escalation]) -> list[Figure]:
    found: defaultdict[str, list[Input]] = defaultdict(list)
    for one in many:
        customer = text(one.attributes, "customer")
        if customer:
            found[text(one.attributes, "tier")].append(Input(one.subject, "customer", customer))
    return [
        Figure(CUSTOMERS, tier, len({i.value for i in inputs}), tuple(inputs))
        for tier, inputs in sorted(found.items())
    ]


def _affected(many: list[Escalation]) -> list[Figure]:
    counts = [(one.subject, one.attributes.get(AFFECTED)) for one in many]
    inputs = [Input(subject, AFFECTED, count) for subject, count in counts if isinstance(count, int)]
    return [Figure(AFFECTED, "", sum(int(i.value) for i in inputs), tuple(inputs))] if inputs else []


def _credit(exposures: Iterable[Exposure]) -> list[Figure]:
    found: defaultdict[str, list[Input]] = defaultdict(list)
    for one in exposures:
        more = one.ahead[-1].percent - one.percent
        found[one.customer].append(Input(one.subject, one.metric, more))
    return [
        Figure(CREDIT, customer, min(100.0, fsum(float(i.value) for i in inputs)), tuple(inputs))
        for customer, inputs in sorted(found.items())
    ]
