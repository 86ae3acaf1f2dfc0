"""Jira's history: issues by JQL with their changelogs and comments, said as its webhooks say it.

`GET /rest/api/3/search/jql` (developer.atlassian.com, "Search for issues using JQL enhanced search"): pages
by `nextPageToken`, which expires after seven days. A search gives some changes and comments of an issue; all
of a long life are asked of `/issue/ID/changelog` and `/issue/ID/comment`. JQL knows times to the minute, in
the time zone of who asks. Of each issue the whole life is read, and the facts of the window are said.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.instants import MILLISECOND, MINUTE, Instant, Span, time_zone, to_datetime
from engine.intake.arrival import NotMapped
from engine.intake.history.asking import Api, BadQuery, as_page
from engine.intake.history.failures import CursorExpired, HistoryRefused
from engine.intake.history.reader import Delivery, Page, Window, unread
from engine.intake.payloads import Node
from engine.intake.sources.jira import field_of, former_key

SEARCH, ISSUE = "/rest/api/3/search/jql", "/rest/api/3/issue"
MYSELF, STATUSES = "/rest/api/3/myself", "/rest/api/3/status"
_PAGE = 50
"""Issues a page."""
_CHANGES_TOLD, _COMMENTS_TOLD = 40, 20
"""What a search gives of one issue at most; so many may be all or not."""
_FIELDS = (
    "summary", "priority", "status", "resolution", "assignee", "reporter", "components", "labels", "created",
    "comment",
)  # fmt: skip


class JiraHistory:
    settle = Span(MINUTE)
    overlap = Span(10 * MINUTE)
    """The index by which it searches is behind by seconds, at times by minutes."""

    def __init__(self, api: Api, jql: str, own_fields: tuple[str, ...]) -> None:
        self._api, self._jql = api, jql
        self._own = own_fields
        self._zone: ZoneInfo | None = None
        self._categories: dict[str, Any] | None = None
        """Of statuses, by id and by name in lower case."""

    async def page(self, window: Window, cursor: str) -> Page:
        """The cursor is Jira's own token."""
        asked = {
            "jql": await self._query(window.since),
            "fields": ",".join((*_FIELDS, *self._own)),
            "expand": "changelog",
            "maxResults": _PAGE,
        }
        try:
            answer = await self._api.get(SEARCH, {**asked, "nextPageToken": cursor} if cursor else asked)
        except BadQuery as error:
            if cursor:
                raise CursorExpired(str(error)) from None
            raise HistoryRefused("bad_query", f"{SEARCH}?jql={asked['jql']} answered {error}") from None
        try:
            issues = answer["issues"].items()
            is_last = answer.get("isLast").value is True
            following = "" if is_last else answer.get("nextPageToken").text()
        except NotMapped as error:
            raise as_page(error, SEARCH) from None
        return Page([one for issue in issues for one in await self._told_by(issue, window)], following)

    async def _told_by(self, issue: Node, window: Window) -> list[Delivery]:
        try:
            return await self._life(issue, window)
        except NotMapped as why:
            return [unread(issue, window, why)]
        except HistoryRefused as error:
            if error.reason != "not_found":
                raise
            return [unread(issue, window, NotMapped("not_found", "it was deleted while it was read"))]

    async def _query(self, since: Instant) -> str:
        if self._zone is None:
            self._zone = _zone((await self._ask(MYSELF)).get("timeZone").text())
        only = f"({self._jql}) AND " if self._jql else ""
        return f'{only}updated >= "{jql_time(since, self._zone)}" ORDER BY updated ASC'

    async def _life(self, issue: Node, window: Window) -> list[Delivery]:
        """Created, changed, commented: in the order of time, those of the window."""
        changes = await self._changes(issue)
        keys = _keys(issue, changes)
        fields = _before(issue, changes, await self._all_categories())
        told = [_told("jira:issue_created", _called(issue, keys[0]), fields, {})]
        for number, change in enumerate(changes, 1):
            told.append(await self._change(_called(issue, keys[number]), change, changes[number:]))
        changed = [change["created"].moment() for change in changes]
        for comment in await self._comments(issue):
            at = comment["created"].moment()
            key = keys[bisect_right(changed, at)]
            told.append(_told("comment_created", _called(issue, key), {}, {"comment": comment.value}, at))
        return sorted((one for one in told if one.at in window), key=lambda one: one.at)

    async def _change(self, issue: Node, change: Node, later: list[Node]) -> Delivery:
        """A webhook's issue is that of its moment: the status that it changed to stands in it, and of a move,
        by which it opens anew, of components, as a change tells one, or of a mapped field, as it may be a
        customer's, all that it was then."""
        fields: dict[str, Any] = {}
        is_own = any(field_of(item) in (*self._own, "components") for item in change["items"].items())
        if is_own or former_key(change["items"]):
            fields = _before(issue, later, await self._all_categories())
        for item in change["items"].items():
            if field_of(item) == "status":
                categories = await self._all_categories()
                fields["status"] = _status(item.get("toString").text(), item.get("to").text(), categories)
        more = {"changelog": {"id": change["id"].text(), "items": change["items"].value}}
        return _told("jira:issue_updated", issue, fields, more, change["created"].moment())

    async def _changes(self, issue: Node) -> list[Node]:
        """All of them, oldest first."""
        told = issue.get("changelog")
        found = told.get("histories").items()
        total = told.get("total").value
        if not isinstance(total, int) or total > len(found) or len(found) >= _CHANGES_TOLD:
            found = await self._all(f"{ISSUE}/{issue['id'].text()}/changelog", "values", {})
        return sorted(found, key=lambda one: (one["created"].moment(), one["id"].number()))

    async def _comments(self, issue: Node) -> list[Node]:
        told = issue["fields"].get("comment")
        found = told.get("comments").items()
        total = told.get("total").value
        if not isinstance(total, int) or total > len(found) or len(found) >= _COMMENTS_TOLD:
            path = f"{ISSUE}/{issue['id'].text()}/comment"
            found = await self._all(path, "comments", {"orderBy": "created"})
        return found

    async def _all(self, path: str, name: str, asked: Mapping[str, Any]) -> list[Node]:
        """Of a list that is paged by numbers."""
        found: list[Node] = []
        while True:
            answer = await self._ask(path, {**asked, "startAt": len(found), "maxResults": 100})
            page = answer[name].items()
            found += page
            total = answer.get("total").value
            if not page or not isinstance(total, int) or len(found) >= total:
                return found

    async def _all_categories(self) -> Mapping[str, Any]:
        if self._categories is None:
            found: dict[str, Any] = {}
            answer = await self._ask(STATUSES)
            try:
                for status in answer.items():
                    category = status.get("statusCategory").value
                    found[status["name"].text().lower()] = found[status["id"].text()] = category
            except NotMapped as error:
                raise as_page(error, STATUSES) from None
            self._categories = found
        return self._categories

    async def _ask(self, path: str, asked: Mapping[str, Any] | None = None) -> Node:
        try:
            return await self._api.get(path, asked)
        except BadQuery as error:
            raise HistoryRefused("bad_query", f"{path} answered {error}") from None


