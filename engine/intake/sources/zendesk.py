"""Zendesk event webhooks: `zen:event-type:ticket.*` and messages of conversations, one event a delivery.

Signed over timestamp and body (developer.zendesk.com, "Verifying webhook authenticity"); the shapes are those
of "Ticket events" and "Messaging events". Statuses and priorities come in capitals, times in nanoseconds, ids
as text. What is loaded of its history comes in the same shape (`engine.intake.history.zendesk`).
"""

import re
from collections.abc import Sequence

from engine.core.facts import Value
from engine.core.instants import SECOND, Instant
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import base64_digest, header, iso_moment, must_be_fresh, must_match
from engine.intake.mapping import Mapping
from engine.intake.payloads import Node, read
from engine.intake.source import Source
from engine.intake.states import CLOSED, OPEN, RESOLVED, Move, State, moves

SIGNED_HEADERS = ("x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp")
_PREFIX = "zen:event-type:ticket."
_MESSAGE = "zen:event-type:messaging_ticket.message_added"
"""Of a conversation, in messengers and social channels: what is said there is no comment."""
_STATUS = ("status_changed", "custom_status_changed")
_OF_HISTORY = re.compile(r"[0-9]+(\.[0-9]+)?")
"""The id of an event of an audit; a webhook's is a UUID."""


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    """The timestamp is signed with the body, so an old delivery cannot be sent again."""
    signature, timestamp = (header(arrival, name) for name in SIGNED_HEADERS)
    signed = timestamp.encode() + arrival.body
    must_match([signature], [base64_digest(secret, signed) for secret in secrets])
    must_be_fresh(iso_moment(timestamp), arrival.at)


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    event = read(arrival.body)
    kind = event["type"].text()
    if kind != _MESSAGE and not kind.startswith(_PREFIX):
        raise NotMapped("unknown_type", f"{kind!r}; expected {_PREFIX}…", "type", ignored=True)
    ticket, at = event["detail"], event["time"].moment()
    subject = mapping.subject_of(ticket["id"].text())
    kind = kind.removeprefix(_PREFIX)
    if kind == "comment_added" and _is_the_ticket_itself(ticket, at):
        raise NotMapped("unknown_type", "the comment that a ticket is created with", "event", ignored=True)
    said = _moves(kind, event, ticket, mapping)
    if kind == "created":
        return mapping.retold(subject, at, f"created:{ticket['id'].text()}", said)
    if kind == "comment_added" and (comment := event["event"]["comment"].get("id").text()):
        return mapping.retold(subject, at, f"comment:{comment}", said, "0")
    return mapping.retold(subject, at, event["id"].text(), said, _order(kind, event))


def _is_the_ticket_itself(ticket: Node, at: Instant) -> bool:
    """Nobody answers within a second. Zendesk does not count the first comment as a reply either, and history
    does not tell it."""
    created = ticket.get("created_at")
    return bool(created.text()) and at - created.moment() <= SECOND


def _order(kind: str, event: Node) -> str:
    """Of the changes within a second: first those of history by their ids, which rise, and then those of
    webhooks by their fraction of it. So each way stays in its order, and both end in the same state. Before
    them come comments, and before all a merge: Zendesk comments on it, and closes what is merged away. After
    them the status: Zendesk does not order what one save changed, and a solution is judged by the priority
    beside it."""
    if kind == "merged":
        return ""
    place = "2" if kind in _STATUS else "1"
    identity = event["id"].text()
    if _OF_HISTORY.fullmatch(identity):
        return f"{place}0{identity.partition('.')[0].zfill(20)}"
    fraction = re.search(r"\.([0-9]+)", event["time"].text())
    return f"{place}1{(fraction[1] if fraction else '').ljust(9, '0')[:9]}"


def _moves(kind: str, event: Node, ticket: Node, mapping: Mapping) -> list[Move]:
    change = event.get("event")
    current, previous = change.get("current"), change.get("previous")
    match kind:
        case "created":
            return _created(ticket, mapping)
        case "status_changed":
            return moves(mapping.states.get(previous.text().lower()), _state(current, ticket, mapping))
        case "custom_status_changed":
            return _own_status(previous.text(), current.text(), ticket, mapping)
        case "priority_changed":
            return [mapping.graded(current.text(), previous.text())]
        case "agent_assignment_changed":
            return [Move("assigned", {"owner": current.text() or None})]
        case "group_assignment_changed":
            return [Move("assigned", {"team": current.text() or None})]
        case "subject_changed":
            return [Move("updated", {"title": current.text()})]
        case "tags_changed":
            tags: list[Value] = [tag.text() for tag in ticket.get("tags").items()]
            return [Move("updated", {"tags": tags})]
        case "organization_changed":
            return _customer_is(current.text() or ticket.get("requester_id").text(), mapping)
        case "requester_changed":
            told = [Move("updated", {"reporter": current.text() or None})]
            return told + (_customer_is(current.text(), mapping) if _is_nobodys(ticket) else [])
        case "custom_field_changed":
            return _custom_field(change, ticket, mapping)
        case "comment_added":
            return [_comment(change["comment"])]
        case _ if kind == _MESSAGE:
            return [_message(change["actor"])]
        case "merged":
            return [Move("merged", {"into": mapping.subject_of(change["target_ticket_id"].text())})]
        case "soft_deleted" | "permanently_deleted":
            return [Move("cancelled", {"reason": "deleted"})]
        case "marked_as_spam":
            return [Move("cancelled", {"reason": "spam"})]
        case "undeleted":
            return [Move("reopened", {"reason": "undeleted"}), *_since_undeleted(ticket, mapping)]
    raise NotMapped("unknown_type", f"ticket.{kind}", "type", ignored=True)


