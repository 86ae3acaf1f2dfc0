"""`vigil commitments`: what was promised, by whom and to whom, and how it came out."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.accounts import Archive, At, Events
from engine.cli.exits import ExitCode
from engine.cli.listing import ListFormat, ListFormatAsked
from engine.cli.options import OptionalPolicies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.documents.commitments import Commitment, Record


class By(StrEnum):
    customer = "customer"
    person = "person"


def command(
    events: Events = None,
    policies: OptionalPolicies = None,
    archive: Archive = None,
    at: At = None,
    by: Annotated[By | None, typer.Option(help="Sum up by customer, or by who promised.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only what is still to be kept.")] = False,
    form: ListFormatAsked = ListFormat.table,
) -> None:
    """What was promised, by whom, and what was kept.

    A row a promise: every time that it had, its state (open, at_risk, kept,
    kept_late, missed, withdrawn, waived), the verdicts and their proofs. A miss
    stays a miss, whatever was agreed after it. --by sums up by customer or by
    person: the kept rate is kept / (kept + kept_late + missed).

    \b
    Examples:
      vigil commitments events.jsonl -p policies
      vigil commitments --archive sqlite:///vigil.db --by person
      vigil commitments events.jsonl -p policies --open --format json
    """
    from engine.cli.accounts import Asked
    from engine.documents.commitments import commitments, records

    asked = Asked(events, policies if events else None, archive, at)
    rows = [row for judged in asked.read() for row in commitments(judged.account)]
    rows = [row for row in rows if row.is_open or not only_open]
    if by is None:
        _say_rows(rows, form)
    else:
        _say_records(records(rows, by.value), by.value, form)
    if asked.unreadable:
        raise typer.Exit(ExitCode.FOUND)


_COLUMNS = (
    "customer", "subject", "id", "text", "by", "to", "made_at", "due_at", "times", "state", "open", "reason",
    "verdict", "proof",
)  # fmt: skip


def _say_rows(rows: "Sequence[Commitment]", form: ListFormat) -> None:
    from engine.cli.listing import say_list

    shown = [_row(row) for row in sorted(rows, key=lambda row: (row.customer, row.made_at, row.subject))]
    say_list("Commitments", _COLUMNS, shown, form, hidden=("verdict", "proof", "subject", "to"))


def _row(row: "Commitment") -> dict[str, object]:
    from engine.core.instants import format_instant
    from engine.documents.lateness import proof

    last = row.verdicts[-1] if row.verdicts else None
    return {
        "customer": row.customer,
        "subject": row.subject,
        "id": row.id,
        "text": row.text,
        "by": row.by,
        "to": row.to,
        "made_at": format_instant(row.made_at),
        "due_at": format_instant(row.dues[-1].due_at),
        "times": len(row.dues),
        "dues": [
            {"due_at": format_instant(at), "promised_at": format_instant(then), "how": how}
            for at, then, how in row.dues
        ],
        "state": row.state,
        "open": row.is_open,
        "reason": row.reason,
        "verdict": "" if last is None else last.id,
        "proof": "" if last is None else last.hash,
        "verdicts": [proof(one) for one in row.verdicts],
    }


def _say_records(rows: "Sequence[Record]", by: str, form: ListFormat) -> None:
    from engine.cli.listing import say_list
    from engine.documents.commitments import STATES

    shown: list[dict[str, object]] = [
        {
            by: row.name,
            "made": row.made,
            **row.states,
            "renegotiated": row.renegotiated,
            "kept_rate": None if row.kept_rate is None else round(row.kept_rate, 4),
        }
        for row in rows
    ]
    columns = (by, "made", *STATES, "renegotiated", "kept_rate")
    say_list(f"Commitments by {by}", columns, shown, form)
