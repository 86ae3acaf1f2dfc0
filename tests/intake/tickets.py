"""Lives of tickets, told both ways: by the webhooks of their source and in its history."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from intake.counterparts import STATUSES, Jira, Zendesk

START = datetime(2026, 3, 2, 8, 0, 0, tzinfo=UTC)
AGENT, CUSTOMER, DELETED = "17", "3", "99"


def rng_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


class ZendeskLife:
    """Writes a ticket's changes into the export, and keeps the webhooks that told them."""

    def __init__(self, source: Zendesk, ticket: int, at: datetime, rng: random.Random, **fields: Any) -> None:
        self.source, self.ticket, self.rng = source, ticket, rng
        source.roles |= {AGENT: "agent", CUSTOMER: "end-user"}
        self.webhooks: list[dict[str, Any]] = []
        self.fields: dict[str, Any] = {
            "subject": f"Checkout is down ({ticket})", "status": "new", "priority": "normal",
            "requester_id": int(CUSTOMER), "organization_id": None, "assignee_id": None, "group_id": 9,
            "tags": ["checkout"], **fields,
        }  # fmt: skip
        children = [self._child("Create", **{name: value}) for name, value in self.fields.items()]
        first = self._child("Comment", type="Comment", author_id=int(CUSTOMER), public=True, body="Help")
        self._audit(at, [*children, first])
        self._hook("created", at)

    def status(self, at: datetime, value: str) -> None:
        before = self.fields["status"]
        self.fields["status"] = value
        self._audit(at, [self._child("Change", status=value, previous_value=before)])
        self._hook("status_changed", at, {"previous": before.upper(), "current": value.upper()})

    def field(self, at: datetime, kind: str, name: str, value: Any) -> None:
        before = self.fields.get(name)
        self.fields[name] = value
        self._audit(at, [self._child("Change", **{name: value}, previous_value=before)])
        told = {"previous": before, "current": value}
        capitals = (lambda text: text.upper()) if name == "priority" else str
        self._hook(kind, at, {k: None if v is None else capitals(v) for k, v in told.items()})

    def tags(self, at: datetime, tags: list[str]) -> None:
        self.fields["tags"] = tags
        self._audit(at, [self._child("Change", tags=tags, added_tags=tags, removed_tags=[])])
        self._hook("tags_changed", at)

    def custom(self, at: datetime, field: str, value: Any) -> None:
        child = self._child("Change", custom_ticket_fields={field: value, "1": "of nobody's concern"})
        self._audit(at, [child])
        self._hook("custom_field_changed", at, {"field": {"id": field}, "current": value})

    def comment(self, at: datetime, author: str, public: bool = True) -> None:
        child = self._child("Comment", type="Comment", author_id=int(author), public=public, body="…")
        self._audit(at, [child])
        said = {"id": str(child["id"]), "is_public": public}
        staff = author == AGENT
        self._hook("comment_added", at, {"comment": {**said, "author": {"id": author, "is_staff": staff}}})

    def _child(self, event_type: str, **more: Any) -> dict[str, Any]:
        return {
            "id": self._next(),
            "via": "Web form",
            "via_reference_id": None,
            "event_type": event_type,
            **more,
        }

    def _next(self) -> int:
        self.source.serial = getattr(self.source, "serial", 91_048_994_000) + 1  # type: ignore[attr-defined]
        return int(self.source.serial)  # type: ignore[attr-defined]

    def _audit(self, at: datetime, children: list[dict[str, Any]]) -> None:
        whole = at.replace(microsecond=0)
        audit = {
            "id": self._next(), "ticket_id": self.ticket, "timestamp": int(whole.timestamp()),
            "created_at": whole.strftime("%Y-%m-%dT%H:%M:%SZ"), "updater_id": 1, "via": "Web form",
            "system": {}, "metadata": {}, "event_type": "Audit", "child_events": children,
        }  # fmt: skip
        self.source.audits.append(audit)
        self.source.audits.sort(key=lambda one: (one["timestamp"], one["id"]))

    def _hook(self, kind: str, at: datetime, change: dict[str, Any] | None = None) -> None:
        ids = ("requester_id", "organization_id", "assignee_id", "group_id")
        detail = {k: str(v) if k in ids and v is not None else v for k, v in self.fields.items()}
        detail |= {"id": str(self.ticket), "status": detail["status"].upper(), "via": {"channel": "web"}}
        detail["priority"] = detail["priority"] and detail["priority"].upper()
        self.webhooks.append({
            "account_id": 22129848, "id": str(UUID(int=self.rng.getrandbits(128), version=4)),
            "time": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond:06}789Z",
            "subject": f"zen:ticket:{self.ticket}", "type": f"zen:event-type:ticket.{kind}",
            "zendesk_event_version": "2022-11-06", "event": change or {}, "detail": detail,
        })  # fmt: skip


