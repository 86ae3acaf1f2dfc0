"""What tests write into archives and read out of them: facts, outcomes, whole tables."""

from itertools import count
from typing import Any

from sqlalchemy import Table, select

from engine.archive import accounts
from engine.archive.account import Account
from engine.archive.archive import Archive
from engine.archive.tables import escalations, facts, outcomes
from engine.contract.codec import Received
from engine.core.facts import Fact, Value
from engine.core.instants import MINUTE, Instant, Span, parse_instant
from engine.core.outcomes import Outcome, PolicyRef, outcome_id

START = parse_instant("2026-03-02T09:00:00Z")
POLICY = PolicyRef("test", "2020-01-01T00:00:00Z", "0")
_ids = count(1)


def at(minute: float) -> Instant:
    return Instant(START + int(minute * MINUTE))


def fact(
    kind: str, minute: float, subject: str = "desk:1", *, identity: str = "", recorded: float | None = None,
    **data: Value,
) -> Received:  # fmt: skip
    """At a minute after 9:00; recorded then, too."""
    known = at(minute if recorded is None else recorded)
    return Received(subject, Fact("test", identity or f"e{next(_ids)}", kind, at(minute), known, "", data))


def opened(minute: float, subject: str = "desk:1", *, customer: str = "acme", **data: Value) -> Received:
    said: dict[str, Value] = {"title": "Down", "severity": "P1", "customer": {"id": customer}, **data}
    return fact("opened", minute, subject, **said)


def outcome(name: str, seq: int, minute: float, subject: str = "desk:1", **said: Any) -> Outcome:
    """Of the resolve clock; its id is that of what it says."""
    fields: dict[str, Any] = {
        "metric": "resolve", "cycle": 1, "policy": POLICY, "severity": "P1", "started_at": at(0),
        "due_at": at(60), "effective_at": at(minute), "detected_at": at(minute), "elapsed": Span(MINUTE),
        "elapsed_calendar": Span(2 * MINUTE), "target": Span(60 * MINUTE), "customer_id": "acme",
    }  # fmt: skip
    fields |= said
    named = (name, "", fields["due_at"], fields["effective_at"], fields.get("reason", ""))
    identity = fields.pop("id", None) or outcome_id(subject, fields["metric"], "", fields["cycle"], *named)
    return Outcome(name=name, id=identity, seq=seq, subject=subject, **fields)


def rows(archive: Archive, *tables: Table) -> dict[str, list[dict[str, Any]]]:
    """The content of tables (else of those that hold what was read), in an order of their own."""
    found = {}
    with archive.engine.connect() as connection:
        for table in tables or (facts, outcomes, escalations):
            content = [dict(row) for row in connection.execute(select(table)).mappings()]
            found[table.name] = sorted(content, key=lambda row: str(sorted(row.items())))
    return found


def row(archive: Archive, subject: str = "desk:1") -> dict[str, Any]:
    """Of `escalations`."""
    found = {one["subject"]: one for one in rows(archive, escalations)["escalations"]}
    return found[subject]


def account(archive: Archive, subject: str = "desk:1") -> Account:
    """Empty where the archive knows nothing of the subject."""
    with archive.engine.connect() as connection:
        return accounts.account(connection, subject)


def subjects(archive: Archive) -> list[str]:
    with archive.engine.connect() as connection:
        return accounts.subjects(connection)
