"""`vigil replay`: recorded events in, outcomes out, no Kafka."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import OpenOnFirstEvent, Policies

if TYPE_CHECKING:
    from engine.replay.replaying import Replay, Wish


def command(
    events: Annotated[
        list[str],
        typer.Argument(metavar="EVENTS", help="CloudEvents JSON Lines: plain, .gz, or - for stdin."),
    ],
    policies: Policies,
    until: Annotated[
        str | None,
        typer.Option(help="Judge as of this time, ISO 8601 with an offset. Else: the last event's."),
    ] = None,
    as_reported: Annotated[
        bool, typer.Option("--as-reported", help="Say what a live engine said, corrections included.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option(help="As reported at this time: only what had been recorded by then."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="With --as-of: beside it what is now known of that time.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Outcomes; .gz compresses. Else stdout."),
    ] = None,
    differences: Annotated[
        str | None,
        typer.Option(
            "--differences", "-d", metavar="FILE", help="With --compare: every difference, as JSON Lines."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="With --compare: differences to show.")] = 20,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="End with 0 though lines could not be read.")
    ] = False,
    movements: Annotated[
        bool,
        typer.Option(
            "--movements", envvar="VIGIL_SAY_MOVEMENTS", help="Also say clock_started, paused and resumed."
        ),
    ] = False,
    open_on_first_event: OpenOnFirstEvent = False,
    pace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="VIGIL_PACE",
            help="Also warn by what `vigil pace learn` wrote to this file.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="The summary as JSON; on stderr where stdout is taken.")
    ] = False,
) -> None:
    """Judge recorded events without Kafka.

    The same core as the worker's. All events of an escalation are sorted and
    judged with everything known, so that nothing is corrected; --as-reported
    takes them in the order of arrival (recordedtime where there is one, else the
    order of lines). Outcomes come as JSON Lines in (time, subject, id) order, the
    same bytes each time. Events after --until are counted and ignored. Ends with
    1 if a line could not be read.

    --as-of TIME is what a reader of the outcomes saw then: --as-reported --until
    TIME. With --compare no outcomes are written: the verdicts of that time as
    reported and as now known are shown side by side on stdout, with each
    difference and the event that caused it. It then ends as diff does: with 1
    where they differ.

    \b
    Examples:
      vigil replay events.jsonl.gz --policies policies -o outcomes.jsonl
      vigil replay mon.jsonl tue.jsonl -p policies --until 2026-03-03T00:00:00Z
      vigil import github-status log.jsonl | vigil replay - -p policies --json
      vigil replay events.jsonl -p policies --pace pace.json -o outcomes.jsonl
      vigil replay events.jsonl -p policies --as-of 2026-04-01T00:00:00Z > then.jsonl
      vigil replay events.jsonl -p policies --as-of 2026-04-01T00:00:00Z --compare
    """
    from engine.cli.inputs import instant, pace_of
    from engine.core.decide import Options
    from engine.replay.replaying import Wish

    _refuse_contradictions(until=until, as_of=as_of, compare=compare, output=output, differences=differences)
    day = None if as_of is None else instant("--as-of", as_of)
    end = None if until is None else instant("--until", until)
    options = Options(open_on_first_event=open_on_first_event, say_movements=movements, pace=pace_of(pace))
    if compare and day is not None:
        from engine.cli.both_answers import show_both

        differ, unreadable = show_both(events, policies, day, options, differences, top, json)
    else:
        wish = Wish(end if day is None else day, as_reported or day is not None, options)
        differ, unreadable = False, _judge(events, policies, wish, output, json)
    if differ or (unreadable and not lenient):
        raise typer.Exit(ExitCode.FOUND)


def _refuse_contradictions(
    *, until: str | None, as_of: str | None, compare: bool, output: str | None, differences: str | None
) -> None:
    if as_of is not None and until is not None:
        raise Failure("--as-of and --until are two times to stop at: give one", ExitCode.USAGE)
    if compare and as_of is None:
        hint = "--as-of 2026-04-01T00:00:00Z --compare: as reported then, beside what is now known"
        raise Failure("--compare needs --as-of", ExitCode.USAGE, hint)
    if compare and output is not None:
        hint = "--differences FILE writes what differs; without --compare, -o writes what was reported"
        raise Failure("--compare writes no outcomes", ExitCode.USAGE, hint)
    if differences is not None and not compare:
        raise Failure("--differences goes with --compare", ExitCode.USAGE)


def _judge(events: list[str], policies: Path, wish: "Wish", output: str | None, json: bool) -> int:
    """Write the outcomes and report; how many lines could not be read."""
    from engine.cli.inputs import file_lines, hearing
    from engine.cli.output import progress
    from engine.policies import load
    from engine.replay.files import writing
    from engine.replay.replaying import Replay

    book = load(policies)
    with progress("judging", lambda: replay.counts.to_judge) as judged, writing(output) as out:
        replay = Replay(book, wish, hearing(judged))
        for line in replay.run(file_lines(events)):
            out.write(line)
    _report(replay, json, to_stdout=output is not None)
    return replay.counts.rejected


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
                said = f"unknown field {reason}" if name == "unknown_fields" else reason.replace("_", " ")
                say(f"{said}: {number:,}")
        elif name == "until" and not counts.events:
            continue  # nothing has a time
        elif value or name == "events":
            say(f"{name.replace('_', ' ')}: {value:,}" if isinstance(value, int) else f"{name}: {value}")
    if rows:
        people().print(table("Verdicts", columns, rows))
