"""What is taken out of facts and outcomes when a customer's personal data are erased, and what stays."""

import re
from hashlib import blake2b
from typing import NamedTuple

from msgspec.structs import replace

from engine.core.facts import Fact, Value
from engine.core.outcomes import Classification, Known, Outcome
from engine.core.segments import stands_paused

_CODE = re.compile(r"[a-z0-9_.:-]{0,64}", re.ASCII)
"""What a reason looks like that a system gives (pending_customer): it stays, and a sentence goes."""

_KEPT = frozenset(
    [
        "severity", "priority", "service", "component", "region", "affected_customers", "channel", "owner",
        "team", "fingerprint", "occurred_at", "detected_at", "reported_at", "impact", "audience",
        "next_update_at", "final", "public", "into", "commitment_id", "due_at", "stage", "action_id",
        "pattern", "metric", "role", "person", "policy", "version", "hash",
    ]
)  # fmt: skip
"""Fields that say what was owed, and when and by whom of ours it was served."""
_KEPT_OF = {"linked": {"to"}, "unlinked": {"to"}, "recurrence_flagged": {"to"}}
"""Elsewhere `to` is whom a promise was made to."""
OF_BOTH_SIDES = frozenset(
    [
        "message_received", "resolution_confirmed", "paused", "resumed", "resolved", "reopened", "closed",
        "cancelled",
    ]
)  # fmt: skip
"""Verbs that are the customer's as well: a fact alone does not tell whose side `by` is on."""
_TEXTS = frozenset(["title", "text"])
"""Fields that readers expect to be there: they are left empty."""
_OF_PERSONS = frozenset(["customer_name", "title", "reporter", "tags"])
"""Attributes that a severity rule may ask for; what they were goes, that they were asked for stays."""


class Erasure(NamedTuple):
    """One customer that is erased."""

    customer: str
    """A hash of the id."""
    pseudonym: str


def hash_of(customer: str) -> str:
    """By which an id is recognised when it is read again. Who knows the id can compute it."""
    return blake2b(customer.encode(), digest_size=16, person=b"vigil erasure").hexdigest()


def erasure(customer: str, token: str) -> Erasure:
    """With a new pseudonym, of a token that nobody can compute from the id."""
    return Erasure(hash_of(customer), f"erased-{token}")


def customer_in(fact: Fact) -> str:
    """The id of the customer that a fact names; empty where it names none."""
    customer = fact.data.get("customer")
    found = customer.get("id") if isinstance(customer, dict) else ""
    return found if isinstance(found, str) else ""


def erase_fact(fact: Fact, by: Erasure) -> Fact:
    """The same fact without what it says of persons; erasing it again changes nothing."""
    kept = _KEPT | _KEPT_OF.get(fact.kind, set())
    data: dict[str, Value] = {}
    for name, value in fact.data.items():
        if name == "customer":
            data[name] = _customer(value, by)
        elif name == "reason":
            data[name] = _reason(value)
        elif name in kept or (name == "by" and _is_ours(fact, by)):
            data[name] = value
        elif name in _TEXTS:
            data[name] = ""
    return replace(fact, data=data)


def _is_ours(fact: Fact, by: Erasure) -> bool:
    """Whether who did it is on our side, as far as the fact tells."""
    return fact.kind not in OF_BOTH_SIDES and hash_of(fact.text("by")) != by.customer


def erase_outcome(outcome: Outcome, by: Erasure) -> Outcome:
    """The same outcome under the pseudonym, without sentences in its reasons. Its id and its hash stay: they
    are those of what was said then."""
    customer = outcome.customer_id
    return replace(
        outcome,
        customer_id=by.pseudonym if hash_of(customer) == by.customer else customer,
        # The reason of a severity is a sentence of the policy.
        reason=outcome.reason if outcome.classification else str(_reason(outcome.reason)),
        classification=_classification(outcome.classification, by),
        fingerprint=outcome.fingerprint.rpartition("-")[2],  # what is before it are words of the title
        segments=tuple(
            segment if _CODE.fullmatch(segment.reason) else replace(segment, why=stands_paused(""))
            for segment in outcome.segments
        ),
    )


def _classification(said: Classification | None, by: Erasure) -> Classification | None:
    if said is None:
        return None

    def known(name: str, value: Known) -> Known:
        if name == "customer" and hash_of(str(value)) == by.customer:
            return by.pseudonym
        return "" if name in _OF_PERSONS else value

    return replace(said, inputs=tuple((name, known(name, value)) for name, value in said.inputs))


def _customer(said: Value, by: Erasure) -> Value:
    """Another customer of the same escalation keeps its id: it is erased by an erasure of its own."""
    if not isinstance(said, dict):
        return said
    found = said.get("id")
    kept: dict[str, Value] = {name: value for name, value in said.items() if name in ("id", "tier")}
    if isinstance(found, str) and hash_of(found) == by.customer:
        kept["id"] = by.pseudonym
    return kept


def _reason(said: Value) -> Value:
    return said if not isinstance(said, str) or _CODE.fullmatch(said) else ""
