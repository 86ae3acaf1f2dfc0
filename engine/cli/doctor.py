"""`vigil doctor`: looks at settings, policies, databases, sign-in, broker and workers; says what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.findings import Finding
from engine.cli.options import Json

if TYPE_CHECKING:
    from engine.settings import Settings

Worker = Annotated[
    str | None,
    typer.Option(help="Address of a worker's endpoints, as http://HOST:PORT; else this machine's is tried."),
]
Role = Annotated[
    str | None,
    typer.Option(
        help="As whom to look: worker, console, … Else: by the principal's name, else as the worker."
    ),
]
Timeout = Annotated[float, typer.Option(min=0.5, max=60, help="Seconds to wait for each answer.")]


def command(worker: Worker = None, role: Role = None, timeout: Timeout = 5.0, json: Json = False) -> None:
    """Check settings, policies, broker and topics.

    Reads the same settings as a worker, changes nothing, and says for each finding what to do. Run with the
    settings of another process it looks for that one's rights.

    \b
    Exit codes:
      0   nothing failed (there may be warnings)
      1   something failed that keeps no worker from starting
      69  the broker cannot be reached
      78  a worker, notify or the console would refuse to start

    \b
    Examples:
      vigil doctor
      vigil doctor --worker http://vigil-0:9464
      VIGIL_BOOTSTRAP_SERVERS=kafka:9092 vigil doctor --json
    """
    from engine.cli.findings import as_json, exit_code, line
    from engine.cli.output import say_json

    findings = []
    if json:
        findings = list(examine(worker, timeout, role))
        code = exit_code(findings)
        say_json({"findings": [as_json(finding) for finding in findings], "exit_code": int(code)})
    else:
        from engine.cli.output import page

        console = page()
        for finding in examine(worker, timeout, role):
            console.print(line(finding), markup=True)
            findings.append(finding)
        code = exit_code(findings)
    raise typer.Exit(code)


def examine(worker: str | None, timeout: float, role: str | None = None) -> Iterator[Finding]:
    """All findings, as they are made, from this machine outwards."""
    from engine.cli.installation import examine_settings, examine_versions

    yield from examine_versions()
    findings, settings = examine_settings()
    yield from findings
    if settings is not None:
        yield from _examine_with(settings, worker, timeout, role)


def _examine_with(
    settings: "Settings", worker: str | None, timeout: float, role: str | None
) -> Iterator[Finding]:
    from engine.cli.cluster import examine_cluster, role_of
    from engine.cli.console_setup import examine_console
    from engine.cli.exits import ExitCode, Failure
    from engine.cli.findings import fail
    from engine.cli.installation import examine_pace, examine_policies, examine_templates, examine_worker
    from engine.cli.storage import examine_archive, examine_erasures, examine_notify
    from engine.stream.rights import roles

    known = roles(settings)
    if role is not None and role not in known:
        raise Failure(f"--role {role}: expected one of {', '.join(known)}", ExitCode.USAGE)
    role = role or role_of(settings)
    for check, found in (
        ("policies", examine_policies(settings)),
        ("pace", examine_pace(settings)),
        ("templates", examine_templates(settings)),
        ("archive", examine_archive(settings, timeout, role)),
        ("notify", examine_notify(settings, timeout)),
        ("erasures", examine_erasures(settings)),
        ("console", examine_console(settings)),
    ):
        try:
            yield from found
        except OSError as error:  # a file that cannot be read is found, and what comes after is looked at
            if error.filename is None:
                raise
            advice = "is it there, and may the user who runs this read it?"
            yield fail(check, f"{error.filename}: {error.strerror}", advice, ExitCode.REFUSED)
    yield from examine_cluster(settings, timeout, role)
    yield from examine_worker(worker or _here(settings), asked=worker is not None, timeout=timeout)


def _here(settings: "Settings") -> str:
    """Of this machine's worker, by the address that it listens on."""
    from engine.cli.cluster import address

    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.metrics_host, settings.metrics_host)  # noqa: S104
    return f"http://{address(host, settings.metrics_port)}"
