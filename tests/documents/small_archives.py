"""Small archives in memory, row by row: what matters is said, the rest is filled in."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, create_engine, insert

from engine.archive.rows import outcome_row
from engine.archive.tables import escalations, metadata, outcomes
from engine.core.instants import MINUTE, Instant, Span
from engine.core.outcomes import Outcome, PolicyRef
from engine.core.segments import Segment

POLICY = PolicyRef("test", "2020-01-01T00:00:00Z", "0")


def escalation(subject: str, opened: int | None, **said: Any) -> dict[str, Any]:
    """A row of `escalations`."""
    texts = (
        "title", "severity", "gravest", "customer", "customer_name", "tier", "service", "component", "region",
        "team", "owner", "fingerprint", "revenue_currency",
    )  # fmt: skip
    row: dict[str, Any] = dict.fromkeys(texts, "")
    return (
        row
        | {"subject": subject, "status": "open", "opened": opened, "reopened": 0, "last": opened or 0}
        | said
    )


def outcome(subject: str, seq: int, name: str, at: int, **said: Any) -> Outcome:
    """One of `resolve` and P1 unless said otherwise."""
    fields: dict[str, Any] = {
        "id": f"{subject}-{seq}", "metric": "resolve", "cycle": 1, "policy": POLICY, "severity": "P1",
        "started_at": Instant(at - 10 * MINUTE), "due_at": None, "effective_at": Instant(at),
        "detected_at": Instant(at), "elapsed": Span(5 * MINUTE), "elapsed_calendar": Span(10 * MINUTE),
        "target": None,
    }  # fmt: skip
    return Outcome(name=name, seq=seq, subject=subject, **(fields | said))


def segment(
    start: int, end: int, why: str = "", elapsed: int = 0, team: str = "", owner: str = ""
) -> Segment:
    return Segment(Instant(start), Instant(end), why, "", Span(elapsed), team, owner)


def row_of(o: Outcome, stands: bool = True) -> dict[str, Any]:
    """A row of `outcomes`."""
    return outcome_row(o, stands=stands and o.name != "retracted")


@contextmanager
def archive(
    opened: Iterable[dict[str, Any]], said: Iterable[dict[str, Any]] = (), url: str = "sqlite://"
) -> Iterator[Connection]:
    """A connection to an archive of these rows."""
    engine = create_engine(url)
    with engine.connect() as connection:
        metadata.create_all(connection)
        for table, rows in ((escalations, list(opened)), (outcomes, list(said))):
            if rows:
                connection.execute(insert(table), rows)
        yield connection
        connection.rollback()
    engine.dispose()
