"""Who had which role of a war room from when to when."""

# ruff: noqa: E501  # a line of facts stays a line

import random

import pytest
from case_notation import read_fact
from core_runs import minutes
from generated_facts import BOOK, facts

from engine.core.escalation import Escalation
from engine.core.facts import Fact, in_order
from engine.core.judge import Judge
from engine.core.rooms import tenures_of_roles
from engine.core.rules import rules_of

TENURES = {
    "a role that is held when the facts end has no end": (
        "0 opened P0; 5 role_assigned commander ann",
        "commander ann 5 -",
    ),
    "released it ends": (
        "0 opened P0; 5 role_assigned commander ann; 9 role_released commander ann",
        "commander ann 5 9",
    ),
    "a handover ends it; its release afterwards changes nothing": (
        "0 opened P0; 5 role_assigned commander ann; 9 role_assigned commander bo; 10 role_released commander ann",
        "commander ann 5 9; commander bo 9 -",
    ),
    "assigned again to who has it, it goes on": (
        "0 opened P0; 5 role_assigned commander ann; 9 role_assigned commander ann",
        "commander ann 5 -",
    ),
    "one person may have two roles, and have one of them twice": (
        "0 opened P0; 5 role_assigned commander ann; 6 role_assigned comms ann; 7 role_released commander ann; 8 role_assigned commander ann",
        "commander ann 5 7; comms ann 6 -; commander ann 8 -",
    ),
    "nor is what comes after a cancellation": (
        "0 opened P0; 5 role_assigned commander ann; 6 cancelled spam; 7 role_assigned commander bo",
        "commander ann 5 -",
    ),
    "unless a reopening takes it back; a merge in between is none": (
        "0 opened P0; 5 role_assigned commander ann; 6 cancelled spam; 7 role_assigned commander bo; 8 merged desk:2; 9 reopened; 10 role_released commander ann",
        "commander ann 5 7; commander bo 7 -",
    ),
    "what comes after a merge is no part of it": (
        "0 opened P0; 5 role_assigned commander ann; 6 merged desk:2; 7 role_released commander ann",
        "commander ann 5 -",
    ),
}


def shown(told: list[Fact]) -> str:
    return "; ".join(
        " ".join([t.role, t.person, f"{minutes(t.start):g}", "-" if t.end is None else f"{minutes(t.end):g}"])
        for t in tenures_of_roles(told)
    )


@pytest.mark.parametrize(("steps", "expected"), TENURES.values(), ids=TENURES)
def test_who_had_which_role_is_told_in_whatever_order_the_facts_come(steps: str, expected: str) -> None:
    told = [read_fact(step.strip()) for step in steps.split(";")]
    assert shown(told) == shown(told[::-1]) == expected


def test_who_has_a_role_at_the_end_is_who_has_it_in_the_state() -> None:
    chance = random.Random(5)  # noqa: S311
    plan = rules_of(BOOK).plan("gold", BOOK.policies[0].hash)
    assert plan is not None
    for _ in range(200):
        told = in_order(facts(chance.choice, 40))
        judge = Judge(plan, Escalation("desk:1"), movements=False)
        judge.open_(told[0])
        for fact in told[1:]:
            judge.step(fact)
        held = {t.role: t.person for t in tenures_of_roles(told) if t.end is None}
        assert held == judge.escalation.staff
