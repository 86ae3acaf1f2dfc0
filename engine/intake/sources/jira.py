"""Jira and Jira Service Management: `jira:issue_*` and `comment_created`, with the changelog of an update.

Admin webhooks sign the body, `X-Hub-Signature: sha256=…` (developer.atlassian.com, "Webhooks"), and name each
delivery in `X-Atlassian-Webhook-Identifier`, the same when it is sent again. Times come as `+0100`. What is
loaded of its history comes in the same shape (`engine.intake.history.jira`).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from engine.core.facts import Value
from engine.core.instants import MILLISECOND, Instant, format_instant
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import header, hex_digest, must_match
from engine.intake.mapping import LASTING, Mapping
from engine.intake.payloads import Node, read
from engine.intake.source import Source, by_parts
from engine.intake.states import CLOSED, OPEN, RESOLVED, Move, State, moves

_CREATED = "jira:issue_created"
_KINDS = (_CREATED, "jira:issue_updated", "jira:issue_deleted", "comment_created")
_CATEGORIES = {"new": OPEN, "indeterminate": OPEN, "done": RESOLVED}
"""Of statuses: workflows have names of their own, these three keys are always the same."""

_OTHERS, _STATUS = "others", "status"
"""The two parts of a change, and of an opening where only the mapping may know the status."""
_KEY = "Key"
"""The field of a move to another project."""


SIGNED_HEADERS = ("x-hub-signature",)


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    given = header(arrival, SIGNED_HEADERS[0])
    must_match([given], [f"sha256={hex_digest(secret, arrival.body)}" for secret in secrets])


def _parts(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """A change as its other lines and, after them, those of the status: one that nobody mapped keeps nothing
    else out. Where an issue opens, anew after a move to another project, its status is one without a line."""
    if payload.get("webhookEvent") == _CREATED:
        return [] if _has_category(payload) else [{**payload, "part": part} for part in (_OTHERS, _STATUS)]
    change: Any = payload.get("changelog")
    lines = change.get("items") if isinstance(change, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        return []
    parts: dict[str, list[Any]] = {_OTHERS: [], _STATUS: []}
    for line in lines:
        is_status = (line.get("fieldId") or line.get("field")) == "status"
        parts[_STATUS if is_status else _OTHERS].append(line)
    if moved := [line for line in lines if line.get("field") == _KEY]:
        if _has_category(payload):
            return []
        parts[_STATUS] += moved
    if not all(parts.values()):
        return []
    return [{**payload, "part": part, "changelog": {**change, "items": of}} for part, of in parts.items()]


def _has_category(payload: dict[str, Any]) -> bool:
    """Whether the status that it has now means something without a mapping; history knows nothing of one that
    was deleted."""
    try:
        status = Node(payload).get("issue").get("fields").get("status")
        return _by_category(status) is not None
    except NotMapped:  # which is said when it is translated
        return True


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    payload = read(arrival.body)
    kind = payload["webhookEvent"].text()
    if kind not in _KINDS:  # of a version, a sprint, a worklog: most have no issue
        raise NotMapped("unknown_type", kind, "webhookEvent", ignored=True)
    if kind == "comment_created" and payload.get("issue").value is None:
        why = "missing: Jira Data Center does not say of which issue a comment is, leave comments out there"
        raise NotMapped("bad_payload", why, "issue")
    issue = payload["issue"]
    by_id = LASTING in mapping.subject
    subject = mapping.subject_of(issue["id" if by_id else "key"].text())
    at = _moment(payload)
    known = _known(kind, payload, issue)
    delivery = arrival.headers.get("x-atlassian-webhook-identifier") or f"{subject}:{kind}:{at}"

    part = payload.get("part").text()
    # The status comes after what else its change says, and before the next change.
    of = f":{part}" if part == _STATUS else ""
    last = "s" if of and kind != _CREATED else ""

    def say(subject: str, said: list[Move], of: str = of) -> list[Said]:
        if known is None:
            return mapping.events(subject, at, delivery + of, said, last)
        return mapping.retold(subject, known.at or at, known.id + of, said, known.order + last)

    changed = payload.get("changelog").get("items")
    if not by_id and kind == "jira:issue_updated" and (former := former_key(changed)):
        # Not merged: the new one would inherit since when the customer waits, and not that he was answered.
        gone = [] if part == _STATUS else [Move("cancelled", {"reason": "moved"})]
        opened = say(subject, _moved(issue, changed, part, mapping), f":moved{of}")
        return say(mapping.subject_of(former), gone) + opened
    said = _moves(kind, payload, issue, mapping)
    if not said and not part:
        raise NotMapped("unknown_type", f"{kind} changes nothing of ours", "changelog", ignored=True)
    return say(subject, said)


def field_of(item: Node) -> str:
    """Of a line of the changelog: what it changes, by the name that does not depend on a language."""
    return item.get("fieldId").text() or item["field"].text()


def former_key(items: Node) -> str:
    """Of a change: what the issue was called that is moved to another project; empty where it is not."""
    moves = (item for item in items.items() if item.get("field").text() == _KEY)
    return next((item.get("fromString").text() for item in moves), "")


def _moved(issue: Node, changed: Node, part: str, mapping: Mapping) -> list[Move]:
    """It opens under its new key as it is now, reported when it was created; and again where it had the key
    before. What was over before, and is, had its verdicts under its former key: it owes nothing here."""
    opening, created = _opening(issue["fields"], mapping), _given(issue["fields"].get("created"))
    was_over = _is_over(_before(issue, changed, mapping))
    if created is not None and not was_over:
        opening["reported_at"] = format_instant(created)
    if was_over and _is_over(_known_state(issue, mapping)):
        return _opened(opening, part, lambda: [Move("cancelled", {"reason": "moved"})])
    return _opened(opening, part, lambda: moves(None, _state(issue, mapping)))


def _opened(opening: dict[str, Value], part: str, then: Callable[[], list[Move]]) -> list[Move]:
    """What of it this part says: both where there are none."""
    opened = [] if part == _STATUS else [Move("opened", opening)]
    return opened if part == _OTHERS else [*opened, *then()]


def _before(issue: Node, changed: Node, mapping: Mapping) -> State | None:
    """The state before this change; None where nobody knows. Nobody tells the category of a status that was,
    where it has no mapping: what was done has a resolution."""
    was = {field_of(one): one.get("fromString").text() for one in changed.items()}
    if "status" not in was:
        return _known_state(issue, mapping)
    resolution = was.get("resolution", issue["fields"].get("resolution").value)
    return mapping.states.get(was["status"].lower()) or (RESOLVED if resolution else None)


def _is_over(state: State | None) -> bool:
    return state is not None and state.kind in ("resolved", "closed", "cancelled")


class _Known(NamedTuple):
    """What Jira itself calls it, in a webhook and in its history."""

    id: str
    at: Instant | None = None
    """Where both ways give it: a delivery's own time is some milliseconds after that of its change."""
    order: str = ""