class JiraLife:
    """The same of an issue. A delivery's time is some milliseconds after that of its change."""

    def __init__(self, source: Jira, number: int, at: datetime, **fields: Any) -> None:
        self.source, self.key, self.webhooks = source, f"SUP-{number}", []  # type: ignore[var-annotated]
        self.issue: dict[str, Any] = {
            "id": str(10_000 + number), "changes": [], "comments": [],
            "fields": {
                "summary": f"Checkout is down ({number})", "status": _status("Open"),
                "priority": {"name": "High"}, "labels": ["UI"], "components": [{"name": "checkout"}],
                "assignee": None, "reporter": {"displayName": "Bryan"}, "created": _jira_time(at), **fields,
            },
        }  # fmt: skip
        source.issues[self.key] = self.issue
        self._hook("jira:issue_created", at, {})

    def change(self, at: datetime, *items: tuple[str, str | None, str | None]) -> None:
        """(field, before, after), as the changelog has them."""
        lines = []
        for name, before, after in items:
            line = {"field": name, "fieldId": name, "fromString": before, "toString": after}
            if name == "components":
                there = [one for one in self.issue["fields"][name] if one["name"] != before]
                self.issue["fields"][name] = [*there, {"name": after}] if after else there
                lines.append(line)
                continue
            if name == "status":
                line |= {"from": _status(before or "")["id"], "to": _status(after or "")["id"]}
            lines.append(line)
            self._set(name, after)
        identity = str(self._next())
        self.issue["changes"].append({"id": identity, "created": _jira_time(at), "items": lines})
        self._hook("jira:issue_updated", at, {"changelog": {"id": identity, "items": lines}})

    def move(self, at: datetime, key: str, *items: tuple[str, str | None, str | None]) -> None:
        """To another project, and what is changed with it."""
        former, self.key = self.key, key
        self.source.issues[key] = self.source.issues.pop(former)
        self.change(
            at, ("project", former.partition("-")[0], key.partition("-")[0]), ("Key", former, key), *items
        )

    def comment(self, at: datetime, customer: bool, public: bool = True) -> None:
        author = {"displayName": "Mona", "accountType": "customer" if customer else "atlassian"}
        comment = {
            "id": str(self._next()), "jsdPublic": public, "author": author, "created": _jira_time(at),
        }  # fmt: skip
        self.issue["comments"].append(comment)
        self._hook("comment_created", at, {"comment": comment})

    def _set(self, name: str, value: str | None) -> None:
        shapes = {
            "status": lambda: _status(value or ""), "labels": lambda: (value or "").split(),
            "priority": lambda: {"name": value},
            "assignee": lambda: {"displayName": value} if value else None,
        }  # fmt: skip
        self.issue["fields"][name] = shapes.get(name, lambda: value)()

    def _next(self) -> int:
        self.source.serial = getattr(self.source, "serial", 20_000) + 1  # type: ignore[attr-defined]
        return int(self.source.serial)  # type: ignore[attr-defined]

    def _hook(self, kind: str, at: datetime, more: dict[str, Any]) -> None:
        stamp = int(at.timestamp() * 1_000) + 5
        fields = {**self.issue["fields"], "updated": _jira_time(at)}
        issue = {"id": self.issue["id"], "key": self.key, "fields": fields}
        self.webhooks.append({"timestamp": stamp, "webhookEvent": kind, "issue": issue, **more})


