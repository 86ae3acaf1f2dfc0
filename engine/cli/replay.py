"""`vigil replay`: recorded events in, outcomes out, no Kafka."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from engine.core.instants import Instant
    from engine.replay.replaying import Replay


def command(
    events: Annotated[
        list[str],
        typer.Argument(metavar="EVENTS...", help="CloudEvents JSON Lines: plain, .gz, or - for stdin."),
    ],
    policies: Annotated[Path, typer.Option("--policies", "-p", help="Folder of policy and calendar files.")],
    until: Annotated[
        str | None,
        typer.Option(help="Judge as of this time, ISO 8601 with an offset. Else: the last event's."),
    ] = None,
    as_reported: Annotated[
        bool, typer.Option("--as-reported", help="Say what a live engine said, corrections included.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Outcomes; .gz compresses. Else stdout."),
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="End with 0 though lines could not be read.")
    ] = False,
    movements: Annotated[
        bool, typer.Option("--movements", help="Also say clock_started, paused and resumed.")
    ] = False,
    open_on_first_event: Annotated[
        bool, typer.Option("--open-on-first-event", help="Any first event opens an escalation.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The summary as JSON; on stderr unless -o.")] = False,
) -> None:
    """Judge recorded events without Kafka.

    The same core as the worker's. All events of an escalation are sorted and judged with everything known, so
    that nothing is corrected; --as-reported takes them in the order of arrival (recordedtime where there
    is one, else the order of lines). Outcomes come as JSON Lines in (time, subject, id) order, the same bytes
    each time. Events after --until are counted and ignored. Ends with 1 if a line could not be read.

    \b
    Examples:
      vigil replay events.jsonl.gz --policies policies -o outcomes.jsonl
      vigil replay monday.jsonl tuesday.jsonl -p policies --until 2026-03-03T00:00:00Z --json -o /dev/null
      vigil import github-status log.jsonl | vigil replay - -p policies --as-reported > said.jsonl
    """
    from engine.cli.output import Notes, progress
    from engine.core.decide import Options
    from engine.policies import load
    from engine.replay.files import writing
    from engine.replay.replaying import Hearing, Replay, Wish

    wish = Wish(
        until=_instant(until),
        as_reported=as_reported,
        options=Options(open_on_first_event=open_on_first_event, say_movements=movements),
    )
    book = load(policies)
    rejected, refused = Notes(), Notes()
    with progress("judging", None) as judged, writing(output) as out:
        hearing = Hearing(
            rejected=lambda line: rejected.add(str(line)),
            refused=lambda subject, fact, why: refused.add(
                f"{subject}: {why.reason}: {fact.source} {fact.id} {why.detail}".rstrip()
            ),
            judged=judged,
        )
        replay = Replay(book, wish, hearing)
        for line in replay.run(_lines(events)):
            out.write(line)
    _report(replay, json, to_stdout=output is not None)
    if replay.counts.rejected and not lenient:
        raise typer.Exit(ExitCode.FOUND)


def _instant(text: str | None) -> "Instant | None":
    from engine.core.instants import parse_instant

    try:
        return None if text is None else parse_instant(text)
    except ValueError as error:
        raise Failure(f"--until {text}: {error}", ExitCode.USAGE, "such as 2026-03-03T00:00:00Z") from None


def _lines(files: list[str]) -> Iterator[tuple[str, bytes]]:
    from engine.cli.output import progress
    from engine.replay.files import STANDARD, read_lines, size

    sizes = [size(file) for file in files]
    with progress("reading", None if STANDARD in files else sum(filter(None, sizes))) as advance:
        for file in files:
            for number, line in read_lines(file, advance):
                yield f"{file}:{number}", line


def _report(replay: "Replay", json: bool, *, to_stdout: bool) -> None:
    from engine.cli.output import people, say, say_json, table
    from engine.core.instants import format_instant

    counts, tally = replay.counts, replay.tally
    columns, rows = tally.rows()
    summary: dict[str, object] = {
        "events": counts.events,
        "escalations": len(counts.subjects),
        "outcomes": tally.outcomes,
        "until": format_instant(replay.until),
        "after_until": counts.after_until,
        "ignored": dict(sorted(counts.ignored.items())),
        "unknown_fields": dict(sorted(counts.unknown_fields.items())),
        "unreadable": counts.rejected,
        "counts": replay.judged,
    }
    if json:
        cells = [dict(zip(columns, row, strict=True)) for row in rows]
        say_json({**summary, "verdicts": cells}, error=not to_stdout)
        return
    for name, value in summary.items():
        if isinstance(value, dict):
            for reason, number in value.items():
                prefix = "unknown field " if name == "unknown_fields" else ""
                say(f"{prefix}{reason.replace('_', ' ')}: {number:,}")
        elif value:
            say(f"{name.replace('_', ' ')}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
    if rows:
        people().print(table("Verdicts", columns, rows))
