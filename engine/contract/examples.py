"""One example of every type, as structured CloudEvents: published in schemas/examples, each a test."""

from typing import Any

import msgspec

from engine.contract.codec import encode_outcome, encode_relay, encode_tick
from engine.contract.events import FAMILIES, MODELS, VERSION
from engine.contract.records import Record
from engine.core.facts import Fact, Value
from engine.core.instants import HOUR, MINUTE, Instant, Span, format_instant, parse_instant
from engine.core.outcomes import NAMES, VERDICTS, Classification, Outcome, PolicyRef, Versions, outcome_id
from engine.core.proof import hash_of
from engine.core.relays import Relay, contact_inherited, occurrence, relayed_update
from engine.core.segments import Segment
from engine.core.severity import SEVERITY

_AT = parse_instant("2026-11-02T09:00:00Z")
_SUBJECTS = {"ticket": "zendesk:acme:4711", "incident": "pagerduty:acme:PT4KHLK"}
_PATTERN = "pattern:payments/card-gateway/declined"

DATA: dict[str, dict[str, Any]] = {
    "opened": {
        "title": "Payments are declined",
        "severity": "P1",
        "priority": "high",
        "customer": {"id": "acme", "name": "Acme Corp", "tier": "gold"},
        "service": "payments",
        "component": "card-gateway",
        "region": "eu-west",
        "affected_customers": 12,
        "channel": "email",
        "reporter": "jo@acme.example",
        "team": "support-emea",
        "tags": ["payments", "cards"],
        "fingerprint": "payments/card-gateway/declined",
        "occurred_at": "2026-11-02T08:50:00Z",
        "detected_at": "2026-11-02T08:55:00Z",
        "reported_at": "2026-11-02T09:58:30+01:00",
        "impact": {
            "scope": "some",
            "affected_customers": 12,
            "data_loss": False,
            "security": False,
            "workaround": True,
            "revenue_at_risk": {"amount": 25000, "currency": "EUR"},
        },
    },
    "updated": {"priority": "urgent", "affected_customers": 40, "owner": None},
    "triaged": {"severity": "P0", "impact": {"scope": "all", "workaround": False}, "by": "kim"},
    "acknowledged": {"by": "kim"},
    "assigned": {"owner": "kim", "team": "support-emea", "by": "lee"},
    "role_assigned": {"role": "incident_commander", "person": "kim"},
    "role_released": {"role": "incident_commander", "person": "kim"},
    "paused": {"reason": "pending_customer", "by": "kim"},
    "resumed": {"reason": "pending_customer"},
    "message_received": {"public": True},
    "message_sent": {"public": True, "by": "kim"},
    "update_published": {"audience": "customer", "next_update_at": "2026-11-02T10:00:00Z", "by": "kim"},
    "resolved": {"resolution": "Rolled back release 7.3", "by": "kim"},
    "resolution_confirmed": {"by": "jo@acme.example"},
    "reopened": {"reason": "It is back", "by": "jo@acme.example"},
    "closed": {"reason": "confirmed", "by": "kim"},
    "cancelled": {"reason": "duplicate", "by": "kim"},
    "merged": {"into": "zendesk:acme:4700"},
    "linked": {"to": "pagerduty:acme:PT4KHLJ"},
    "unlinked": {"to": "pagerduty:acme:PT4KHLJ"},
    "commitment_made": {
        "commitment_id": "c-1",
        "text": "A root cause by Friday noon",
        "due_at": "2026-11-06T11:00:00Z",
        "to": "jo@acme.example",
        "by": "kim",
    },
    "commitment_kept": {"commitment_id": "c-1"},
    "commitment_withdrawn": {"commitment_id": "c-1", "reason": "the customer no longer needs it"},
    "commitment_renegotiated": {"commitment_id": "c-1", "due_at": "2026-11-09T11:00:00Z"},
    "rca_published": {"stage": "summary", "url": "https://wiki.example/rca/4711"},
    "pir_held": {"url": "https://wiki.example/pir/4711"},
    "action_opened": {
        "action_id": "a-1",
        "title": "Alert on declined payments",
        "owner": "lee",
        "due_at": "2026-11-30T17:00:00Z",
    },
    "action_completed": {"action_id": "a-1", "by": "lee"},
    "action_cancelled": {"action_id": "a-1", "reason": "the gateway is replaced"},
    "recurrence_flagged": {"pattern": "payments/card-gateway/declined", "to": ["product", "operations"]},
    "waived": {"metric": "resolve", "reason": "agreed with the customer", "by": "kim"},
    "rebased": {
        "policy": "standard",
        "version": "2026-11-01T00:00:00Z",
        "hash": "5d41402abc4b2a76",
        "reason": "the new contract holds for what is open, too",
        "by": "kim",
    },
}
"""Of each verb."""


def examples() -> dict[str, dict[str, Any]]:
    """Type -> event."""
    inbound = {
        kind: _event(kind, family, DATA[verb])
        for family in FAMILIES
        for verb in MODELS
        for kind in (f"{family}.{verb}.{VERSION}",)
    }
    tick = _structured(encode_tick(_SUBJECTS["ticket"], Instant(_AT + 4 * HOUR)))
    relays = (_structured(encode_relay(relay)) for relay in _relays())
    outcomes = (_structured(encode_outcome(example_outcome(name))) for name in NAMES)
    return inbound | {event["type"]: event for event in (tick, *relays, *outcomes)}


