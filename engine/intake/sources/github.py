"""GitHub issues: the events `issues` and `issue_comment`, of a repository or an organization.

Signed over the body, `X-Hub-Signature-256: sha256=…` (docs.github.com, "Validating webhook deliveries"); the
shapes are those of "Webhook events and payloads". The id of a delivery is `X-GitHub-Delivery`. The
JSON is the body, or the field `payload` of a form: a webhook whose content type nobody chose sends that.
"""

from collections.abc import Sequence
from urllib.parse import unquote_to_bytes
from uuid import UUID

from engine.core.facts import Value
from engine.core.instants import Instant, format_instant
from engine.intake.arrival import Arrival, NotMapped, Said
from engine.intake.authenticity import header, hex_digest, must_match
from engine.intake.mapping import LASTING, Mapping
from engine.intake.payloads import Node, read
from engine.intake.source import Source
from engine.intake.states import OPEN, RESOLVED, Move, State, moves

_OURS = ("OWNER", "MEMBER", "COLLABORATOR")
"""author_association of those who are of ours. Of a member whose membership is private it is
CONTRIBUTOR or NONE in webhooks: the door names them."""
_GONE = ("deleted", "transferred")
_FORM = b"payload="
_UUIDS_BEGIN = 0x01B21DD213814000
"""1970 as UUIDs of version 1 count it: 100 nanoseconds since 1582."""


SIGNED_HEADERS = ("x-hub-signature-256",)


def authenticate(arrival: Arrival, secrets: Sequence[str]) -> None:
    given = header(arrival, SIGNED_HEADERS[0])
    must_match([given], [f"sha256={hex_digest(secret, arrival.body)}" for secret in secrets])


def translate(arrival: Arrival, mapping: Mapping) -> list[Said]:
    payload = read(_json(arrival.body))
    kind = arrival.headers.get("x-github-event") or _guessed(payload)
    if kind not in ("issues", "issue_comment"):
        raise NotMapped("unknown_type", kind, "x-github-event", ignored=True)
    issue, action = payload["issue"], payload["action"].text()
    if issue.get("pull_request").value is not None:
        raise NotMapped("unknown_type", "a pull request", "issue.pull_request", ignored=True)
    subject = mapping.subject_of(_identity(payload, issue, mapping))
    if kind == "issue_comment":
        said, at = [_comment(payload["comment"], action, mapping)], payload["comment"]["created_at"].moment()
    else:
        said, at = _moves(action, payload, issue, mapping), _moment(issue, action)
        if action in _GONE or _has_moved_in(payload):
            at = _told_at(arrival, at)
    # Redelivered by hand, a delivery keeps its id; without one the content tells.
    delivery = arrival.headers.get("x-github-delivery", "")
    return mapping.events(subject, at, delivery or f"{subject}:{action}:{at}", said, _order(delivery, action))


def _json(body: bytes) -> bytes:
    """Of a body of either content type; no JSON begins like the form."""
    if not body.startswith(_FORM):
        return body
    return unquote_to_bytes(body.removeprefix(_FORM).partition(b"&")[0].replace(b"+", b" "))


def _identity(payload: Node, issue: Node, mapping: Mapping) -> str:
    if LASTING in mapping.subject:
        return issue["id"].text()
    return f"{payload['repository']['full_name'].text()}#{issue['number'].text()}"


def _has_moved_in(payload: Node) -> bool:
    """From another repository, where it was opened in its day: here it opens now."""
    return payload.get("changes").get("old_repository").value is not None


