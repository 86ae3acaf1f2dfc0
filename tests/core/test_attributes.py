"""What is known of an escalation, merged from what its events say."""

from core_runs import Engine, at, book_of, fact, policy

from engine.core.attributes import merge
from engine.core.facts import Value

AT_RISK: dict[str, Value] = {"revenue_at_risk": {"amount": 5_000, "currency": "EUR"}}


def known(*said: dict[str, Value]) -> dict[str, Value]:
    attributes: dict[str, Value] = {}
    for one in said:
        merge(attributes, one)
    return attributes


def test_the_revenue_at_risk_is_known_with_its_currency() -> None:
    assert known({"impact": AT_RISK}) == {"revenue_at_risk": 5_000, "revenue_currency": "EUR"}


def test_an_impact_that_says_nothing_of_revenue_leaves_it() -> None:
    found = known({"impact": AT_RISK}, {"impact": {"scope": "many"}})
    assert found == {"revenue_at_risk": 5_000, "revenue_currency": "EUR", "scope": "many"}


def test_null_takes_it_back_alone_or_with_all_of_the_impact() -> None:
    scope: Value = {"scope": "many", **AT_RISK}
    assert known({"impact": scope}, {"impact": {"revenue_at_risk": None}}) == {"scope": "many"}
    assert known({"impact": scope}, {"impact": None}) == {}


def test_of_the_customers_affected_what_the_event_says_itself_is_kept_where_its_impact_is_silent() -> None:
    assert known({"affected_customers": 7, "impact": {"scope": "some"}})["affected_customers"] == 7
    assert known({"impact": {"affected_customers": 9}})["affected_customers"] == 9


def test_another_customer_has_neither_the_name_nor_the_tier_of_the_one_before() -> None:
    acme: dict[str, Value] = {"customer": {"id": "acme", "name": "Acme Corp", "tier": "gold"}}
    assert known(acme, {"customer": {"id": "bolt"}}) == {"customer": "bolt"}
    bolt: dict[str, Value] = {"customer": {"id": "bolt", "tier": "silver"}}
    assert known(acme, bolt) == {"customer": "bolt", "tier": "silver"}
    changed = known(acme, {"customer": {"id": "acme", "tier": "silver"}})
    assert changed == {"customer": "acme", "customer_name": "Acme Corp", "tier": "silver"}
    assert known(acme, {"customer": {"tier": "silver"}}) == changed


def test_an_outcome_says_whom_and_what_it_concerns() -> None:
    engine = Engine(book_of(policy("clocks: {resolve: {budget: {P1: 60m}}}")))
    of: dict[str, Value] = {"service": "mail", "team": "blue", "owner": "ann"}
    engine.take(fact("opened", 0, severity="P1", customer={"id": "acme", "tier": "gold"}, **of))  # type: ignore[arg-type]
    engine.tick_until(at(61))
    (breach,) = engine.said
    assert (breach.customer_id, breach.customer_tier) == ("acme", "gold")
    assert (breach.service, breach.team, breach.owner) == ("mail", "blue", "ann")
