"""Which policy applies: conditions over attributes, and the book's order."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from engine.core.instants import Instant
from engine.core.policy import Attributes, Book, Condition, Policy

_READ_AS = {"tags_any": "tags"}


class Asked(NamedTuple):
    """A condition made ready to be asked often."""

    name: str
    """The attribute that it asks for."""
    holds: Callable[[object], bool]
    """Of a value that is known."""


def reads(condition: Condition) -> str:
    """The attribute that a condition asks for."""
    return _READ_AS.get(condition.field, condition.field)


def asked(condition: Condition) -> Asked:
    if condition.at_least is None and condition.at_most is None:
        return Asked(reads(condition), partial(_is_any_of, condition.any_of))
    return Asked(reads(condition), partial(_is_within, condition.at_least, condition.at_most))


def matches(conditions: Sequence[Condition], attributes: Attributes) -> bool:
    """Whether all conditions hold. What is unknown meets no condition, `false` included."""
    for name, holds in map(asked, conditions):
        value = attributes.get(name)
        if value is None or not holds(value):
            return False
    return True


def surely(conditions: Iterable[Asked], attributes: Attributes) -> bool | None:
    """Whether all conditions hold whatever else becomes known; None while that hangs on what is unknown.

    Tags are what was given: none is known to be none.
    """
    unknown = False
    for name, holds in conditions:
        value = attributes.get(name)
        if value is None:
            if name == "tags":
                return False
            unknown = True
        elif not holds(value):
            return False
    return None if unknown else True


def _is_any_of(wanted: Sequence[object], value: object) -> bool:
    for found in value if isinstance(value, list | tuple) else (value,):
        for one in wanted:
            # True == 1 in Python; a count of 1 is not a yes.
            if one == found and isinstance(one, bool) == isinstance(found, bool):
                return True
    return False


def _is_within(at_least: float | None, at_most: float | None, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (at_least is None or value >= at_least) and (at_most is None or value <= at_most)


def match_policy(book: Book, attributes: Attributes, opened: Instant) -> Policy | None:
    """The first policy that applies to an escalation opened then; None leaves it unclassified.

    Of the versions of one name the latest that had begun takes part, in the place of the name's first
    document; a name of which none had begun takes no part.
    """
    for policy in _in_force(book, opened):
        if matches(policy.match, attributes) and (policy.when is None or policy.when(attributes)):
            return policy
    return None


def _in_force(book: Book, opened: Instant) -> Sequence[Policy]:
    latest: dict[str, Policy | None] = {}
    for policy in book.policies:
        best = latest.setdefault(policy.name, None)
        if policy.effective_from <= opened and (best is None or policy.effective_from >= best.effective_from):
            latest[policy.name] = policy
    return [policy for policy in latest.values() if policy is not None]