def _told_at(arrival: Arrival, changed: Instant) -> Instant:
    """By the time in the delivery's id, else its arrival: `updated_at` is that of the last change, and a
    cancellation as of then would take back what was missed since."""
    made = Instant((_made(arrival.headers.get("x-github-delivery", "")) - _UUIDS_BEGIN) // 10)
    return made if changed <= made <= arrival.at else max(changed, arrival.at)


def _made(delivery: str) -> int:
    """The time in an id that is a UUID of version 1, in 100 nanoseconds since 1582; 0 where it is none."""
    try:
        identity = UUID(delivery)
    except ValueError:
        return 0
    return identity.time if identity.version == 1 else 0


def _order(delivery: str, action: str) -> str:
    """Of the changes within a second: by the time in the delivery's id, a UUID of version 1; of one time, or
    where the id tells none, what takes away comes after what gives. A relabelling is both."""
    return f"{_made(delivery):020}{action in ('unlabeled', 'unassigned'):d}"


def _guessed(payload: Node) -> str:
    """For payloads that are tried from a file, without their headers."""
    if payload.get("comment").value is not None:
        return "issue_comment"
    return "issues" if payload.get("issue").value is not None else "unknown"


def _moment(issue: Node, action: str) -> Instant:
    name = {"opened": "created_at", "closed": "closed_at"}.get(action, "updated_at")
    return issue[name].moment()


def _moves(action: str, payload: Node, issue: Node, mapping: Mapping) -> list[Move]:
    by = _by(payload, issue, mapping)
    match action:
        case "opened":
            return _opened(payload, issue, mapping)
        case "edited":
            if payload.get("changes").get("title").value is None:
                raise NotMapped("unknown_type", "issues.edited of the text", "changes", ignored=True)
            return [Move("updated", {"title": issue["title"].text()})]
        case "closed":
            why = issue.get("state_reason").text() or "completed"
            said = moves(OPEN, mapping.state(why, "issue.state_reason"))
            return [Move(move.verb, {**move.data, **by}) for move in said]
        case "reopened":
            return [Move("reopened", by)]
        case "assigned" | "unassigned":
            return [Move("assigned", {"owner": _login(issue.get("assignee")) or None})]
        case "labeled" | "unlabeled":
            return [Move("updated", _relabelled(payload.get("label"), issue, mapping))]
        case _ if action in _GONE:
            return [Move("cancelled", {"reason": action})]
    raise NotMapped("unknown_type", f"issues.{action}", "action", ignored=True)


def _opened(payload: Node, issue: Node, mapping: Mapping) -> list[Move]:
    opening = Move("opened", _opening(issue, mapping))
    if not _has_moved_in(payload):
        return [opening]
    if issue.get("state").text() == "closed":  # nobody closes it again, and it had its verdicts before
        return [opening, Move("cancelled", {"reason": "transferred"})]
    reported_at = format_instant(issue["created_at"].moment())
    return [Move("opened", {**opening.data, "reported_at": reported_at})]


def _by(payload: Node, issue: Node, mapping: Mapping) -> dict[str, Value]:
    """Nobody of ours where the author of an issue closes or reopens it, and is none of ours."""
    sender = _login(payload.get("sender"))
    is_outside = issue.get("author_association").text() != "" and not _is_ours(issue, mapping)
    return {} if is_outside and sender == _login(issue.get("user")) else {"by": sender or None}


def _opening(issue: Node, mapping: Mapping) -> dict[str, Value]:
    return mapping.opening(
        issue["title"].text(),
        "",
        reporter=_login(issue.get("user")),
        owner=_login(issue.get("assignee")),
        **_labels(issue, mapping),
    )


def _labels(issue: Node, mapping: Mapping) -> dict[str, Value]:
    """All labels are tags; the gravest that the mapping knows is the severity."""
    names = [label["name"].text() for label in issue.get("labels").items()]
    severity = min((s for name in names if (s := mapping.severity(name))), default=None)
    tags: list[Value] = list(names)
    return {"tags": tags, "severity": severity} if severity else {"tags": tags}


def _relabelled(label: Node, issue: Node, mapping: Mapping) -> dict[str, Value]:
    """The severity goes with the last of the labels that told it; other labels leave it as it is."""
    told = mapping.severity(label.get("name").text())
    return {**({"severity": None} if told else {}), **_labels(issue, mapping)}


def _is_ours(written: Node, mapping: Mapping) -> bool:
    """Who wrote an issue or a comment."""
    login = _login(written.get("user")).lower()
    return written.get("author_association").text() in _OURS or login in mapping.staff


def _comment(comment: Node, action: str, mapping: Mapping) -> Move:
    user = comment.get("user")
    if action != "created" or user.get("type").text() == "Bot":
        raise NotMapped("unknown_type", f"issue_comment.{action} of {_login(user)}", "action", ignored=True)
    if _is_ours(comment, mapping):
        return Move("message_sent", {"public": True, "by": _login(user) or None})
    return Move("message_received", {"public": True})


def _login(user: Node) -> str:
    return user.get("login").text()


SOURCE = Source(
    name="github",
    authenticate=authenticate,
    translate=translate,
    states={
        "completed": RESOLVED,
        "not_planned": State("cancelled", "not_planned"),
        "duplicate": State("cancelled", "duplicate"),
    },
    severities={"p0": "P0", "p1": "P1", "p2": "P2", "p3": "P3", "critical": "P0"},
    signed_headers=SIGNED_HEADERS,
    needs=("action", "issue.number", "repository.full_name"),
    other_headers=("x-github-event", "x-github-delivery"),
)
