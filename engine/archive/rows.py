"""The rows of one escalation: its facts and outcomes as they came, and what follows from them."""

from typing import Any, TypeAlias

import msgspec

from engine.archive.account import Account
from engine.contract.codec import encode_outcome
from engine.core import attributes as attrs
from engine.core.facts import Fact, opening
from engine.core.outcomes import Outcome
from engine.core.policy import SEVERITIES

Row: TypeAlias = dict[str, Any]
"""Column -> value, as SQLAlchemy takes it."""

_STATUS_AFTER = {
    "resolved": "resolved",
    "closed": "closed",
    "reopened": "open",
    "cancelled": "cancelled",
    "merged": "merged",
}
_GONE = ("cancelled", "merged")
_TEXTS = (
    "title", "customer", "customer_name", "tier", "service", "component", "region", "team", "owner",
    "fingerprint", "revenue_currency",
)  # fmt: skip
_NUMBERS = ("affected_customers", "revenue_at_risk")


def fact_rows(account: Account) -> list[Row]:
    """Of `facts`."""
    return [
        {
            "subject": account.subject, "source": fact.source, "id": fact.id, "kind": fact.kind,
            "at": fact.at, "recorded": fact.recorded, "sequence": fact.sequence,
            "data": msgspec.json.encode(fact.data).decode(),
        }
        for fact in account.facts
    ]  # fmt: skip


def outcome_rows(account: Account) -> list[Row]:
    """Of `outcomes`, with what stands of them."""
    stands: dict[str, int] = {}
    for one in account.outcomes:  # what was retracted may be said again: an equal id, but a later seq
        stands.pop(one.corrects, None)
        if one.name != "retracted":
            stands[one.id] = one.seq
    return [outcome_row(one, stands=stands.get(one.id) == one.seq) for one in account.outcomes]


def outcome_row(o: Outcome, *, stands: bool) -> Row:
    """Of `outcomes`."""
    record = encode_outcome(o).value or b""
    return {
        "subject": o.subject, "seq": o.seq, "id": o.id, "name": o.name, "corrects": o.corrects,
        "stands": stands, "said_name": o.outcome, "metric": o.metric, "key": o.key, "cycle": o.cycle,
        "severity": o.severity, "customer": o.customer_id, "tier": o.customer_tier, "service": o.service,
        "team": o.team, "owner": o.owner, "policy": o.policy.name, "started": o.started_at, "due": o.due_at,
        "effective": o.effective_at, "detected": o.detected_at, "elapsed": o.elapsed,
        "elapsed_calendar": o.elapsed_calendar, "target": o.target, "record": record.decode(),
    }  # fmt: skip


def escalation_row(account: Account) -> Row:
    """Of `escalations`. A severity that the policy decided is known from the outcomes that carry it."""
    facts, attributes = account.facts, account.attributes
    opened = opening(list(facts))
    said = [fact.text("severity") for fact in facts] + [one.severity for one in account.standing]
    severities = [severity for severity in said if severity]
    row: Row = {name: attrs.text(attributes, name) for name in _TEXTS}
    row |= {name: attributes.get(name) for name in _NUMBERS}
    return row | {
        "subject": account.subject,
        "severity": severities[-1] if severities else "",
        "gravest": min(severities, key=SEVERITIES.index, default=""),
        "opened": opened.at if opened else None,
        "last": max(fact.at for fact in facts),
        **_moments(facts),
        "status": _status(facts) if opened else "waiting",
    }


def _status(facts: tuple[Fact, ...]) -> str:
    status = "open"
    for fact in facts:
        if status not in _GONE:
            status = _STATUS_AFTER.get(fact.kind, status)
    return status


def _moments(facts: tuple[Fact, ...]) -> Row:
    """When it was acknowledged, answered, resolved, reopened and closed."""
    first: dict[str, int] = {}
    resolved, reopened = None, 0
    for fact in facts:
        kind = "answered" if _answers(fact) else fact.kind
        first.setdefault(kind, fact.at)
        if fact.kind == "resolved" or (fact.kind == "closed" and resolved is None):
            resolved = fact.at if resolved is None else resolved
            first.setdefault("first_resolved", fact.at)
        elif fact.kind == "reopened":
            resolved, reopened = None, reopened + 1
    closed = [fact.at for fact in facts if fact.kind == "closed"]
    return {
        "acknowledged": first.get("acknowledged"),
        "answered": first.get("answered"),
        "resolved": resolved,
        "first_resolved": first.get("first_resolved"),
        "reopened": reopened,
        "closed": closed[-1] if closed else None,
    }


def _answers(fact: Fact) -> bool:
    if fact.kind == "message_sent":
        return fact.data.get("public") is True
    return fact.kind == "update_published" and fact.text("audience") == "customer"
