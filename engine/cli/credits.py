"""`vigil credits`: what breaches cost by the contract, by customer and month."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.accounts import Archive, At, Events
from engine.cli.exits import ExitCode, Failure
from engine.cli.listing import ListFormat, ListFormatAsked
from engine.cli.options import OptionalPolicies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from engine.cli.accounts import Asked
    from engine.core.credits import Credit, Exposure
    from engine.documents.credits import Owed


def command(
    events: Events = None,
    policies: OptionalPolicies = None,
    archive: Archive = None,
    at: At = None,
    month: Annotated[str | None, typer.Option(help="Only this month, such as 2026-03.")] = None,
    zone: Annotated[str, typer.Option(help="The zone in which months begin.")] = "UTC",
    fees: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Monthly fees, YAML or CSV: customer, fee, currency."),
    ] = None,
    form: ListFormatAsked = ListFormat.table,
) -> None:
    """What breaches cost by the contract, by customer and month.

    Adds up the credits of a policy's tiers, the highest of each breach, at most
    the whole fee a month. What the open clocks would add (their next tier, their
    last) needs --policies; money needs --fees. JSON has every breach with the
    hashes of the verdicts that it follows from.

    \b
    Examples:
      vigil credits events.jsonl -p policies --month 2026-03
      vigil credits --archive sqlite:///vigil.db -p policies --fees fees.yaml
      vigil credits --archive sqlite:///vigil.db --zone Europe/Berlin --format csv
    """
    from engine.cli.accounts import Asked
    from engine.cli.output import say
    from engine.documents.credits import owed
    from engine.documents.fees import read_fees

    if month is not None and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise Failure(f"--month {month}: no month", ExitCode.USAGE, "such as 2026-03")
    months_in, paid = _zone(zone), {} if fees is None else read_fees(fees)
    asked = Asked(events, policies, archive, at)
    breaches, exposures = _gathered(asked)
    rows = [row for row in owed(breaches, exposures, months_in, asked.at, paid) if month in (None, row.month)]
    unpriced = sorted({row.customer for row in rows if row.fee is None})
    if fees is not None and unpriced:
        say(f"{fees} has no fee of {', '.join(name or '(no customer)' for name in unpriced)}")
    _say_rows(rows, form)
    if asked.unreadable:
        raise typer.Exit(ExitCode.FOUND)


def _gathered(asked: "Asked") -> "tuple[list[Credit], list[Exposure]]":
    from engine.core import attributes as attrs
    from engine.core.credits import credits, exposures, in_order

    rows: list[Credit] = []
    open_: list[Exposure] = []
    for judged in asked.read():
        account = judged.account
        rows += credits(account.in_force, {account.subject: attrs.text(account.attributes, "customer")})
        if judged.record is not None and asked.book is not None:
            open_ += exposures(judged.record, asked.book)
    return in_order(rows), open_


def _zone(name: str) -> "ZoneInfo":
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise Failure(f"--zone {name}: there is no such time zone", ExitCode.USAGE) from None


_COLUMNS = (
    "month", "customer", "breaches", "percent", "open", "percent_next", "percent_most", "currency", "fee",
    "amount", "amount_next", "amount_most",
)  # fmt: skip


def _say_rows(rows: "Sequence[Owed]", form: ListFormat) -> None:
    from engine.cli.listing import say_list
    from engine.documents.credits import plain, totals

    priced = any(row.fee is not None for row in rows)
    hidden = () if priced else ("currency", "fee", "amount", "amount_next", "amount_most")
    told = [plain(row, in_full=form is ListFormat.json) for row in rows]
    say_list("Credits, percent of the monthly fee", _COLUMNS, told, form, hidden=hidden)
    if form is ListFormat.table:
        for currency, amount in totals(rows):
            typer.echo(f"owed in all: {amount:,} {currency}")
