"""Zendesk and Jira as they document the APIs that history is asked of: pages, limits, and what goes wrong.

Written after developer.zendesk.com ("Incremental Exports", "Using the Incremental Export API", "Rate limits",
"Show Many Users") and developer.atlassian.com ("Issue search", "Issues: changelogs", "Issue comments", "Rate
limiting"). Real servers on a port of this machine; the client under test is the real one.
"""

import json
import re
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

USER, TOKEN = "ann@example.org/token", "a-token-of-the-source"


class Answer(NamedTuple):
    status: int
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})


class Counterpart:
    """What both have: who may ask, how often, and the faults of the next answers."""

    def __init__(self) -> None:
        self.faults: deque[str] = deque()
        """Of the next answers: cut, half (cut off in the middle), garbage, a status, 429:SECONDS."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Path and query of each question that was let in."""
        self.slow = 0.0
        """Seconds that an answer takes."""
        self.limit: int | None = None
        """Questions a second, as Zendesk's ten a minute: beyond them 429 with Retry-After."""
        self.after: Callable[[int], None] = lambda number: None
        """Called after each answer, with how many there were."""
        self._second: tuple[int, int] = (0, 0)
        self._lock = threading.Lock()

    def answer(self, path: str, query: dict[str, str], authorization: str) -> Answer:
        expected = "Basic " + b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if authorization != expected:
            return Answer(401, {"error": "Couldn't authenticate you"})
        with self._lock:
            if self._is_too_fast():
                return Answer(429, {"error": "APIRateLimitExceeded"}, {"Retry-After": "1"})
            self.asked.append((path, query))
            found = self.found(path, query)
            self.after(len(self.asked))
        return found

    def found(self, path: str, query: dict[str, str]) -> Answer:
        raise NotImplementedError

    def _is_too_fast(self) -> bool:
        if self.limit is None:
            return False
        second, count = self._second
        count = count + 1 if second == int(time.time()) else 1
        self._second = (int(time.time()), count)
        return count > self.limit


class Zendesk(Counterpart):
    """`audits` in the order of time; `roles` by user."""

    def __init__(self, page: int = 1_000) -> None:
        super().__init__()
        self.audits: list[dict[str, Any]] = []
        self.roles: dict[str, str] = {}
        self.page = page
        self.now: Callable[[], float] = time.time

    def found(self, path: str, query: dict[str, str]) -> Answer:
        match path:
            case "/api/v2/incremental/ticket_events.json":
                return self._events(int(query["start_time"]), query.get("include", ""))
            case "/api/v2/users/show_many.json":
                ids = query["ids"].split(",")
                assert len(ids) <= 100
                users = [{"id": int(one), "role": self.roles[one]} for one in ids if one in self.roles]
                return Answer(200, {"users": users, "count": len(users)})
        return Answer(404, {"error": "InvalidEndpoint"})

    def _events(self, start: int, include: str) -> Answer:
        newest = self.now() - 60
        if start > newest:
            return Answer(422, {"error": "Too recent start_time. Use a start_time older than 60 seconds"})
        there = [one for one in self.audits if start <= one["timestamp"] <= newest]
        size = self.page
        while size < len(there) and there[size - 1]["timestamp"] == start:
            size += 1  # a second is never longer than a page
        page = there[:size]
        end = page[-1]["timestamp"] if page else start
        if include != "comment_events":
            page = [_without_comments(one) for one in page]
        return Answer(
            200,
            {
                "ticket_events": page,
                "count": len(page),
                "end_time": end,
                "end_of_stream": size >= len(there),
                "next_page": f"https://acme.zendesk.com/api/v2/incremental/ticket_events.json?start_time={end}",
            },
        )


def _without_comments(audit: dict[str, Any]) -> dict[str, Any]:
    kept = [one for one in audit["child_events"] if one["event_type"] != "Comment"]
    return {**audit, "child_events": kept}


