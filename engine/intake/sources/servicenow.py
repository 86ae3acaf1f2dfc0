"""ServiceNow, by our own business rule (deploy/servicenow): there is no webhook of its own.

The rule sends what a record was and is, and signs `timestamp.body`. Times are the instance's, UTC without an
offset; `sys_id` and `sys_mod_count` make the ids, so that a rule that runs twice changes nothing.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from engine.core.facts import Value
from engine.core.instants import Instant
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import (
    base64_digest,
    header,
    hex_digest,
    must_be_fresh,
    must_match,
    unix_seconds,
)
from engine.intake.mapping import Mapping
from engine.intake.payloads import Node, read
from engine.intake.source import Source
from engine.intake.states import CLOSED, OPEN, RESOLVED, Move, State, moves

SIGNED_HEADERS = ("x-vigil-signature", "x-vigil-timestamp")
_UTC = ZoneInfo("UTC")
_NOBODY, _STRANGER = "system", "guest"
"""The instance's own users: who writes for its flows and jobs, and for mail of senders it does not know."""


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    signature, timestamp = (header(arrival, name) for name in SIGNED_HEADERS)
    signed = timestamp.encode() + b"." + arrival.body
    # GlideCertificateEncryption gives Base64, other scripts hex.
    expected = [f"sha256={hex_digest(secret, signed)}" for secret in secrets]
    expected += [f"sha256-base64={base64_digest(secret, signed)}" for secret in secrets]
    must_match([signature], expected)
    must_be_fresh(unix_seconds(timestamp), arrival.at)


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    payload = read(arrival.body)
    record = payload["current"]
    subject = mapping.subject_of(record["number"].text())
    at = record["sys_updated_on"].moment(_UTC)
    is_deletion = payload["operation"].text() == "delete"
    count = record["sys_mod_count"].number()
    # Times are whole seconds; the count puts changes in order. A deletion has that of the change before it.
    identity, order = f"{record['sys_id'].text()}:{count}", f"{count:018}"
    if is_deletion:
        at, identity, order = _deleted_at(arrival, at), f"{identity}:deleted", f"{order}d"
    said = mapping.events(subject, at, identity, _moves(payload, record, mapping), order)
    if not is_deletion:
        said += _comments(payload, Said(subject, "", {}, at, identity, mapping.family))
    if not said:
        raise NotMapped("unknown_type", "an update that changes nothing of ours", "previous", ignored=True)
    return said


def _deleted_at(arrival: Arrival, changed: Instant) -> Instant:
    """When the rule signed it: a deletion leaves `sys_updated_on` at the last change, and a cancellation as
    of then would take back what was missed since."""
    signed = arrival.headers.get(SIGNED_HEADERS[1], "")
    return max(changed, unix_seconds(signed) if signed else arrival.at)


def _moves(payload: Node, record: Node, mapping: Mapping) -> list[Move]:
    match payload["operation"].text():
        case "insert":
            opened = Move("opened", _opening(record, mapping))
            return [opened, *moves(OPEN, _state(record, mapping))]
        case "update":
            return _changes(payload["previous"], record, mapping)
        case "delete":
            return [Move("cancelled", {"reason": "deleted"})]
    raise NotMapped("bad_payload", "expected insert, update or delete", "operation")


def _opening(record: Node, mapping: Mapping) -> dict[str, Value]:
    company = record.get("company").text()
    data = mapping.opening(
        record["short_description"].text(),
        record.get("priority").text(),
        service=record.get("business_service").text(),
        component=record.get("cmdb_ci").text(),
        owner=record.get("assigned_to").text(),
        team=record.get("assignment_group").text(),
        reporter=record.get("caller_id").text(),
        channel=record.get("contact_type").text(),
        customer={"id": company} if company else None,
    )
    return mapping.fill(data, record.value)


def _changes(previous: Node, record: Node, mapping: Mapping) -> list[Move]:
    """What differs between the two; only fields that the rule sent of both are compared."""
    said: list[Move] = []
    if _differs(previous, record, "state") or _differs(previous, record, "hold_reason"):
        said = moves(_known_state(previous, mapping), _state(record, mapping))
    if _differs(previous, record, "assigned_to") or _differs(previous, record, "assignment_group"):
        owner, team = record.get("assigned_to").text(), record.get("assignment_group").text()
        said.append(Move("assigned", {"owner": owner or None, "team": team or None}))
    data: dict[str, Value] = {}
    if _differs(previous, record, "priority"):
        data |= mapping.graded(record.get("priority").text()).data
    if _differs(previous, record, "short_description"):
        data["title"] = record.get("short_description").text() or None
    changed: dict[str, Value] = {
        name: record.get(name).text() for name in mapping.fields if _differs(previous, record, name)
    }
    data |= mapping.refill(changed, record.value, record.get("company").text())
    return [*said, Move("updated", data)] if data else said


def _differs(previous: Node, record: Node, name: str) -> bool:
    return previous.get(name).text() != record.get(name).text()


def _state(record: Node, mapping: Mapping) -> State:
    return _known_state(record, mapping) or mapping.state(record["state"].text(), record["state"].path)


def _known_state(record: Node, mapping: Mapping) -> State | None:
    """None where nobody mapped it. On hold is one state with several reasons."""
    state, reason = record["state"].text().lower(), record.get("hold_reason").text().lower()
    return mapping.states.get(reason if state == "on hold" and reason in mapping.states else state)


def _comments(payload: Node, change: Said) -> list[Said]:
    """Customer-visible comments; work notes are not public, whoever writes them. The rule tells them again
    with later changes: each has its own id and time."""
    said = []
    for number, comment in enumerate(payload.get("comments").items()):
        by = comment.get("by").text()
        if by == _NOBODY:
            continue
        is_public = comment.get("public").value is True
        own, stamp = comment.get("id").text(), comment.get("at")
        found = change._replace(
            verb="message_sent",
            data={"public": is_public, "by": by or None},
            at=stamp.moment(_UTC) if stamp.text() else change.at,
            id=f"comment:{own}" if own else f"{change.id}:comment:{number}",
        )
        if is_public and (comment.get("by_caller").value is True or by == _STRANGER):
            found = found._replace(verb="message_received", data={"public": True})
        said.append(found)
    return said


SOURCE = Source(
    name="servicenow",
    authenticate=authenticate,
    translate=translate,
    states={
        "new": OPEN,
        "in progress": OPEN,
        "on hold": State("paused", "on_hold"),
        "awaiting caller": State("paused", "pending_customer"),
        "awaiting vendor": State("paused", "pending_vendor"),
        "awaiting change": State("paused", "pending_change"),
        "awaiting problem": State("paused", "pending_problem"),
        "resolved": RESOLVED,
        "closed": CLOSED,
        "canceled": State("cancelled", "canceled"),
    },
    severities={
        "1 - critical": "P0", "2 - high": "P1", "3 - moderate": "P2", "4 - low": "P3", "5 - planning": "P3",
        "1": "P0", "2": "P1", "3": "P2", "4": "P3", "5": "P3",
    },
    signed_headers=SIGNED_HEADERS,
    needs=(
        "operation", "current.number", "current.sys_id", "current.sys_mod_count", "current.sys_updated_on",
    ),
)  # fmt: skip