def _known(kind: str, payload: Node, issue: Node) -> _Known | None:
    match kind:
        case "jira:issue_created" if issue.get("id").text():
            return _Known(f"created:{issue['id'].text()}", _given(issue["fields"].get("created")))
        case "jira:issue_updated" if change := payload.get("changelog").get("id").text():
            return _Known(f"changelog:{change}", order=change.zfill(20))
        case "comment_created" if comment := payload["comment"].get("id").text():
            return _Known(f"comment:{comment}", _given(payload["comment"].get("created")))
    return None


def _given(time: Node) -> Instant | None:
    return time.moment() if time.text() else None


def _moment(payload: Node) -> Instant:
    """When it happened: the delivery's own time, in milliseconds."""
    stamp = payload["timestamp"].value
    if not isinstance(stamp, int) or isinstance(stamp, bool) or not 0 <= stamp < 10**14:
        raise NotMapped("bad_payload", "expected milliseconds since 1970", "timestamp")
    return Instant(stamp * MILLISECOND)


def _moves(kind: str, payload: Node, issue: Node, mapping: Mapping) -> list[Move]:
    match kind:
        case "jira:issue_created":
            opening = _opening(issue["fields"], mapping)
            return _opened(opening, payload.get("part").text(), lambda: moves(OPEN, _state(issue, mapping)))
        case "jira:issue_updated":
            items = payload.get("changelog").get("items").items()
            return [move for item in items for move in _change(item, issue, mapping)]
        case "jira:issue_deleted":
            return [Move("cancelled", {"reason": "deleted"})]
    return [_comment(payload["comment"])]


