"""The rows of one escalation: its facts and outcomes as they came, and what follows from them."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from engine.archive.account import told_of
from engine.contract.codec import encode_outcome
from engine.core import attributes as attrs
from engine.core import standing
from engine.core.escalation import OPEN, WAITING
from engine.core.facts import Fact, opening
from engine.core.outcomes import Outcome
from engine.core.policy import rank
from engine.core.verbs import STATUS_AFTER, course, ends_work

Row: TypeAlias = dict[str, Any]
"""Column -> value, as SQLAlchemy takes it."""
Key: TypeAlias = tuple[int, str]
"""(seq, id) of an outcome: what was retracted may be said again, with an equal id and a later seq."""

STATUSES = ("waiting", "open", "resolved", "closed", "cancelled", "merged")
"""By the numbers of `engine.core.escalation`."""
_TEXTS = (
    "title", "customer", "customer_name", "tier", "service", "component", "region", "team", "owner",
    "fingerprint", "revenue_currency",
)  # fmt: skip
_NUMBERS = ("affected_customers", "revenue_at_risk")


class Said(standing.Said, Protocol):
    """What an escalation's row follows from: an outcome has it, and so has its row."""

    @property
    def severity(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def effective_at(self) -> int: ...


def fact_row(subject: str, fact: Fact) -> Row:
    """Of `facts`."""
    return {
        "subject": subject, "source": fact.source, "id": fact.id, "kind": fact.kind, "at": fact.at,
        "recorded": fact.recorded, "sequence": fact.sequence, "data": msgspec.json.encode(fact.data).decode(),
    }  # fmt: skip


def outcome_row(o: Outcome, *, stands: bool) -> Row:
    """Of `outcomes`."""
    record = encode_outcome(o).value or b""
    return {
        "subject": o.subject, "seq": o.seq, "id": o.id, "name": o.name, "corrects": o.corrects,
        "stands": stands, "said_name": o.outcome, "metric": o.metric, "key": o.key, "cycle": o.cycle,
        "severity": o.severity, "customer": o.customer_id, "tier": o.customer_tier, "service": o.service,
        "team": o.team, "owner": o.owner, "fingerprint": o.fingerprint,
        "policy": o.policy.name, "started": o.started_at, "due": o.due_at, "effective": o.effective_at,
        "detected": o.detected_at, "elapsed": o.elapsed, "elapsed_calendar": o.elapsed_calendar,
        "target": o.target, "record": record.decode(),
    }  # fmt: skip


def escalation_row(subject: str, facts: Sequence[Fact], outcomes: Iterable[Said]) -> Row:
    """Of `escalations`: of its facts, at least one, in the order in which they are judged, and of those
    outcomes that stand. A severity and a fingerprint that the policy decided are known from the outcomes that
    carry them."""
    opened = opening(list(facts))
    attributes = told_of(facts)
    told = [severity for fact in facts if (severity := fact.text("severity"))]
    by_time = sorted(outcomes, key=lambda said: (said.effective_at, said.seq))
    carried = [one.severity for one in by_time if one.severity]
    row: Row = _course(facts) if opened else {**_course(facts), "status": STATUSES[WAITING]}
    row |= {name: attrs.text(attributes, name) for name in _TEXTS}
    row |= {name: attributes.get(name) for name in _NUMBERS}
    by_policy = [one.fingerprint for one in sorted(by_time, key=lambda said: said.seq) if one.fingerprint]
    row["fingerprint"] = row["fingerprint"] or (by_policy or [""])[-1]
    return row | {
        "subject": subject,
        "severity": (told or carried or [""])[-1],
        "gravest": min(told + carried, key=rank, default=""),
        "opened": opened.at if opened else None,
        "last": max(fact.at for fact in facts),
    }


def _course(facts: Sequence[Fact]) -> Row:
    """Its status, and when it was acknowledged, answered, resolved, reopened and closed."""
    status, reopened = OPEN, 0
    first: dict[str, int] = {}
    resolved: int | None = None
    closed: int | None = None
    for fact, before in course(facts):
        kind = fact.kind
        first.setdefault("answered" if _answers(fact) else kind, fact.at)
        if ends_work(fact, before):
            resolved = fact.at
            first.setdefault("first_resolved", fact.at)
        if kind == "reopened":
            resolved, reopened = None, reopened + 1
        elif kind == "closed":
            closed = fact.at
        status = STATUS_AFTER.get(kind, before)
    return {
        "status": STATUSES[status],
        "acknowledged": first.get("acknowledged"),
        "answered": first.get("answered"),
        "resolved": resolved,
        "first_resolved": first.get("first_resolved"),
        "reopened": reopened,
        "closed": closed,
    }


def _answers(fact: Fact) -> bool:
    if fact.kind == "message_sent":
        return fact.data.get("public") is True
    return fact.kind == "update_published" and fact.text("audience") == "customer"