class Jira(Counterpart):
    """`issues` by key: fields as they are, `changes` oldest first, `comments`."""

    zone = ZoneInfo("America/New_York")

    def __init__(self, page: int = 50) -> None:
        super().__init__()
        self.issues: dict[str, dict[str, Any]] = {}
        self.page = page
        self.changes_told, self.comments_told = 40, 20
        self._tokens: dict[str, tuple[str, str]] = {}
        """To the issue that the page ended with: its `updated` and key."""

    def expire(self) -> None:
        """As after seven days."""
        self._tokens.clear()

    def found(self, path: str, query: dict[str, str]) -> Answer:
        match path.removeprefix("/rest/api/3/").split("/"):
            case ["myself"]:
                return Answer(200, {"accountId": "1", "timeZone": str(self.zone)})
            case ["status"]:
                return Answer(200, STATUSES)
            case ["search", "jql"]:
                return self._search(query)
            case ["issue", identity, "changelog"]:
                return self._numbered(query, "values", self._by_id(identity)["changes"])
            case ["issue", identity, "comment"]:
                assert query.get("orderBy") == "created"
                return self._numbered(query, "comments", self._by_id(identity)["comments"])
        return Answer(404, {"errorMessages": ["No such resource"]})

    def _by_id(self, identity: str) -> dict[str, Any]:
        return next(one for one in self.issues.values() if one["id"] == identity)

    def _numbered(self, query: dict[str, str], name: str, all_: list[dict[str, Any]]) -> Answer:
        start, most = int(query["startAt"]), min(int(query["maxResults"]), 100)
        page = all_[start : start + most]
        return Answer(200, {name: page, "startAt": start, "maxResults": most, "total": len(all_)})

    def _search(self, query: dict[str, str]) -> Answer:
        said = re.fullmatch(
            r'\(project = SUP\) AND updated >= "(\d{4}/\d\d/\d\d \d\d:\d\d)" ORDER BY updated ASC',
            query["jql"],
        )
        if said is None:
            return Answer(400, {"errorMessages": [f"Error in the JQL Query: {query['jql']}"]})
        since = datetime.strptime(said[1], "%Y/%m/%d %H:%M").replace(tzinfo=self.zone).astimezone(UTC)
        token = query.get("nextPageToken", "")
        if token and token not in self._tokens:
            return Answer(400, {"errorMessages": ["The provided next page token is invalid or expired."]})
        after = self._tokens.get(token, ("", ""))
        there = sorted((self._updated(key), key) for key in self.issues)
        there = [one for one in there if one > after and datetime.fromisoformat(one[0]) >= since]
        page = there[: min(self.page, int(query["maxResults"]))]
        told = {"issues": [self._told(key, query) for _, key in page], "isLast": len(page) == len(there)}
        if len(page) < len(there):
            told["nextPageToken"] = token = f"token-{len(self.asked)}"
            self._tokens[token] = page[-1]
        return Answer(200, told)

    def _updated(self, key: str) -> str:
        issue = self.issues[key]
        times = [
            issue["fields"]["created"],
            *(one["created"] for one in issue["changes"] + issue["comments"]),
        ]
        return max(
            datetime.fromisoformat(one).astimezone(UTC).isoformat(timespec="milliseconds") for one in times
        )

    def _told(self, key: str, query: dict[str, str]) -> dict[str, Any]:
        issue = self.issues[key]
        wanted = query["fields"].split(",")
        fields = {name: value for name, value in issue["fields"].items() if name in wanted}
        comments = issue["comments"]
        fields["comment"] = {"comments": comments[: self.comments_told], "total": len(comments), "startAt": 0}
        told: dict[str, Any] = {"id": issue["id"], "key": key, "fields": fields}
        if query.get("expand") == "changelog":
            newest = list(reversed(issue["changes"]))
            histories = newest[: self.changes_told]
            told["changelog"] = {"histories": histories, "total": len(newest), "startAt": 0}
        return told


STATUSES = [
    {"id": "1", "name": "Open", "statusCategory": {"key": "new"}},
    {"id": "2", "name": "Being looked at", "statusCategory": {"key": "indeterminate"}},
    {"id": "3", "name": "Waiting for customer", "statusCategory": {"key": "indeterminate"}},
    {"id": "4", "name": "Shipped", "statusCategory": {"key": "done"}},
]


@contextmanager
def running(counterpart: Counterpart) -> Iterator[str]:
    """Its URL while it runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two packets

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fault = counterpart.faults.popleft() if counterpart.faults else ""
            if fault == "cut":
                self.close_connection = True
                return
            if counterpart.slow:
                time.sleep(counterpart.slow)
            if fault[:1].isdigit():
                status, _, wait = fault.partition(":")
                found = Answer(int(status), {"error": "so it is"}, {"Retry-After": wait} if wait else {})
            else:
                found = counterpart.answer(parts.path, query, self.headers.get("Authorization", ""))
            body = b"<html>not what you asked for" if fault == "garbage" else json.dumps(found.body).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if fault == "half" else body)
            if fault == "half":
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A client that was killed."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
