"""`vigil report`: reports over many escalations, from the archive or from recorded events."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from sqlalchemy import Connection

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
    events: Annotated[
        list[str] | None,
        typer.Argument(metavar="[EVENTS...]", help="CloudEvents JSON Lines: plain, .gz, or - for stdin."),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option("--policies", "-p", help="With EVENTS: folder of policies and calendars.")
    ] = None,
    archive: Annotated[
        str | None, typer.Option("--archive", metavar="URL", help="The archive, instead of EVENTS.")
    ] = None,
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
    periods before it. What each figure counts: docs/trend.md.

    \b
    Examples:
      vigil report trend --archive sqlite:///archive.db -o trend.html
      vigil report trend --archive sqlite:///archive.db --from 2026-10 --to 2026-11
      vigil report trend events.jsonl.gz -p policies --by week --zone Europe/Oslo -o trend.html
      vigil report trend --archive postgresql+psycopg://vigil@db/vigil --format csv
    """
    from engine.documents.trend import Asked
    from engine.documents.trend import trend as counted
    from engine.documents.trend.periods import parse_day
    from engine.replay.files import writing

    days = [None if day is None else parse_day(day) for day in (start, end)]
    with _archive(events or [], policies, archive) as connection:
        report = counted(connection, Asked(by.value, zone, *days))
    with writing(output) as out:
        out.write(_written(report, form))


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


@contextmanager
def _archive(events: list[str], policies: Path | None, url: str | None) -> "Iterator[Connection]":
    """The archive named, or one of these events that is gone afterwards."""
    if (url is None) == (not events):
        raise Failure("give either EVENTS with --policies, or --archive", ExitCode.USAGE)
    if (policies is None) != (not events):
        raise Failure("--policies goes with EVENTS: they are judged by them", ExitCode.USAGE)
    if url is not None:
        with _opened(url) as connection:
            yield connection
    elif policies is not None:
        from engine.cli.replayed_archive import replayed_archive

        with replayed_archive(events, policies) as connection:
            yield connection


@contextmanager
def _opened(url: str) -> "Iterator[Connection]":
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import ArgumentError, DBAPIError

    hint = "such as sqlite:///archive.db or postgresql+psycopg://user@host/database"
    try:
        engine = create_engine(url)
    except (ArgumentError, ImportError, ValueError):
        raise Failure(
            "--archive is no database's URL", ExitCode.USAGE, hint
        ) from None  # it may hold a password
    name = engine.url.render_as_string(hide_password=True)
    if engine.url.get_backend_name() == "sqlite" and not Path(engine.url.database or "").is_file():
        raise Failure(f"{name}: there is no such file", ExitCode.USAGE, hint)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("escalations"):
                raise Failure(f"{name} holds no archive: it has no table escalations", ExitCode.USAGE, hint)
            yield connection
    except DBAPIError as error:
        raise Failure(f"{name}: {error.orig}".rstrip(), ExitCode.UNREACHABLE) from None
    finally:
        engine.dispose()
