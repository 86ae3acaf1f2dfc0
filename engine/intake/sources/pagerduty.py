"""PagerDuty V3 webhook subscriptions: `incident.*`, one event a delivery.

Signed over the body, `X-PagerDuty-Signature: v1=…[,v1=…]` while a secret is rotated (developer.pagerduty.com,
"Verifying webhook signatures"); the shapes are those of "Webhook payloads".
"""

from collections.abc import Sequence

from engine.core.facts import Value
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import header, hex_digest, must_match
from engine.intake.mapping import Mapping
from engine.intake.payloads import Node, read
from engine.intake.source import Source
from engine.intake.states import Move

SIGNED_HEADERS = ("x-pagerduty-signature",)


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    given = header(arrival, SIGNED_HEADERS[0]).split(",")
    expected = [f"v1={hex_digest(secret, arrival.body)}" for secret in secrets]
    must_match([one.strip() for one in given], expected)


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    event = read(arrival.body)["event"]
    kind, data = event["event_type"].text(), event["data"]
    if event.get("resource_type").text() != "incident":
        raise NotMapped("unknown_type", kind, "event.resource_type", ignored=True)
    # Roles come as a list; roles, notes and status updates carry their incident, all others are one.
    about = next(iter(data.get(_ROLES).items()), data)
    incident = about.get("incident") if about.get("incident").value is not None else data
    agent = event.get("agent")
    by = agent.get("summary").text()
    if kind == "incident.annotated" and not _is_person(agent):
        raise NotMapped("unknown_type", "a note of nobody's", "event.agent", ignored=True)
    said = _moves(kind.removeprefix("incident."), data, by, mapping)
    if not said:
        raise NotMapped("unknown_type", f"{kind} of nobody", "event.data", ignored=True)
    subject, at = mapping.subject_of(incident["id"].text()), event["occurred_at"].moment()
    return mapping.events(subject, at, event["id"].text(), said)


def _is_person(agent: Node) -> bool:
    """Workflows and integrations have no agent, or one of another type: that they write is nobody's work."""
    return agent.value is not None and agent.get("type").text() in ("", "user", "user_reference")


def _moves(kind: str, data: Node, by: str, mapping: Mapping) -> list[Move]:
    who: dict[str, Value] = {"by": by} if by else {}
    match kind:
        case "triggered":
            return [Move("opened", _opening(data, mapping))]
        case "acknowledged":
            return [Move("acknowledged", who)]
        case "delegated":  # to another escalation policy, whose teams may be others
            return [Move("assigned", {"owner": _assignee(data) or None, "team": _team(data) or None})]
        case "escalated" | "reassigned":
            return [Move("assigned", {"owner": _assignee(data) or None})]
        case "priority_updated":
            return [Move("updated", _graded(data, mapping))]
        case "service_updated":
            return [Move("updated", {"service": data.get("service").get("summary").text() or None})]
        case "reopened":
            return [Move("reopened", {})]
        case "resolved":
            return [_resolved(data, who, mapping)]
        case "status_update_published":
            return [Move("update_published", {"audience": mapping.updates_for, **who})]
        case "annotated":
            return [Move("message_sent", {"public": False, **who})]
        case "role.assigned":  # or unassigned
            return [move for one in data.get(_ROLES).items() for move in _filled(one, who)]
    raise NotMapped("unknown_type", f"incident.{kind}", "event.event_type", ignored=True)


def _opening(incident: Node, mapping: Mapping) -> dict[str, Value]:
    return mapping.opening(
        incident.get("title").text(),
        incident.get("priority").get("summary").text(),
        severity=_severity(incident, mapping),
        service=incident.get("service").get("summary").text(),
        owner=_assignee(incident),
        team=_team(incident),
    )


def _graded(incident: Node, mapping: Mapping) -> dict[str, Value]:
    """Nobody says which priority it had: one that is taken away takes its severity along."""
    priority, severity = incident.get("priority").get("summary").text(), _severity(incident, mapping)
    data: dict[str, Value] = {"priority": priority or None}
    return {**data, "severity": severity} if severity or not priority else data


def _severity(incident: Node, mapping: Mapping) -> str | None:
    by_priority = mapping.severity(incident.get("priority").get("summary").text())
    return by_priority or mapping.severity(incident.get("urgency").text())


_ROLES = "incident_role_assignments"


def _filled(assignment: Node, who: dict[str, Value]) -> list[Move]:
    """A role by its name as policies have it: Incident Commander is `incident_commander`."""
    role = "_".join(assignment.get("role").get("summary").text().lower().split())
    now, before = (assignment.get(name).get("summary").text() for name in ("assignee", "old_assignee"))
    if now:
        return [Move("role_assigned", {"role": role, "person": now, **who})]
    return [Move("role_released", {"role": role, "person": before, **who})] if before else []


def _assignee(incident: Node) -> str:
    return _first(incident.get("assignees"))


def _team(incident: Node) -> str:
    return _first(incident.get("teams"))


def _first(references: Node) -> str:
    return next((one.get("summary").text() for one in references.items()), "")


def _resolved(incident: Node, who: dict[str, Value], mapping: Mapping) -> Move:
    """Merged incidents are resolved with the one that survives as the reason."""
    into = incident.get("resolve_reason").get("incident").get("id").text()
    return Move("merged", {"into": mapping.subject_of(into), **who}) if into else Move("resolved", who)


SOURCE = Source(
    name="pagerduty",
    authenticate=authenticate,
    translate=translate,
    states={},
    severities={"p1": "P0", "p2": "P1", "p3": "P2", "p4": "P3", "p5": "P3"},
    family="incident",
    signed_headers=SIGNED_HEADERS,
    needs=("event.id", "event.event_type", "event.resource_type", "event.occurred_at", "event.data{}"),
)
