"""The entry point `vigil`: parses the command line, runs one command, turns known errors into one line.

How to add a command: see `engine/cli/commands.py`.
"""

import sys
from io import TextIOWrapper
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

        typer.echo(f"vigil {version('vigil-sla')}")
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


def main() -> None:
    """Run the command line; never returns."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may lack a sign; no verdict is lost for it
    try:
        app(prog_name="vigil")
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
