"""Options that commands of several groups take alike: one spelling, one help."""

from pathlib import Path
from typing import Annotated

import typer

Brokers = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", "-b", help="host:port of the brokers, separated by commas."),
]
Policies = Annotated[Path, typer.Option("--policies", "-p", help="Folder of policy and calendar files.")]
OptionalPolicies = Annotated[
    Path | None, typer.Option("--policies", "-p", help="Folder of policy and calendar files.")
]
OpenOnFirstEvent = Annotated[
    bool, typer.Option("--open-on-first-event", help="Any first event opens an escalation.")
]
MetricsPort = Annotated[int | None, typer.Option(help="Port of /metrics, /ready and /live; 0: any.")]
LogFormat = Annotated[str | None, typer.Option(help="json or console.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
