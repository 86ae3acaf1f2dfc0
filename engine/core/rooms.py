"""Who is in a war room: who had which role from when to when, by the facts of one escalation."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.core.facts import Fact, in_order
from engine.core.instants import Instant
from engine.core.verbs import course


class RoleTenure(NamedTuple):
    """One person's time in one role, half-open."""

    role: str
    person: str
    start: Instant
    end: Instant | None
    """None: still there when the facts end. A resolution ends nobody's role."""


def tenures_of_roles(facts: Iterable[Fact]) -> list[RoleTenure]:
    """Every tenure of every role, in the order in which they began; the facts may come in any order.

    A role has one person at a time: assigned to another while somebody has it is a handover, released by
    somebody else than who has it changes nothing (Built-in 12). What comes after a merge is no part of the
    escalation, nor what comes after a cancellation that nothing takes back.
    """
    tenures: list[RoleTenure] = []
    held: dict[str, int] = {}
    """Role -> the place of its tenure that has not ended."""
    for fact, _ in course(in_order(list(facts))):
        if fact.kind not in ("role_assigned", "role_released"):
            continue
        role, person = fact.text("role"), fact.text("person")
        has_it = tenures[held[role]].person if role in held else ""
        is_assigned = fact.kind == "role_assigned"
        if is_assigned == (person == has_it):
            continue
        if role in held:
            place = held.pop(role)
            tenures[place] = tenures[place]._replace(end=fact.at)
        if is_assigned:
            held[role] = len(tenures)
            tenures.append(RoleTenure(role, person, fact.at, None))
    return tenures
