"""Which policy applies: conditions, a row each, and the order of the book."""

# ruff: noqa: E501  # a row stays a row

import pytest

from engine.core.instants import Instant
from engine.core.matching import match_policy, matches
from engine.core.policy import Attributes, Book, Condition, Policy

CONDITIONS = [
    # behaviour, condition, attributes, holds
    ("the same text", Condition("tier", any_of=("gold",)), {"tier": "gold"}, True),
    ("any of several", Condition("tier", any_of=("platinum", "gold")), {"tier": "gold"}, True),
    ("none of several", Condition("tier", any_of=("platinum", "gold")), {"tier": "silver"}, False),
    ("what is unknown meets nothing", Condition("tier", any_of=("gold",)), {}, False),
    ("unknown is not false", Condition("workaround", any_of=(False,)), {}, False),
    ("false is false", Condition("workaround", any_of=(False,)), {"workaround": False}, True),
    ("a yes is not the number one", Condition("affected_customers", any_of=(1,)), {"affected_customers": True}, False),
    ("the number one is not a yes", Condition("security", any_of=(True,)), {"security": 1}, False),
    ("a whole number equals its float", Condition("affected_customers", any_of=(3,)), {"affected_customers": 3.0}, True),
    ("at least", Condition("affected_customers", at_least=20), {"affected_customers": 20}, True),
    ("less than at least", Condition("affected_customers", at_least=20), {"affected_customers": 19}, False),
    ("at most", Condition("affected_customers", at_most=20), {"affected_customers": 20}, True),
    ("more than at most", Condition("affected_customers", at_most=20), {"affected_customers": 21}, False),
    ("at least nothing", Condition("affected_customers", at_least=0), {"affected_customers": 0}, True),
    ("a range of an unknown", Condition("affected_customers", at_least=0), {}, False),
    ("a range of a text", Condition("affected_customers", at_least=0), {"affected_customers": "many"}, False),
    ("a range of a yes", Condition("affected_customers", at_least=0), {"affected_customers": True}, False),
    ("any of the tags", Condition("tags_any", any_of=("vip", "beta")), {"tags": ["x", "beta"]}, True),
    ("none of the tags", Condition("tags_any", any_of=("vip",)), {"tags": ["x"]}, False),
    ("no tags", Condition("tags_any", any_of=("vip",)), {"tags": []}, False),
    ("tags as a field", Condition("tags", any_of=("vip",)), {"tags": ["vip", "x"]}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "attributes", "holds"), [pytest.param(*row[1:], id=row[0]) for row in CONDITIONS]
)
def test_a_condition_holds_of(condition: Condition, attributes: Attributes, holds: bool) -> None:
    assert matches((condition,), attributes) is holds


def test_all_conditions_must_hold() -> None:
    both = (Condition("tier", any_of=("gold",)), Condition("region", any_of=("EU",)))
    assert matches(both, {"tier": "gold", "region": "EU"})
    assert not matches(both, {"tier": "gold"})
    assert matches((), {})


def policy(name: str, begins: int = 0, tier: str = "", **more: object) -> Policy:
    match = (Condition("tier", any_of=(tier,)),) if tier else ()
    return Policy(
        name=name,
        version=str(begins),
        hash=f"{name}-{begins}",
        effective_from=Instant(begins),
        match=match,
        **more,  # type: ignore[arg-type]
    )


def chosen(policies: list[Policy], attributes: Attributes, opened: int = 100) -> str | None:
    found = match_policy(Book(tuple(policies), {}), attributes, Instant(opened))
    return None if found is None else found.hash


ORDER = [
    # behaviour, policies, attributes, opened, chosen
    ("the first that matches", [policy("gold", tier="gold"), policy("all")], {"tier": "gold"}, 100, "gold-0"),
    ("the last is the default", [policy("gold", tier="gold"), policy("all")], {}, 100, "all-0"),
    ("none leaves it unclassified", [policy("gold", tier="gold")], {}, 100, None),
    ("the latest version that had begun", [policy("a", 1), policy("a", 50), policy("a", 200)], {}, 100, "a-50"),
    ("a version begins at its instant", [policy("a", 1), policy("a", 100)], {}, 100, "a-100"),
    ("the order of versions in the files is nothing", [policy("a", 50), policy("a", 1)], {}, 100, "a-50"),
    ("before its first version a name takes no part", [policy("a", 200), policy("b")], {}, 100, "b-0"),
    ("before all versions nothing matches", [policy("a", 200)], {}, 100, None),
    (
        "a version stands in the place of the first document",
        [policy("a", 1), policy("b"), policy("a", 50)], {}, 100, "a-50",
    ),
    (
        "a later version that does not match hides an earlier one that would",
        [policy("a", 1), policy("a", 50, tier="gold"), policy("b")], {}, 100, "b-0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policies", "attributes", "opened", "expected"), [pytest.param(*row[1:], id=row[0]) for row in ORDER]
)
def test_the_policy_is(
    policies: list[Policy], attributes: Attributes, opened: int, expected: str | None
) -> None:
    assert chosen(policies, attributes, opened) == expected


def test_an_expression_is_asked_once_the_conditions_hold() -> None:
    asked: list[Attributes] = []

    def when(attributes: Attributes) -> bool:
        asked.append(attributes)
        return attributes.get("region") == "EU"

    policies = [policy("gold", tier="gold", when=when), policy("all")]
    assert chosen(policies, {"tier": "gold", "region": "EU"}) == "gold-0"
    assert chosen(policies, {"tier": "gold", "region": "US"}) == "all-0"
    assert chosen(policies, {"tier": "silver", "region": "EU"}) == "all-0"
    assert len(asked) == 2
