"""`vigil import FORMAT FILE`: another system's log in, CloudEvents JSON Lines out."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.exits import ExitCode, Failure

app = typer.Typer(help="Turn other systems' logs into CloudEvents JSON Lines.", no_args_is_help=True)

File = Annotated[str, typer.Argument(metavar="FILE", help="The log: plain, .gz, or - for standard input.")]
Output = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT", help="Where to write; .gz compresses. Else stdout."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 if anything had to be left out.")]
Problems = Annotated[
    Path | None,
    typer.Option(
        "--problems", metavar="OUT", help="Write every note on a line as JSON Lines; stderr shows 20."
    ),
]


@app.command("uci-servicenow")
def uci_servicenow(
    file: File, output: Output = None, strict: Strict = False, problems: Problems = None
) -> None:
    """The ServiceNow incident log of the UCI repository (dataset 498), a CSV file.

    Times are taken as UTC: the log names no zone. Every row becomes at least one event. A row of state -100
    keeps the state before it and is reported.

    \b
    Examples:
      vigil import uci-servicenow incident_event_log.csv -o uci.jsonl.gz
      vigil import uci-servicenow log.csv.gz | vigil replay - --policies policies
    """
    _run("uci-servicenow", file, output, strict, problems)


@app.command("github-status")
def github_status(
    file: File, output: Output = None, strict: Strict = False, problems: Problems = None
) -> None:
    """GitHub's status-page incidents with their updates (mrshu/github-statuses), JSON Lines.

    Every update is an update to the customers; impact is the severity: critical P0, major P1, minor P2,
    none and maintenance P3.

    \b
    Examples:
      vigil import github-status incidents.jsonl -o github.jsonl
      vigil import github-status - < incidents.jsonl | vigil replay - --policies policies
    """
    _run("github-status", file, output, strict, problems)


def _run(name: str, file: str, output: str | None, strict: bool, problems: Path | None) -> None:
    from engine.cli.drawing import many
    from engine.cli.output import Notes, progress, say, write_json_lines
    from engine.replay.files import read_lines, size, writing
    from engine.replay.importers import Note
    from engine.replay.importers.formats import FORMATS

    found: list[Note] = []
    shown = Notes()

    def report(note: Note) -> None:
        found.append(note)
        shown.add(f"{file}: {note}")

    with progress(f"reading {file}", size(file)) as advance:
        events = sorted(FORMATS[name](read_lines(file, advance), report), key=lambda event: event.order)
    if found and not events:
        raise Failure(f"{file}: no line of it can be read as {name}", ExitCode.FOUND, "nothing is written")
    with writing(output) as out, progress("writing", len(events)) as advance:
        for event in events:
            out.write(event.line())
            advance(1)
    if problems is not None:
        write_json_lines(problems, ({"file": file, **note._asdict()} for note in found))
    left_out = sum(note.left_out for note in found)
    subjects = len({event.subject for event in events})
    say(f"{many(len(events), 'event', 'events')} of {many(subjects, 'subject', 'subjects')}")
    noted = many(len(found) - left_out, "line", "lines")
    say(f"{many(left_out, 'line', 'lines')} left out, {noted} taken with a note")
    if strict and left_out:
        raise typer.Exit(ExitCode.FOUND)