def _opening(fields: Node, mapping: Mapping) -> dict[str, Value]:
    data = mapping.opening(
        fields["summary"].text(),
        fields.get("priority").get("name").text(),
        owner=_person(fields.get("assignee")),
        reporter=_person(fields.get("reporter")),
        component=_component(fields),
        tags=[label.text() for label in fields.get("labels").items()],
    )
    return mapping.fill(data, _own(fields, mapping))


def _component(fields: Node) -> str:
    return next((one["name"].text() for one in fields.get("components").items()), "")


def _own(fields: Node, mapping: Mapping) -> dict[str, Value]:
    fields.get("created")  # NotMapped where it is no object
    return {name: _plain(value) for name, value in fields.value.items() if name in mapping.fields}


def _change(item: Node, issue: Node, mapping: Mapping) -> list[Move]:
    """What one line of the changelog says."""
    field = field_of(item)
    before, after = item.get("fromString").text(), item.get("toString").text()
    match field:
        case "status":
            return moves(mapping.states.get(before.lower()), _state(issue, mapping, after))
        case "priority":
            return [mapping.graded(after, before)]
        case "assignee":
            return [Move("assigned", {"owner": after or None})]
        case "reporter":
            return [Move("updated", {"reporter": after or None})]
        case "components":  # a line a component that came or went
            return [Move("updated", {"component": _component(issue["fields"]) or None})]
        case "summary":
            return [Move("updated", {"title": after})]
        case "labels":
            tags: list[Value] = list(after.split())
            return [Move("updated", {"tags": tags})]
    if field in mapping.fields:
        return [Move("updated", mapping.refill({field: after or None}, _own(issue["fields"], mapping)))]
    return []


def _state(issue: Node, mapping: Mapping, name: str = "") -> State:
    found = _known_state(issue, mapping, name)
    name = name or issue["fields"].get("status").get("name").text()
    return found or mapping.state(name, "issue.fields.status.name")


def _known_state(issue: Node, mapping: Mapping, name: str = "") -> State | None:
    """By name where the mapping knows it, else by its category, which most workflows have."""
    status = issue["fields"].get("status")
    current = status.get("name").text()
    name = name or current
    if name.lower() in mapping.states:
        return mapping.states[name.lower()]
    return _by_category(status) if name == current else None


def _by_category(status: Node) -> State | None:
    return _CATEGORIES.get(status.get("statusCategory").get("key").text())


def _comment(comment: Node) -> Move:
    """`jsdPublic` says whether the customer sees it; it is true of what only a role or a group sees, too."""
    is_public = comment.get("jsdPublic").value is True and comment.get("visibility").value is None
    author = comment.get("author")
    kind = author.get("accountType").text()
    match kind:
        case "customer":
            return Move("message_received", {"public": True})
        case "app":
            raise NotMapped("unknown_type", f"a comment of {_person(author)}", author.path, ignored=True)
    if author.value is None or kind == "unknown":
        raise NotMapped("unknown_author", "nobody says whether the author is staff", author.path)
    return Move("message_sent", {"public": is_public, "by": _person(author) or None})


def _person(user: Node) -> str:
    return user.get("displayName").text() or user.get("name").text()


def _plain(value: object) -> Value:
    """A custom field's value: of options, people and organizations their name, of several the first."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("value") or value.get("name") or value.get("displayName")
    return value if isinstance(value, str | int | float | bool) else None


SOURCE = Source(
    name="jira",
    authenticate=authenticate,
    translate=translate,
    states={
        "open": OPEN,
        "to do": OPEN,
        "in progress": OPEN,
        "reopened": OPEN,
        "waiting for support": OPEN,
        "waiting for customer": State("paused", "pending_customer"),
        "pending": State("paused", "pending_vendor"),
        "resolved": RESOLVED,
        "done": RESOLVED,
        "closed": CLOSED,
        "canceled": State("cancelled", "canceled"),
        "declined": State("cancelled", "declined"),
    },
    severities={
        "highest": "P0", "high": "P1", "medium": "P2", "low": "P3", "lowest": "P3",
        "blocker": "P0", "critical": "P0", "major": "P1", "minor": "P2", "trivial": "P3",
    },
    signed_headers=SIGNED_HEADERS,
    apart=by_parts(_parts),
    needs=("webhookEvent", "timestamp", "issue.key", "issue.fields{}"),
    other_headers=("x-atlassian-webhook-identifier",),
)  # fmt: skip
