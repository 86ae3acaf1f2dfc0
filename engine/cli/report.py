"""`vigil report`: reports over many escalations, from the archive or from recorded events."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.accounts import Archive, Events
from engine.cli.exits import ExitCode
from engine.cli.options import OptionalPolicies

if TYPE_CHECKING:
    from engine.documents.trend import Trend

app = typer.Typer(help="Reports over many escalations: how they went, month by month.", no_args_is_help=True)


class By(StrEnum):
    """Weeks begin on Monday."""

    month = "month"
    week = "week"


class Form(StrEnum):
    """A page is for reading, JSON for programs, CSV for spreadsheets."""

    html = "html"
    json = "json"
    csv = "csv"


@app.command("trend")
def trend(
    events: Events = None,
    policies: OptionalPolicies = None,
    archive: Archive = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DAY", help="A day of the first period. Else: 12 periods.")
    ] = None,
    end: Annotated[
        str | None,
        typer.Option("--to", metavar="DAY", help="The day after the last period. Else: the newest."),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What is compared with what.")] = By.month,
    zone: Annotated[
        str, typer.Option("--zone", help="In which it is midnight, such as Europe/Oslo.")
    ] = "UTC",
    form: Annotated[Form, typer.Option("--format", "-f", help="A page, or its figures.")] = Form.html,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file. Else: stdout.")
    ] = None,
) -> None:
    """Write the trend report: each month or week against the one before.

    Volume by severity, MTTA, MTTR and their relatives, breaches by metric,
    updates, promises, RCA and action items in time, recurrence, where the time
    went, top patterns. Periods are whole; the whole is compared with as many
    periods before it. What each figure counts: docs/trend.md. Ends with 1 if a
    line could not be read.

    \b
    Examples:
      vigil report trend --archive sqlite:///archive.db -o trend.html
      vigil report trend --archive sqlite:///archive.db --from 2026-10 --to 2026-11
      vigil report trend events.jsonl.gz -p policies --by week --zone Europe/Oslo -o trend.html
      vigil report trend --archive postgresql+psycopg://vigil@db/vigil --format csv
    """
    from engine.cli.accounts import Asked as Recorded
    from engine.cli.accounts import connected
    from engine.cli.replayed_archive import replayed_archive
    from engine.documents.trend import Asked
    from engine.documents.trend import trend as counted
    from engine.documents.trend.periods import parse_day
    from engine.replay.files import writing

    days = [None if day is None else parse_day(day) for day in (start, end)]
    asked = Recorded(events, policies if events else None, archive, None)
    with replayed_archive(asked) if asked.archive is None else connected(asked.archive) as connection:
        report = counted(connection, Asked(by.value, zone, *days))
    with writing(output) as out:
        out.write(_written(report, form))
    if asked.unreadable:
        raise typer.Exit(ExitCode.FOUND)


def _written(report: "Trend", form: Form) -> bytes:
    from engine.documents.trend.page import page
    from engine.documents.trend.table import table

    match form:
        case Form.html:
            return page(report).encode()
        case Form.csv:
            return table(report).encode()
        case Form.json:
            return report.json()
