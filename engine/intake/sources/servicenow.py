"""ServiceNow, by our own business rule (deploy/servicenow): there is no webhook of its own.

The rule sends what a record was and is, its changes and comments of the last ten minutes, and signs
`timestamp.body`. Times are the instance's, UTC without an offset; `sys_id` and `sys_mod_count` make the ids:
what is told twice changes nothing.
"""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from engine.core.facts import Value
from engine.core.instants import Instant
from engine.intake.arrival import Arrival, NotAuthentic, NotMapped, Said
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
from engine.intake.source import Source, by_parts
from engine.intake.states import CLOSED, OPEN, RESOLVED, Move, State, moves

SIGNED_HEADERS = ("x-vigil-signature", "x-vigil-timestamp")
_UTC = ZoneInfo("UTC")
_ATTRIBUTES = {
    "short_description": "title",
    "business_service": "service",
    "cmdb_ci": "component",
    "caller_id": "reporter",
    "contact_type": "channel",
}
_OPENING, _OTHERS, _STATE = "opening", "others", "state"
"""The parts: of an insert its opening and its state, of a change of the state what is beside it, and it."""
_STATES = {"state", "hold_reason"}
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


def _parts(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Each change of an update as one of its own, that of the state apart from what is beside it, then the
    comments; an insert as the opening and the state. So a state that nobody mapped keeps nothing else out.
    What is none of these has no parts."""
    if payload.get("operation") == "insert":
        return [{**payload, "part": _OPENING}, {**payload, "part": _STATE}]
    changes = payload.get("changes")
    if not isinstance(changes, list) or not changes or payload.get("operation") != "update":
        return []
    parts = [part for change in changes if _is_ours(change) for part in _parts_of(change)]
    if payload.get("comments"):
        now = payload.get("current")
        parts.append({**payload, "previous": now, "changes": []})
    return parts


def _is_ours(change: object) -> bool:
    return isinstance(change, dict) and change.get("previous") != change.get("current")


def _parts_of(change: dict[str, Any]) -> list[dict[str, Any]]:
    was, now = change.get("previous"), change.get("current")
    told = {**change, "operation": "update"}
    if not isinstance(was, dict) or not isinstance(now, dict):
        return [told]
    differs = {name for name in {*was, *now} if was.get(name) != now.get(name)}
    if differs.isdisjoint(_STATES) or differs <= _STATES:
        return [told]
    return [{**told, "part": part} for part in (_OTHERS, _STATE)]


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    payload = read(arrival.body)
    record = payload["current"]
    subject = mapping.subject_of(record["number"].text())
    said: list[Said] = []
    match payload["operation"].text():
        case "insert":
            part = payload.get("part").text()
            said += _opened(record, subject, mapping, part)
            if part == _STATE:  # that of most is open, which says nothing
                return said
        case "update":
            said += _updated(payload, record, subject, mapping)
            if payload.get("part").text():
                return said
        case "delete":
            identity, order = _place(record)
            at = _deleted_at(arrival, record["sys_updated_on"].moment(_UTC))
            gone = [Move("cancelled", {"reason": "deleted"})]
            # It has the count of the change before it.
            return mapping.events(subject, at, f"{identity}:deleted", gone, f"{order}d")
        case _:
            raise NotMapped("bad_payload", "expected insert, update or delete", "operation")
    said += _comments(payload, subject, mapping)
    if not said:
        raise NotMapped("unknown_type", "an update that changes nothing of ours", "previous", ignored=True)
    return said


def _updated(payload: Node, record: Node, subject: str, mapping: Mapping) -> list[Said]:
    previous, part = payload["previous"], payload.get("part").text()
    at, (identity, order) = record["sys_updated_on"].moment(_UTC), _place(record)
    if part == _OTHERS:  # before the state: a resolution is judged by the priority beside it
        return mapping.events(
            subject, at, f"{identity}:others", _others(previous, record, mapping), f"{order}-"
        )
    told = _moved(previous, record, mapping)
    if part != _STATE:
        told += _others(previous, record, mapping)
    return mapping.events(subject, at, identity, told, order)


def _opened(record: Node, subject: str, mapping: Mapping, part: str) -> list[Said]:
    """Since it was created; the state is that of the last change, which the rule may have waited for."""
    after = [] if part == _OPENING else moves(OPEN, _state(record, mapping))
    created, changed = record.get("sys_created_on"), record["sys_updated_on"].moment(_UTC)
    since = created.moment(_UTC) if created.text() else changed
    said = [Move("opened", _opening(record, mapping)), *after]
    told = mapping.events(subject, changed, f"{record['sys_id'].text()}:created", said, f"{0:018}")
    return ([] if part == _STATE else [told[0]._replace(at=since)]) + told[1:]


def _place(record: Node) -> tuple[str, str]:
    """The id of a change, and its order: times are whole seconds, and the count is not."""
    count = record["sys_mod_count"].number()
    return f"{record['sys_id'].text()}:{count}", f"{count:018}"


def _deleted_at(arrival: Arrival, changed: Instant) -> Instant:
    """When the rule signed it: a deletion leaves `sys_updated_on` at the last change, and a cancellation as
    of then would take back what was missed since."""
    try:
        return max(changed, unix_seconds(arrival.headers.get(SIGNED_HEADERS[1], "")))
    except NotAuthentic:  # tried from a file
        return max(changed, arrival.at)


def _opening(record: Node, mapping: Mapping) -> dict[str, Value]:
    company = record.get("company").text()
    data = mapping.opening(
        record["short_description"].text(),
        record.get("priority").text(),
        owner=record.get("assigned_to").text(),
        team=record.get("assignment_group").text(),
        **{_ATTRIBUTES[name]: record.get(name).text() for name in _ATTRIBUTES if name != "short_description"},
        customer={"id": company} if company else None,
    )
    return mapping.fill(data, record.value)


def _moved(previous: Node, record: Node, mapping: Mapping) -> list[Move]:
    if not any(_differs(previous, record, name) for name in _STATES):
        return []
    return moves(_known_state(previous, mapping), _state(record, mapping))


def _others(previous: Node, record: Node, mapping: Mapping) -> list[Move]:
    """What else differs between the two; only fields that the rule sent of both are compared."""
    said: list[Move] = []
    if _differs(previous, record, "assigned_to") or _differs(previous, record, "assignment_group"):
        owner, team = record.get("assigned_to").text(), record.get("assignment_group").text()
        said.append(Move("assigned", {"owner": owner or None, "team": team or None}))
    data: dict[str, Value] = {}
    if _differs(previous, record, "priority"):
        data |= mapping.graded(record.get("priority").text(), previous.get("priority").text()).data
    for name, attribute in _ATTRIBUTES.items():
        if _differs(previous, record, name):
            data[attribute] = record.get(name).text() or None
    company, is_another = record.get("company").text(), _differs(previous, record, "company")
    if is_another:
        data["customer"] = {"id": company} if company else None
    changed: dict[str, Value] = {
        name: record.get(name).text()
        for name, attribute in mapping.fields.items()
        if _differs(previous, record, name) or (is_another and attribute.startswith("customer."))
    }
    data |= mapping.refill(changed, record.value, company)
    return [*said, Move("updated", data)] if data else said


def _differs(previous: Node, record: Node, name: str) -> bool:
    return previous.get(name).text() != record.get(name).text()


def _state(record: Node, mapping: Mapping) -> State:
    return _known_state(record, mapping) or mapping.state(record["state"].text(), record["state"].path)


def _known_state(record: Node, mapping: Mapping) -> State | None:
    """None where nobody mapped it. On hold is one state with several reasons."""
    state, reason = record["state"].text().lower(), record.get("hold_reason").text().lower()
    return mapping.states.get(reason if state == "on hold" and reason in mapping.states else state)


def _comments(payload: Node, subject: str, mapping: Mapping) -> list[Said]:
    """Customer-visible comments; work notes are not public, whoever writes them. The rule tells them again
    with later changes: each has its own id and time."""
    said = []
    record = payload["current"]
    for number, comment in enumerate(payload.get("comments").items()):
        by = comment.get("by").text()
        if by == _NOBODY:
            continue
        is_public = comment.get("public").value is True
        own, stamp = comment.get("id").text(), comment.get("at")
        found = Said(
            subject,
            "message_sent",
            {"public": is_public, "by": by or None},
            (stamp if stamp.text() else record["sys_updated_on"]).moment(_UTC),
            f"comment:{own or f'{_place(record)[0]}:{number}'}",
            mapping.family,
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
    apart=by_parts(_parts),
    needs=(
        "operation", "current.number", "current.sys_id", "current.sys_mod_count", "current.sys_updated_on",
    ),
)  # fmt: skip