def _jira_time(at: datetime) -> str:
    """Of a site whose zone is an hour ahead."""
    local = at + timedelta(hours=1)
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1_000:03}+0100"


def _status(name: str) -> dict[str, Any]:
    return next(one for one in STATUSES if one["name"] == name)


def zendesk_lives(source: Zendesk, tickets: int, seed: int = 1) -> list[dict[str, Any]]:
    """Lives of some variety over two days, and the webhooks that told them, in the order of time."""
    rng = rng_of(seed)
    webhooks: list[dict[str, Any]] = []
    for number in range(4_700, 4_700 + tickets):
        at = START + timedelta(minutes=rng.randrange(600), microseconds=rng.randrange(10**6))
        life = ZendeskLife(source, number, at, rng, priority=rng.choice(["urgent", "high", "normal"]))
        for _ in range(rng.randrange(2, 9)):
            at += timedelta(
                seconds=rng.choice([1, 40, 900, 5_000, 20_000]), microseconds=rng.randrange(10**6)
            )
            _happens(life, at, rng)
        webhooks += life.webhooks
    return sorted(webhooks, key=lambda one: one["time"])


def _happens(life: ZendeskLife, at: datetime, rng: random.Random) -> None:
    match rng.randrange(8):
        case 0 | 1 | 2:
            others = [one for one in ("open", "pending", "hold", "solved") if one != life.fields["status"]]
            life.status(at, rng.choice(others))
        case 3:
            life.comment(at, CUSTOMER)
        case 4:
            life.comment(at, AGENT, public=rng.random() < 0.7)
        case 5:
            life.field(at, "priority_changed", "priority", rng.choice(["urgent", "high", "low"]))
        case 6:
            life.field(at, "agent_assignment_changed", "assignee_id", rng.choice([17, 18, None]))
        case 7:
            life.tags(at, ["checkout", f"t{rng.randrange(9)}"])


def jira_lives(source: Jira, issues: int, seed: int = 2) -> list[dict[str, Any]]:
    rng = rng_of(seed)
    webhooks: list[dict[str, Any]] = []
    for number in range(1, issues + 1):
        at = START + timedelta(minutes=rng.randrange(600), milliseconds=rng.randrange(900))
        life = JiraLife(source, number, at)
        for _ in range(rng.randrange(2, 9)):
            more = rng.choice([1, 40, 900, 5_000, 20_000])
            at = (at + timedelta(seconds=more)).replace(microsecond=rng.randrange(900) * 1_000)
            _happens_in_jira(life, at, rng)
        webhooks += life.webhooks
    return sorted(webhooks, key=lambda one: one["timestamp"])


def _happens_in_jira(life: JiraLife, at: datetime, rng: random.Random) -> None:
    fields = life.issue["fields"]
    match rng.randrange(6):
        case 0 | 1 | 2:
            now = fields["status"]["name"]
            next_one = rng.choice([one["name"] for one in STATUSES if one["name"] != now])
            beside = [("labels", " ".join(fields["labels"]), f"UI {now}")] if rng.random() < 0.5 else []
            life.change(at, ("status", now, next_one), *beside)
        case 3:
            life.comment(at, customer=rng.random() < 0.5)
        case 4:
            before = fields["priority"]["name"]
            life.change(at, ("priority", before, rng.choice(["Highest", "Medium"])))
        case 5:
            before = (fields["assignee"] or {}).get("displayName")
            life.change(at, ("assignee", before, "Mona"), ("labels", " ".join(fields["labels"]), "UI urgent"))


def names(webhooks: Sequence[dict[str, Any]]) -> list[str]:
    return [one["type"].rpartition(".")[2] for one in webhooks]
