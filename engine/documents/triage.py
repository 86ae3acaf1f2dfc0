"""The triage sheet: what is known at the intake, which severity the rules come to, and what to ask."""

from typing import Any

from engine.core.matching import asked, surely
from engine.core.policy import Attributes, Condition, SeverityRule
from engine.documents.rendering import Plain
from engine.documents.situation import Data, Situation
from engine.documents.writing import Document

_ALWAYS_ASKED = (
    "customer", "tier", "service", "component", "region", "scope", "affected_customers", "data_loss",
    "security", "workaround", "revenue_at_risk", "owner",
)  # fmt: skip
_SOON = frozenset({"triage", "acknowledge", "first_response", "contact", "resolve", "customer_update"})


def triage_sheet(situation: Situation) -> Document:
    """The sheet at the situation's time."""
    head = situation.head()
    matrix = _matrix(situation)
    data: Data = {
        **head,
        "triaged": _triaged(situation),
        "matrix": matrix,
        "due": [row for row in situation.due_next() if isinstance(row, dict) and row["metric"] in _SOON],
        "next_update": situation.cadence("customer"),
        "exposure": {
            metric: situation.target(metric)
            for metric in ("first_response", "resolve", "rca_summary", "rca_final")
        },
        "unknown": situation.unknown(*_ALWAYS_ASKED),
    }
    return Document("triage.md", f"Triage: {head['title'] or situation.subject}", data)


def _triaged(situation: Situation) -> Plain:
    fact = situation.last("triaged")
    return None if fact is None else {"at": situation.moment(fact.at), "by": fact.text("by") or None}


def _matrix(situation: Situation) -> Data:
    """The severity rules of that time in order, how each stands, and what they come to
    (`engine.core.severity`).

    A rule that what is unknown leaves open, before the first that applies, may yet decide otherwise: what it
    asks for is to be asked first.
    """
    attributes: Attributes = situation.escalation.attributes
    by_rules, because, disagrees = situation.escalation.classified
    in_force = situation.plan.severities.at(situation.at)
    rules = [_rule(rule, attributes) for rule in (in_force.rules if in_force else ())]
    decides = next((number for number, rule in enumerate(rules) if rule["stands"] == "applies"), None)
    before = rules if decides is None else rules[:decides]
    open_rules = [rule for rule in before if rule["stands"] == "open"]
    stated, by = _stated(situation)
    return {
        "rules": rules,
        "by_rules": by_rules or None,
        "because": because or None,
        "stated": stated,
        "stated_by": by,
        "in_force": situation.escalation.severity or None,
        "disagree": disagrees,
        "ask_first": list(dict.fromkeys(name for rule in open_rules for name in rule["ask"])),
    }


def _rule(rule: SeverityRule, attributes: Attributes) -> dict[str, Any]:
    held = [(condition, surely((asked(condition),), attributes)) for condition in rule.when]
    open_ = [_named(condition.field) for condition, holds in held if holds is None]
    failed = any(holds is False for _, holds in held)
    return {
        "severity": rule.severity,
        "because": rule.because or None,
        "when": " and ".join(_in_words(condition) for condition in rule.when) or "anything else",
        "stands": "does not apply" if failed else "open" if open_ else "applies",
        "ask": [] if failed else open_,
    }


def _in_words(condition: Condition) -> str:
    name = _named(condition.field)
    if condition.at_least is None and condition.at_most is None:
        return f"{name}: {' or '.join(dict.fromkeys(map(_value, condition.any_of)))}"
    bounds = [
        f"{word} {bound:,}"
        for word, bound in (("at least", condition.at_least), ("at most", condition.at_most))
        if bound is not None
    ]
    return f"{name}: {' and '.join(bounds)}"


def _named(field: str) -> str:
    return {"tags_any": "a tag", "scope": "reach", "tier": "customer tier"}.get(
        field, field.replace("_", " ")
    )


def _value(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _stated(situation: Situation) -> tuple[str | None, str | None]:
    """The severity that somebody stated last, and who."""
    for fact in reversed(situation.facts):
        if fact.kind in ("opened", "updated", "triaged") and fact.text("severity"):
            return fact.text("severity"), fact.text("by") or None
    return None, None
