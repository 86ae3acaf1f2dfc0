"""`vigil worker`: the engine itself."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.exits import ExitCode, Failure, ends_when_told
from engine.cli.options import Brokers, LogFormat, MetricsPort, OptionalPolicies


@ends_when_told()
def command(
    bootstrap_servers: Brokers = None,
    policies: OptionalPolicies = None,
    shadow: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Judge the same events by this folder, beside the deployment."),
    ] = None,
    pace: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also warn by what `vigil pace learn` wrote to this file."),
    ] = None,
    delivery: Annotated[
        str | None, typer.Option(help="transactions (exactly once) or acknowledged (at least once).")
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="real, scaled or events (for backfills of history).")
    ] = None,
    app_id: Annotated[str | None, typer.Option(help="Consumer group and name of this deployment.")] = None,
    instance_id: Annotated[
        str | None, typer.Option(help="Static membership: this worker's own name, the same at every start.")
    ] = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
) -> None:
    """Consume ticket and incident events and say the SLA outcomes.

    Every setting is a variable VIGIL_…; the options here overrule the most common ones. To scale, start more
    workers with the same --app-id: Kafka spreads the partitions. SIGTERM drains and leaves the group.

    \b
    Exit codes:
      0   stopped by SIGTERM or SIGINT, everything committed
      69  no broker could be reached in VIGIL_START_TIMEOUT seconds
      70  in doubt about its last write: start it again (a supervisor should)
      78  settings, policies, topics or credentials are refused: the message says what to do

    \b
    Examples:
      vigil worker -b localhost:9092 -p policies/
      VIGIL_ENV=dev vigil worker --log-format console
      VIGIL_SECURITY_PROTOCOL=SASL_SSL VIGIL_SASL_USERNAME=vigil \\
        VIGIL_SASL_PASSWORD_FILE=/run/secrets/kafka vigil worker
      vigil worker --clock events          # history: judged by the events' own time
      vigil worker --shadow proposed/      # outcomes to vigil.outcomes.v1.shadow
    """
    from engine.cli.inputs import pace_of, settings_with
    from engine.policies import load
    from engine.stream.checks import Refused, Unreachable
    from engine.stream.logs import configure
    from engine.stream.worker import main

    settings = settings_with(
        bootstrap_servers=bootstrap_servers,
        policies=policies,
        shadow=shadow,
        pace=pace,
        delivery=delivery,
        clock=clock,
        app_id=app_id,
        instance_id=instance_id,
        metrics_port=metrics_port,
        log_format=log_format,
    )
    configure(settings.log_format, settings.log_level)
    book = load(settings.policies)
    try:
        pace_table = pace_of(settings.pace)
    except OSError as error:
        raise Failure(f"VIGIL_PACE: {settings.pace}: {error.strerror}", ExitCode.REFUSED) from error
    try:
        main(settings, book, pace=pace_table)
    except Refused as error:
        raise Failure(f"{error.name}: {error.message}", ExitCode.REFUSED, error.hint) from error
    except Unreachable as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from error
