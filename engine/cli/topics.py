"""`vigil topics create | check | acls | strimzi`: the topics that the engine lives on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Json

if TYPE_CHECKING:
    from engine.settings import Settings

app = typer.Typer(help="Create the topics, or check that they are as they must be.", no_args_is_help=True)

Shadow = Annotated[
    Path | None,
    typer.Option("--shadow", metavar="DIR", help="Those of `vigil worker --shadow DIR`.", show_default=False),
]
Cluster = Annotated[str, typer.Option("--cluster", metavar="NAME", help="The name of the Kafka resource.")]
Partitions = Annotated[
    int | None, typer.Option("--partitions", min=1, help="Instead of VIGIL_PARTITIONS.", show_default=False)
]
Replication = Annotated[
    int | None,
    typer.Option(
        "--replication-factor", min=1, help="Instead of VIGIL_REPLICATION_FACTOR.", show_default=False
    ),
]
Retention = Annotated[
    int | None,
    typer.Option(
        "--retention-days",
        min=-1,
        show_default=False,
        help="For all but the changelog; -1 keeps records forever.",
    ),
]


@app.command("create")
def create(
    partitions: Partitions = None,
    replication_factor: Replication = None,
    retention_days: Retention = None,
    shadow: Shadow = None,
    json: Json = False,
) -> None:
    """Create the topics that are missing; what exists is left as it is.

    \b
    Examples:
      vigil topics create
      VIGIL_ENV=dev vigil topics create --partitions 4 --replication-factor 1
      vigil topics create --retention-days -1     # before a backfill of old events
    """
    from engine.cli.output import say, say_json
    from engine.stream import topics

    settings = _settings(shadow)
    if settings.shadow is not None and partitions is None:
        with broker_errors():  # a shadow's topics are as those of the deployment beside it
            partitions = topics.partitions_of(settings, settings.tickets_topic)
    chosen = {"partitions": partitions, "replication_factor": replication_factor}
    settings = settings.model_copy(
        update={name: value for name, value in chosen.items() if value is not None}
    )
    if settings.replication_factor == 1 and settings.env != "dev":
        raise Failure(
            "replication factor 1 loses everything with one disk; it is refused outside development",
            ExitCode.REFUSED,
            "set VIGIL_ENV=dev, or VIGIL_REPLICATION_FACTOR=3",
        )
    retention = retention_days
    if retention is not None and retention != topics.FOREVER:
        retention *= topics.DAY_MS
    with broker_errors():
        made = topics.create(settings, retention)
    if json:
        say_json({"created": [name for name, new in made.items() if new], "topics": list(made)})
        return
    for name, new in made.items():
        say(f"{'created' if new else 'exists '}  {name}")


@app.command("acls")
def acls(shadow: Shadow = None) -> None:
    """Print the commands that grant each process the least it needs, as a shell script.

    One principal a process, APP_ID-worker, APP_ID-console and so on, for the names in the settings. Nothing
    is asked of a broker; docs/security.md says how to set one up for it.

    \b
    Examples:
      vigil topics acls > acls.sh
      KAFKA_ACLS="kafka-acls.sh --bootstrap-server b:9093 --command-config admin.properties" sh acls.sh
    """
    from engine.stream.rights import script

    typer.echo(script(_settings(shadow)), nl=False)


@app.command("strimzi")
def strimzi(cluster: Cluster = "kafka", shadow: Shadow = None) -> None:
    """Print the topics and the users as resources of Strimzi: KafkaTopic and KafkaUser.

    Strimzi then makes the topics, their settings, a password for each process and its ACLs; `topics create`
    and `topics acls` are not needed. Nothing is asked of a broker.

    \b
    Examples:
      vigil topics strimzi --cluster my-cluster | kubectl apply -n kafka -f -
    """
    from engine.stream.strimzi import topics, users

    settings = _settings(shadow)
    typer.echo(topics(settings, cluster) + users(settings, cluster), nl=False)


@app.command("check")
def check(shadow: Shadow = None, json: Json = False) -> None:
    """Compare the topics with what the engine needs; ends with 1 where something differs.

    \b
    Examples:
      vigil topics check
      vigil topics check --json | jq '.differences[] | select(.refused)'
    """
    from engine.cli.output import people, say, say_json, table
    from engine.stream import topics

    settings = _settings(shadow)
    with broker_errors():
        found = topics.check(settings)
    if json:
        say_json({"ok": not found, "differences": [difference._asdict() for difference in found]})
    elif not found:
        say(f"all {len(settings.all_topics)} topics are as they must be")
    else:
        rows = [(d.topic, d.what, d.expected, d.found, "refused" if d.refused else "advice") for d in found]
        people().print(table("Topics", ("topic", "what", "expected", "found", ""), rows))
        for difference in found:
            say(f"{difference.topic}: {difference.remedy}")
    if found:
        raise typer.Exit(ExitCode.FOUND)


def _settings(shadow: Path | None) -> "Settings":
    from engine.settings import Settings

    return Settings() if shadow is None else Settings(shadow=shadow)


@contextmanager
def broker_errors() -> Iterator[None]:
    """A broker that is away, or does not let us in, as one line with what to do."""
    from engine.stream.checks import Refused, Unreachable

    try:
        yield
    except Refused as error:
        raise Failure(f"{error.name}: {error.message}", ExitCode.REFUSED, error.hint) from None
    except Unreachable as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from None