def _state(status: Node, ticket: Node, mapping: Mapping) -> State:
    """A desk's own status goes by its id where the door names that; all have one of Zendesk's, their
    category."""
    own = mapping.states.get(ticket.get("custom_status").text())
    return own or mapping.state(status.text(), status.path)


def _own_status(before: str, after: str, ticket: Node, mapping: Mapping) -> list[Move]:
    """What `status_changed` does not tell: it is of categories alone, and comes where another is entered."""
    if before not in mapping.states and after not in mapping.states:
        raise NotMapped("unknown_type", "a status of the desk's own", "event.current", ignored=True)
    status = ticket["status"]
    was, now = (
        mapping.states.get(one) or mapping.state(status.text(), status.path) for one in (before, after)
    )
    return moves(was, now)


def _since_undeleted(ticket: Node, mapping: Mapping) -> list[Move]:
    """What is said of a ticket that comes back solved or closed, as it was when it was deleted."""
    status = ticket.get("status")
    now = _state(status, ticket, mapping) if status.text().lower() in mapping.states else OPEN
    return moves(OPEN, now) if now.kind in ("resolved", "closed") else []


def _created(ticket: Node, mapping: Mapping) -> list[Move]:
    customer = _customer(ticket)
    data = mapping.opening(
        ticket.get("subject").text(),
        ticket.get("priority").text(),
        owner=ticket.get("assignee_id").text(),
        team=ticket.get("group_id").text(),
        reporter=ticket.get("requester_id").text(),
        channel=ticket.get("via").get("channel").text(),
        tags=[tag.text() for tag in ticket.get("tags").items()],
        customer={"id": customer} if customer else None,
    )
    own = {field["id"].text(): field.get("value").value for field in ticket.get("custom_fields").items()}
    opened = [Move("opened", mapping.fill(data, own))]
    status = ticket.get("status")
    return opened + (moves(OPEN, _state(status, ticket, mapping)) if status.text() else [])


def _customer_is(identity: str, mapping: Mapping) -> list[Move]:
    """Nothing where a field of the ticket's own names the customer."""
    if "customer.id" in mapping.fields.values():
        return []
    return [Move("updated", {"customer": {"id": identity} if identity else None})]


def _is_nobodys(ticket: Node) -> bool:
    """Of no organization, where the event says so: history does not."""
    return "organization_id" in ticket.value and not ticket.get("organization_id").text()


def _customer(ticket: Node) -> str:
    return ticket.get("organization_id").text() or ticket.get("requester_id").text()


def _custom_field(change: Node, ticket: Node, mapping: Mapping) -> list[Move]:
    field = change.get("field").get("id").text() or change.get("field_id").text()
    data = mapping.refill({field: change.get("current").value}, {}, _customer(ticket))
    if not data:
        raise NotMapped("unmapped_field", f"custom field {field}", "event.field", ignored=True)
    return [Move("updated", data)]


def _comment(comment: Node) -> Move:
    is_public = comment.get("is_public").value is True
    author = comment.get("author")
    is_staff = author.get("is_staff")
    if is_staff.value is None:
        raise NotMapped("unknown_author", "nobody says whether the author is staff", is_staff.path)
    if is_staff.value is True:
        by = author.get("id").text()
        return Move("message_sent", {"public": is_public, "by": by} if by else {"public": is_public})
    return Move("message_received", {"public": is_public})


def _message(actor: Node) -> Move:
    """In a conversation nothing is internal; triggers and bots (`system`) answer nobody."""
    match actor["type"].text():
        case "agent":
            return Move("message_sent", {"public": True, "by": actor.get("id").text() or None})
        case "end_user":
            return Move("message_received", {"public": True})
    raise NotMapped("unknown_type", f"a message of {actor['type'].text()}", "event.actor.type", ignored=True)


SOURCE = Source(
    name="zendesk",
    authenticate=authenticate,
    translate=translate,
    states={
        "new": OPEN,
        "open": OPEN,
        "pending": State("paused", "pending_customer"),
        "hold": State("paused", "pending_vendor"),
        "on-hold": State("paused", "pending_vendor"),
        "solved": RESOLVED,
        "closed": CLOSED,
        "deleted": State("cancelled", "deleted"),
    },
    severities={"urgent": "P0", "high": "P1", "normal": "P2", "low": "P3"},
    signed_headers=SIGNED_HEADERS,
    needs=("type", "id", "time", "detail.id"),
)