def _relays() -> tuple[Relay, ...]:
    ticket, incident = _SUBJECTS["ticket"], _SUBJECTS["incident"]
    stated: dict[str, Value] = {"audience": "customer", "next_update_at": int(_AT + HOUR)}
    update = Fact("pagerduty", "update_published-1", "update_published", _AT, _AT, "0001", stated)
    merged = Fact("zendesk", "merged-1", "merged", _AT, _AT)
    contact = Instant(_AT - 10 * MINUTE)
    opened = Fact("zendesk", "opened-1", "opened", _AT, _AT)
    told: dict[str, Value] = {
        "policy": {"name": "standard", "version": "2026-01-01T00:00:00Z", "hash": "5d41402abc4b2a76"},
        "severity": "P1",
        "title": "Payments are declined",
        "service": "payments",
        "component": "card-gateway",
        "customer": "acme",
    }
    return (
        relayed_update(incident, ticket, update),
        contact_inherited("zendesk:acme:4700", ticket, merged, contact, answered=True),
        occurrence(ticket, _PATTERN, opened, _AT, told),
    )


def _event(kind: str, family: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": kind,
        "source": "zendesk" if family == "ticket" else "pagerduty",
        "id": f"{kind.split('.')[1]}-1",
        "subject": _PATTERN if ".recurrence_flagged." in kind else _SUBJECTS[family],
        "time": format_instant(_AT),
        "sequence": "0001",
        "datacontenttype": "application/json",
        "data": data,
    }


def _structured(record: Record) -> dict[str, Any]:
    attributes = {name[3:]: raw.decode() for name, raw in record.headers if name.startswith("ce_")}
    return attributes | {
        "datacontenttype": "application/json",
        "data": msgspec.json.decode(record.value or b""),
    }


_METRICS = {
    "cadence_missed": "customer_update",
    "commitment_missed": "commitment",
    "overdue": "rca_summary",
    "room_too_large": "war_room",
    "recurrence_detected": "flag_recurrence",
    "classified": SEVERITY,
}
_NOTIFIED = {"escalated": ("team_lead", "manager"), "recurrence_detected": ("product", "operations")}
_THRESHOLDS = {"breach_risk": "75%", "escalated": "100%", "credit_exposed": "100%"}
_CORRECTED = outcome_id(
    _SUBJECTS["ticket"], "resolve", "", 1, "breached", "", _AT + 8 * HOUR, _AT + 8 * HOUR, ""
)

_CLASSIFICATION = Classification(
    "P0", True, (("data_loss", False), ("scope", "all"), ("workaround", False)), ("security",)
)


def example_outcome(name: str) -> Outcome:
    """A plausible outcome of the name."""
    is_pattern = name == "recurrence_detected"
    subject = _PATTERN if is_pattern else _SUBJECTS["ticket"]
    metric, threshold = _METRICS.get(name, "resolve"), _THRESHOLDS.get(name, "")
    key = "c-1" if name == "commitment_missed" else ""
    due = Instant(_AT + 8 * HOUR)
    effective = Instant(_AT + 6 * HOUR) if name in ("breach_risk", "met", "amended") else due
    correction = name in ("amended", "retracted")
    corrected = {"amended": "met", "retracted": "breached"}.get(name, "")
    is_verdict = name in VERDICTS or name == "amended"
    reason = {"cancelled": "duplicate", "classified": "everyone is down"}.get(name, "")
    percent = 10.0 if name == "credit_exposed" else None
    made = Outcome(
        name=name,
        id=outcome_id(subject, metric, key, 1, name, threshold, due, effective, reason, percent),
        seq=5,
        subject=subject,
        metric=metric,
        key=key,
        cycle=1,
        policy=PolicyRef("standard", "2026-01-01T00:00:00Z", "5d41402abc4b2a76"),
        severity="P1",
        customer_id="acme",
        customer_tier="gold",
        service="payments",
        team="support-emea",
        owner="kim",
        started_at=_AT,
        due_at=due,
        effective_at=effective,
        detected_at=Instant(effective + MINUTE // 120),
        elapsed=Span(effective - _AT - (HOUR if is_verdict else 0)),
        elapsed_calendar=Span(effective - _AT),
        target=Span(8 * HOUR),
        threshold=threshold,
        notify=_NOTIFIED.get(name, ()),
        in_a_row=2 if name == "cadence_missed" else 0,
        reason=reason,
        versions=Versions("support", "9b74c9897bac770f", "2026b", "0.108"),
        segments=_segments(effective) if is_verdict else (),
        caused_by="resolved-1" if correction else "",
        corrects=_CORRECTED if correction else "",
        outcome=corrected,
        probability=0.625 if name == "breach_risk" else None,
        cases=184 if name == "breach_risk" else 0,
        credit_percent=percent,
        people=("ada", "bo", "cy", "kim", "lou", "max", "sam") if name == "room_too_large" else (),
        at_most=6 if name == "room_too_large" else 0,
        members=(_SUBJECTS["ticket"], _SUBJECTS["incident"]) if is_pattern else (),
        occurrences=2 if is_pattern else 0,
        classification=_CLASSIFICATION if name == "classified" else None,
    )
    return msgspec.structs.replace(made, hash=hash_of(made)) if is_verdict else made


def _segments(end: Instant) -> tuple[Segment, ...]:
    """First another team had it, then it waited for the customer."""
    first, second = Instant(_AT + HOUR), Instant(_AT + 2 * HOUR)
    return (
        Segment(_AT, first, "", "support", Span(HOUR), "support-apac", ""),
        Segment(first, second, "paused:pending_customer", "support", Span(0), "support-emea", "kim"),
        Segment(second, end, "", "support", Span(end - second), "support-emea", "kim"),
    )
