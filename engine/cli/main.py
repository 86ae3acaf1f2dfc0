"""The entry point `vigil`: parses the command line, runs one command, turns known errors into one line.

How to add a command: see `engine/cli/commands.py`.
"""

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from engine.cli.commands import LazyGroup
from engine.cli.exits import ExitCode, known_failure

app = typer.Typer(
    cls=LazyGroup,
    name="vigil",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        from engine.core.decide import IS_COMPILED

        typer.echo(f"vigil {version('vigil-sla')}{', its core compiled' if IS_COMPILED else ''}")
        raise typer.Exit


@app.callback()
def vigil(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Event-driven SLA and escalation engine on Kafka: every obligation is a clock.

    \b
    Start here:
      vigil demo                                 watch it work, nothing to install
      vigil replay events.jsonl --policies DIR   judge recorded events
      vigil worker                               run it on your broker
    """


def _run() -> None:
    """The command; where who reads its output is gone, as `head` soon is, it ends with NOT_READ.

    Typer and Rich end with 1 then, which is FOUND; and what is still held back is written by nobody else
    who could tell.
    """
    try:
        try:
            app(prog_name="vigil")
        finally:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as end:
        if not isinstance(end, BrokenPipeError) and not isinstance(end.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes once more
        sys.exit(ExitCode.NOT_READ)


def main() -> None:
    """Run the command line; never returns."""
    if sys.stdout is None:  # closed from the start: >&-
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  # until the end
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack a sign; no verdict is lost for it
    try:
        _run()
    except Exception as error:
        failure = known_failure(error)
        if failure is None:
            raise
        typer.secho(f"vigil: {failure.message}", err=True, fg="red" if sys.stderr.isatty() else None)
        if failure.hint:
            typer.echo(f"  {failure.hint}", err=True)
        sys.exit(failure.code)
    sys.exit(ExitCode.DONE)


if __name__ == "__main__":
    main()
