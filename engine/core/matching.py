"""Which policy applies: conditions over attributes, and the book's order."""

from collections.abc import Sequence

from engine.core.instants import Instant
from engine.core.policy import Attributes, Book, Condition, Policy

_READ_AS = {"tags_any": "tags"}


def reads(condition: Condition) -> str:
    """The attribute that a condition asks for."""
    return _READ_AS.get(condition.field, condition.field)


def matches(conditions: Sequence[Condition], attributes: Attributes) -> bool:
    """Whether all conditions hold. What is unknown meets no condition, `false` included."""
    return all(_holds(condition, attributes.get(reads(condition))) for condition in conditions)


def surely(conditions: Sequence[Condition], attributes: Attributes) -> bool | None:
    """Whether all conditions hold whatever else becomes known; None while that hangs on what is unknown.

    Tags are what was given: none is known to be none.
    """
    unknown = False
    for condition in conditions:
        name = reads(condition)
        value = attributes.get(name)
        if value is None and name != "tags":
            unknown = True
        elif not _holds(condition, value):
            return False
    return None if unknown else True


def _holds(condition: Condition, value: object) -> bool:
    if value is None:
        return False
    if condition.at_least is None and condition.at_most is None:
        values = value if isinstance(value, list | tuple) else (value,)
        return any(_same(wanted, found) for wanted in condition.any_of for found in values)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (condition.at_least is None or value >= condition.at_least) and (
        condition.at_most is None or value <= condition.at_most
    )


def _same(wanted: object, found: object) -> bool:
    # True == 1 in Python; a count of 1 is not a yes.
    return wanted == found and isinstance(wanted, bool) == isinstance(found, bool)


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
