"""Freshdesk automations: webhooks with a body of ours (docs/intake.md), as Freshdesk has none of its own.

Nothing is signed: a secret of ours travels in the header `x-vigil-key`. `event` says which rule sent it, for
`triggered_event` does not tell an agent's note from a customer's. That is no JSON (`{status:{from:2,to:3}}`),
so changes are read out of it by a small grammar.
"""

import re
from collections.abc import Sequence
from typing import Any

from engine.core.facts import Value
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import shared_secret
from engine.intake.mapping import Mapping, told_apart
from engine.intake.payloads import Node, read
from engine.intake.source import Source, by_parts
from engine.intake.states import CLOSED, OPEN, RESOLVED, Move, State, moves

_CHANGE = re.compile(r"(\w+)\s*:\s*\{\s*from\s*:\s*([^,{}]*?)\s*,\s*to\s*:\s*([^,{}]*?)\s*\}")
_NUMBERS = {"2": "open", "3": "pending", "4": "resolved", "5": "closed"}
"""Freshdesk's own statuses; those that a desk adds have numbers that only its mapping can name."""


KEY_HEADERS = ("x-vigil-key",)


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    shared_secret(arrival, KEY_HEADERS, secrets)


def _parts(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """A change of status and priority as two: a status that nobody mapped keeps no priority out."""
    happened = payload.get("triggered_event")
    if not isinstance(happened, str) or payload.get("event") != "updated":
        return []
    changes = [one[0] for one in _CHANGE.finditer(happened) if one[1] in ("status", "priority")]
    return [{**payload, "triggered_event": one} for one in changes]


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    ticket = read(arrival.body)
    subject, event = mapping.subject_of(ticket["ticket_id"].text()), ticket["event"].text()
    stamp = ticket.get("updated_at")
    at = stamp.moment(mapping.zone, arrival.at) if stamp.text() else arrival.at
    happened = ticket.get("triggered_event").text()
    said = _moves(event, happened, ticket, mapping)
    if not said:
        raise NotMapped(
            "unknown_type", f"{happened[:80]!r} says nothing of ours", "triggered_event", ignored=True
        )
    # Two may share a second, and of one update the status is last: a resolution is judged by what is beside.
    is_status = event == "updated" and any(name == "status" for name, _, _ in _CHANGE.findall(happened))
    last = "s" if is_status else ""
    return told_apart(mapping.events(subject, at, f"{subject}:{at}:{event}", said, last))


def _moves(event: str, happened: str, ticket: Node, mapping: Mapping) -> list[Move]:
    match event:
        case "created":
            first = mapping.states.get(ticket.get("status").text().lower(), OPEN)
            return [Move("opened", _opening(ticket, mapping)), *moves(OPEN, first)]
        case "agent_replied":
            return [Move("message_sent", {"public": True, **_by(ticket)})]
        case "customer_replied":
            return [Move("message_received", {"public": True})]
        case "note_added":
            return [Move("message_sent", {"public": False, **_by(ticket)})]
        case "assigned":
            owner, team = ticket.get("agent").text(), ticket.get("group").text()
            return [Move("assigned", {"owner": owner or None, "team": team or None})]
        case "updated":
            return _changes(happened, ticket, mapping)
        case "deleted" | "spam":
            return [Move("cancelled", {"reason": event})]
    known = "created, agent_replied, customer_replied, note_added, assigned, updated, deleted or spam"
    raise NotMapped("unknown_type", f"{event!r}; expected {known}", "event")


def _changes(happened: str, ticket: Node, mapping: Mapping) -> list[Move]:
    changed = {name: (before, after) for name, before, after in _CHANGE.findall(happened)}
    said: list[Move] = []
    if "priority" in changed:
        said.append(mapping.graded(ticket.get("priority").text()))
    if "status" in changed:
        before, after = (_NUMBERS.get(value, value) for value in changed["status"])
        # A desk's own status comes as its number: by name it stands in the ticket itself.
        name = after if after.lower() in mapping.states else ticket.get("status").text() or after
        said += moves(mapping.states.get(before.lower()), mapping.state(name, "triggered_event.status"))
    return said


def _by(ticket: Node) -> dict[str, Value]:
    agent = ticket.get("agent").text()
    return {"by": agent} if agent else {}


def _opening(ticket: Node, mapping: Mapping) -> dict[str, Value]:
    company = ticket.get("company").text()
    data = mapping.opening(
        ticket["subject"].text(),
        ticket.get("priority").text(),
        owner=ticket.get("agent").text(),
        team=ticket.get("group").text(),
        reporter=ticket.get("requester").text(),
        channel=ticket.get("source").text(),
        customer={"id": company} if company else None,
    )
    return mapping.fill(data, ticket.value)


SOURCE = Source(
    name="freshdesk",
    authenticate=authenticate,
    translate=translate,
    states={
        "open": OPEN,
        "pending": State("paused", "pending_customer"),
        "waiting on customer": State("paused", "pending_customer"),
        "waiting on third party": State("paused", "pending_vendor"),
        "resolved": RESOLVED,
        "closed": CLOSED,
    },
    severities={"urgent": "P0", "high": "P1", "medium": "P2", "low": "P3"},
    apart=by_parts(_parts),
    key_headers=KEY_HEADERS,
    needs=("event", "ticket_id"),
)