def jql_time(since: Instant, zone: ZoneInfo) -> str:
    """A time as JQL takes it, not after `since` however Jira reads it: the hour that a clock shows twice, or
    leaves out, is asked from the hour before."""
    at = to_datetime(since)
    while True:
        local = at.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
        read = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if all(one <= to_datetime(since) for one in read):
            return local.strftime("%Y/%m/%d %H:%M")
        at -= timedelta(hours=1)


def _zone(name: str) -> ZoneInfo:
    try:
        return time_zone(name)
    except ZoneInfoNotFoundError:
        raise HistoryRefused("not_allowed", f"{MYSELF} says no time zone ({name!r})") from None


def _told(
    kind: str, issue: Node, fields: Mapping[str, Any], more: Mapping[str, Any], at: Instant | None = None
) -> Delivery:
    at = issue["fields"]["created"].moment() if at is None else at
    known = {"id": issue["id"].text(), "key": issue["key"].text(), "fields": fields}
    return Delivery({"webhookEvent": kind, "timestamp": at // MILLISECOND, "issue": known, **more}, at)


def _keys(issue: Node, changes: list[Node]) -> list[str]:
    """What it was called at first, and after each change."""
    keys = [issue["key"].text()]
    for change in reversed(changes):
        keys.append(former_key(change["items"]) or keys[-1])
    return keys[::-1]


def _called(issue: Node, key: str) -> Node:
    return Node({**issue.value, "key": key}, issue.path)


def _before(issue: Node, changes: list[Node], categories: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as they were before these changes, the last ones: the present fields with each undone."""
    issue["fields"].get("created")  # NotMapped where it is no object
    fields: dict[str, Any] = {k: v for k, v in issue["fields"].value.items() if k != "comment"}
    for change in reversed(changes):
        for item in reversed(change["items"].items()):
            _undo(fields, item, categories)
    return fields


def _undo(fields: dict[str, Any], item: Node, categories: Mapping[str, Any]) -> None:
    name, before, after = field_of(item), item.get("fromString").text(), item.get("toString").text()
    match name:
        case "status":
            fields[name] = _status(before, item.get("from").text(), categories)
        case "priority":
            fields[name] = {"name": before} if before else None
        case "assignee" | "reporter":
            fields[name] = {"displayName": before} if before else None
        case "labels":
            fields[name] = before.split()
        case "components":  # a line a component that came or went
            there = fields.get(name)
            kept = (
                [one for one in there if not after or _name(one) != after] if isinstance(there, list) else []
            )
            fields[name] = [*kept, {"name": before}] if before else kept
        case _ if name in fields:
            fields[name] = before or None


def _status(name: str, identity: str, categories: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "statusCategory": categories.get(identity) or categories.get(name.lower())}


def _name(component: object) -> object:
    return component.get("name") if isinstance(component, dict) else None
