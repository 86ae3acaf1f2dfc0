"""What is at stake: figures with their inputs, and what is unknown."""

import pytest

from engine.core.credits import Exposure, Step
from engine.core.escalation import Escalation
from engine.core.facts import Value
from engine.core.outcomes import PolicyRef
from engine.core.risk import AFFECTED, CREDIT, CUSTOMERS, REVENUE, Input, Risk, Unknown, risk


def escalation(subject: str, **attributes: Value) -> Escalation:
    return Escalation(subject, attributes=attributes)


def exposure(subject: str, customer: str, percent: float, *ahead: float) -> Exposure:
    steps = tuple(Step(more, "100%", None) for more in ahead)
    policy = PolicyRef("standard", "", "")
    return Exposure(subject, "resolve", "", 1, "P0", customer, policy, None, percent > 0, percent, steps)


def amounts(found: Risk, name: str) -> dict[str, float]:
    return {figure.of: figure.amount for figure in found.figures if figure.name == name}


MANY = [
    escalation("desk:1", customer="acme", tier="gold", revenue_at_risk=0.1, revenue_currency="EUR",
               affected_customers=3),
    escalation("desk:2", customer="acme", tier="gold", revenue_at_risk=0.2, revenue_currency="EUR"),
    escalation("desk:3", customer="zen", tier="silver", revenue_at_risk=50_000, revenue_currency="USD",
               affected_customers=0),
    escalation("desk:4", customer="umbra"),
]  # fmt: skip


def test_revenue_is_added_up_within_a_currency_and_never_across() -> None:
    found = risk(MANY)
    assert amounts(found, REVENUE) == {"EUR": pytest.approx(0.3), "USD": 50_000}
    euros = next(figure for figure in found.figures if figure.of == "EUR")
    assert euros.inputs == (Input("desk:1", REVENUE, 0.1), Input("desk:2", REVENUE, 0.2))


def test_a_customer_counts_once_in_its_tier_and_an_unknown_tier_is_one_of_its_own() -> None:
    found = risk(MANY)
    assert amounts(found, CUSTOMERS) == {"": 1, "gold": 1, "silver": 1}
    gold = next(figure for figure in found.figures if figure.of == "gold")
    assert gold.inputs == (Input("desk:1", "customer", "acme"), Input("desk:2", "customer", "acme"))


def test_of_customers_affected_nought_is_known_and_nothing_is_not() -> None:
    (affected,) = (figure for figure in risk(MANY).figures if figure.name == AFFECTED)
    assert (affected.amount, affected.inputs[0]) == (3, Input("desk:1", AFFECTED, 3))
    assert amounts(risk([MANY[2]]), AFFECTED) == {"": 0}
    assert amounts(risk([MANY[3]]), AFFECTED) == {}


def test_what_is_unknown_is_named_by_escalation() -> None:
    assert risk(MANY).unknown == (
        Unknown("desk:2", "affected_customers"),
        Unknown("desk:4", "tier"),
        Unknown("desk:4", "affected_customers"),
        Unknown("desk:4", "revenue_at_risk"),
    )


def test_credit_is_what_open_clocks_may_add_by_customer_and_at_most_the_fee() -> None:
    clocks = [
        exposure("desk:1", "acme", 10, 25),
        exposure("desk:2", "acme", 0, 10, 25),
        exposure("desk:3", "zen", 0, 80),
        exposure("desk:5", "zen", 0, 80),
    ]
    found = risk([], clocks)
    assert amounts(found, CREDIT) == {"acme": 40, "zen": 100}
    assert found.figures[0].inputs == (Input("desk:1", "resolve", 15), Input("desk:2", "resolve", 25))


def test_nothing_open_has_no_figures() -> None:
    assert risk([]) == Risk((), ())
