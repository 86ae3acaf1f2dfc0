"""Zendesk's history: the incremental export of ticket events, said as its event webhooks say it.

`GET /api/v2/incremental/ticket_events.json?start_time=…&include=comment_events` (developer.zendesk.com,
"Incremental Ticket Event Export"): an audit an item, in the order of time, a thousand a page, ten pages a
minute, without the last minute. A page begins with what the one before ended with. Whether an author is staff
is asked of `/api/v2/users/show_many.json`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from engine.core.instants import MINUTE, SECOND, Instant, Span, format_instant
from engine.intake.arrival import NotMapped
from engine.intake.history.asking import Api, BadQuery, as_page
from engine.intake.history.failures import HistoryRefused
from engine.intake.history.reader import Delivery, Page, Window, unread
from engine.intake.payloads import Node

EXPORT = "/api/v2/incremental/ticket_events.json"
USERS = "/api/v2/users/show_many.json"
_AT_ONCE = 100
"""Users of one question, at most."""
_CHANGES = {
    "priority": "priority_changed",
    "assignee_id": "agent_assignment_changed",
    "group_id": "group_assignment_changed",
    "requester_id": "requester_changed",
    "subject": "subject_changed",
    "organization_id": "organization_changed",
}
"""Fields of an audit → the webhook that tells their change; status, tags and custom fields beside them."""
_CREATED = (
    "subject", "status", "priority", "requester_id", "organization_id", "assignee_id", "group_id", "tags",
)  # fmt: skip
_COMMENTS = ("Comment", "VoiceComment")
_CAPITALS = ("status", "priority")


class ZendeskHistory:
    settle = Span(MINUTE)
    overlap = Span(10 * MINUTE)
    """Its last minute is by its own clock: what ours had for older would be lost."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._is_staff: dict[str, bool | None] = {}
        """By user id, of those asked; None: Zendesk does not know either, a deleted one."""

    async def page(self, window: Window, cursor: str) -> Page:
        """The cursor is where the page begins, and the audits of that second that were on the one before."""
        start, known = _place(cursor) if cursor else (window.since // SECOND, frozenset[str]())
        try:
            answer = await self._api.get(EXPORT, {"start_time": start, "include": "comment_events"})
        except BadQuery as error:
            if "recent" in error.said.lower():  # "Too recent start_time": there is nothing after it yet
                return Page([], "")
            raise HistoryRefused("bad_query", f"{EXPORT}?start_time={start} answered {error}") from None
        try:
            return await self._read(answer, window, start, known)
        except NotMapped as error:
            raise as_page(error, f"{EXPORT}?start_time={start}") from None

    async def _read(self, answer: Node, window: Window, start: int, known: frozenset[str]) -> Page:
        audits = answer["ticket_events"].items()
        await self._ask_for_staff([author for audit in audits for author in _authors(audit)])
        told = [one for audit in audits for one in self._told_by(audit, window, known)]
        end = answer.get("end_time").value
        is_last = answer.get("end_of_stream").value is True or not audits
        if is_last or not isinstance(end, int) or end * SECOND >= window.until:
            return Page(told, "")
        again = [_id(audit) for audit in audits if _second(audit) >= end]
        if end <= start and known.issuperset(again):
            raise HistoryRefused("cursor_stuck", f"{EXPORT}?start_time={start} begins again and again")
        return Page(told, orjson.dumps([end, again]).decode())

    def _told_by(self, audit: Node, window: Window, known: frozenset[str]) -> list[Delivery]:
        try:
            at = audit["created_at"].moment()
            if at not in window or _id(audit) in known:
                return []
            return [Delivery(body, at) for body in self._bodies(at, audit)]
        except NotMapped as why:
            return [unread(audit, window, why)]

    async def _ask_for_staff(self, authors: list[str]) -> None:
        """So that each is asked once."""
        new = sorted({author for author in authors if author not in self._is_staff})
        self._is_staff.update(dict.fromkeys(new))
        for first in range(0, len(new), _AT_ONCE):
            answer = await self._users(new[first : first + _AT_ONCE])
            for user in answer["users"].items():
                self._is_staff[user["id"].text()] = user["role"].text() in ("agent", "admin")

    async def _users(self, ids: list[str]) -> Node:
        try:
            return await self._api.get(USERS, {"ids": ",".join(ids)})
        except BadQuery as error:
            raise HistoryRefused("bad_query", f"{USERS} answered {error}") from None

    def _bodies(self, at: Instant, audit: Node) -> Iterator[dict[str, Any]]:
        """An audit is one change of a ticket; its children are what changed."""
        children = audit.get("child_events").items()
        created = [child for child in children if _kind(child) == "Create"]
        if created:
            yield _created(at, audit, created)
        for child in children:
            kind = _kind(child)
            if kind == "Change":
                yield from _changed(at, audit, child)
            elif kind in _COMMENTS and not created:  # the first comment is the ticket itself
                yield self._comment(at, audit, child)

    def _comment(self, at: Instant, audit: Node, child: Node) -> dict[str, Any]:
        author = child.get("author_id").text()
        comment = {
            "id": child.get("id").text(),
            "is_public": child.get("public").value,
            "author": {"id": author, "is_staff": self._is_staff.get(author)},
        }
        return _body("comment_added", at, audit, child.get("id").text(), {"comment": comment})


def _created(at: Instant, audit: Node, created: list[Node]) -> dict[str, Any]:
    """What the ticket was at first: a child a field."""
    found: dict[str, Any] = {}
    own: list[dict[str, Any]] = []
    for child in created:
        for name in _CREATED:
            if isinstance(child.value, dict) and name in child.value:
                found[name] = _in_capitals(name, child.value[name])
        own += [{"id": field, "value": value} for field, value in _custom(child).items()]
    channel = audit.get("via").value
    if isinstance(channel, dict):
        found["via"] = channel
    return _body("created", at, audit, _id(audit), {}, {**found, "custom_fields": own})


def _changed(at: Instant, audit: Node, child: Node) -> Iterator[dict[str, Any]]:
    """The webhooks that tell this change; none for a field that none tells."""
    said = child.value if isinstance(child.value, dict) else {}
    identity = child.get("id").text()
    if "status" in said:
        change = {"previous": _in_capitals("status", said.get("previous_value"))}
        change["current"] = _in_capitals("status", said["status"])
        yield _body("status_changed", at, audit, identity, change)
    for name, kind in _CHANGES.items():
        if name in said:
            change = {"previous": _in_capitals(name, said.get("previous_value"))}
            change["current"] = _in_capitals(name, said[name])
            yield _body(kind, at, audit, identity, change)
    if "tags" in said:
        yield _body("tags_changed", at, audit, identity, {}, {"tags": said["tags"]})
    for field, value in _custom(child).items():
        change = {"field": {"id": field}, "current": value}
        yield _body("custom_field_changed", at, audit, f"{identity}.{field}", change)


def _body(
    kind: str,
    at: Instant,
    audit: Node,
    identity: str,
    change: Mapping[str, Any],
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    ticket = {"id": audit.get("ticket_id").text(), **(detail or {})}
    return {
        "type": f"zen:event-type:ticket.{kind}",
        "id": identity,
        "time": format_instant(at),
        "event": change,
        "detail": ticket,
    }


def _kind(child: Node) -> str:
    """Create, Change, Comment; others are about notifications and the like."""
    return child.get("event_type").text() or child.get("type").text()


def _custom(child: Node) -> Mapping[str, Any]:
    found = child.get("custom_ticket_fields").value
    return found if isinstance(found, dict) else {}


def _in_capitals(name: str, value: Any) -> Any:
    return value.upper() if name in _CAPITALS and isinstance(value, str) else value


def _authors(audit: Node) -> Iterator[str]:
    """Of its comments; none where it is in no shape that we know."""
    try:
        for child in audit.get("child_events").items():
            if _kind(child) in _COMMENTS and (author := child.get("author_id").text()):
                yield author
    except NotMapped:
        return


def _id(audit: Node) -> str:
    return audit.get("id").text()


def _second(audit: Node) -> int:
    """0 where it says none: then it is a dead letter, and at worst twice."""
    found = audit.get("timestamp").value
    return found if isinstance(found, int) else 0


def _place(cursor: str) -> tuple[int, frozenset[str]]:
    start, known = orjson.loads(cursor)
    return int(start), frozenset(known)
