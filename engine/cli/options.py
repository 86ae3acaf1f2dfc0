"""Options that commands of several groups take alike: one spelling, one help."""

from pathlib import Path
from typing import Annotated

import typer

Brokers = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", "-b", help="host:port of the brokers, separated by commas."),
]
_POLICIES = typer.Option(
    "--policies", "-p", envvar="VIGIL_POLICIES", help="Folder of policy and calendar files."
)
Policies = Annotated[Path, _POLICIES]
OptionalPolicies = Annotated[Path | None, _POLICIES]
OpenOnFirstEvent = Annotated[
    bool,
    typer.Option(
        "--open-on-first-event",
        envvar="VIGIL_OPEN_ON_FIRST_EVENT",
        help="Any first event opens an escalation.",
    ),
]
MetricsPort = Annotated[int | None, typer.Option(help="Port of /metrics, /ready and /live; 0: any.")]
LogFormat = Annotated[str | None, typer.Option(help="json or console.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
