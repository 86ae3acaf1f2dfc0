"""`vigil intake`: webhooks in, events out."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.exits import ExitCode, Failure, ends_when_told
from engine.cli.options import Brokers, Json

app = typer.Typer(help="Take webhooks and send their events to Kafka.")

_DOORS = Annotated[Path, typer.Option("--doors", "-d", help="YAML file of doors (docs/intake.md).")]


@app.command()
@ends_when_told()
def run(
    doors: _DOORS = Path("intake.yaml"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 8088,
    bootstrap_servers: Brokers = None,
) -> None:
    """Listen: POST /in/DOOR for each door of the file, /ready, /live and /metrics.

    Put it behind a proxy that ends TLS. What is authentic is answered when Kafka has it (2xx); what cannot
    be mapped is a dead letter and 2xx as well, so that no source switches its webhook off; Kafka away is
    503, and the source sends again: equal ids change nothing the second time.

    \b
    Exit codes:
      0   stopped by SIGTERM or SIGINT
      69  no broker, a topic is missing, or the port is taken
      78  settings, the file of doors or a topic are refused: the message says what to do

    \b
    Examples:
      vigil intake run --doors intake.yaml -b kafka:9092 --host 0.0.0.0
      ZENDESK_SECRET=… vigil intake run -d deploy/intake/intake.yaml
    """
    from engine.cli.inputs import settings_at
    from engine.cli.serving import serve
    from engine.cli.topics import broker_errors
    from engine.intake.app import application
    from engine.intake.sending import DLQ, Sender
    from engine.metrics.certificates import show_certificates
    from engine.metrics.intake import IntakeMetrics
    from engine.stream.allowed import must_be_allowed
    from engine.stream.logs import configure
    from engine.stream.rights import roles

    settings = settings_at(bootstrap_servers)
    configure(settings.log_format, settings.log_level)
    found = _doors(doors)
    with broker_errors():
        must_be_allowed(settings, roles(settings)["intake"].rights)
    topics = {"ticket": settings.tickets_topic, "incident": settings.incidents_topic, DLQ: settings.dlq_topic}
    sender = Sender(settings.client_options(), topics, ANSWER_WITHIN)
    metrics = IntakeMetrics(tuple(found))
    show_certificates(metrics.registry, settings.certificates)
    served = application(found, sender, metrics)
    wrong = f"no broker at {settings.bootstrap_servers}, a topic is missing"
    serve(served, host, port, wrong, "the log above says which; `vigil doctor` looks closer")


ANSWER_WITHIN = 4.0
"""Seconds for Kafka to acknowledge: PagerDuty gives up after five."""


@app.command()
def backfill(
    door: Annotated[str, typer.Argument(metavar="DOOR", help="A door of the file that has a `history`.")],
    doors: _DOORS = Path("intake.yaml"),
    since: Annotated[
        str | None,
        typer.Option(help="Load what happened from then on, ISO 8601 with an offset; with the first start."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="… and before this time. Else: all but the last minute.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Go on asking until stopped: instead of webhooks, or beside."),
    ] = False,
    interval: Annotated[
        float, typer.Option(min=1, help="With --follow: seconds between two times of asking.")
    ] = 60.0,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the load stands, kept by it. Else backfill-DOOR.json here, or OUTPUT.state.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="JSON Lines for `vigil replay` instead of Kafka."
        ),
    ] = None,
    bootstrap_servers: Brokers = None,
    json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Load a source's history, or close a gap: what its webhooks would have told. Zendesk and Jira.

    By the door's own mapping, under the door's name: what the webhooks told as well changes nothing. How far
    it is, is written down after Kafka has acknowledged; killed and started again it goes on from there, and
    after it has ended, from its end. What cannot be mapped is a dead letter with its reason; with --output it
    is in OUTPUT.dead.

    \b
    Exit codes:
      0   loaded, or stopped by SIGTERM or SIGINT
      1   the source answers what is none of its pages: the message says where
      69  the source, or Kafka, does not answer: start it again later
      78  refused: the file, the credentials, the query, or the state of another load

    \b
    Examples:
      vigil intake backfill acme --since 2026-01-01T00:00:00Z
      vigil intake backfill acme --since 2026-03-02T10:00:00Z --until 2026-03-02T12:00:00Z --state gap.json
      vigil intake backfill acme --follow
      vigil intake backfill acme --since 2026-01-01T00:00:00Z -o acme.jsonl
      vigil replay acme.jsonl --policies policies
    """
    from engine.cli.backfilling import Wish, load
    from engine.cli.inputs import instant, settings_at
    from engine.cli.output import say_json
    from engine.stream.logs import configure

    settings = settings_at(bootstrap_servers)
    configure(settings.log_format, settings.log_level)
    wish = Wish(
        since=None if since is None else instant("--since", since),
        until=None if until is None else instant("--until", until),
        interval=interval if follow else None,
        state=state,
        output=output,
    )
    summary = load(settings, _one_door(door, doors), wish)
    if json:
        say_json(summary)


@app.command("test")
def try_payload(
    door: Annotated[
        str,
        typer.Argument(metavar="DOOR", help="A door of the file, or a source's name for its own mapping."),
    ],
    payload: Annotated[Path, typer.Argument(metavar="PAYLOAD", help="The body of a webhook; - reads stdin.")],
    doors: Annotated[
        Path | None,
        typer.Option("--doors", "-d", help="YAML file of doors; without it the shipped mappings."),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", help="NAME: VALUE of the request.")
    ] = None,
) -> None:
    """Show which events a payload becomes, as CloudEvents JSON lines; nothing is sent, no signature needed.

    \b
    Exit codes:
      0  its events are shown
      1  it, or an alert of its group, stands for no event: the reason and the place in the payload are said

    \b
    Examples:
      vigil intake test zendesk payload.json
      vigil intake test acme payload.json --doors intake.yaml | vigil replay - --policies policies/
    """
    import sys

    from engine.cli.inputs import now
    from engine.intake.arrival import Arrival, NotMapped
    from engine.intake.records import lines_of

    body = sys.stdin.buffer.read() if str(payload) == "-" else payload.read_bytes()
    headers = dict(_header(one) for one in header or [])
    one = _one_door(door, doors, secrets=False)
    wrong: list[NotMapped] = []
    for arrival in one.source.apart(Arrival(body, headers, now())):
        try:
            for line in lines_of(one.source.translate(arrival, one.mapping), one.name, arrival):
                typer.echo(line)
        except NotMapped as why:
            wrong.append(why)
    if wrong:
        first = wrong[0]
        hint = "ignored: of a kind that is not for us" if first.ignored else "it would be a dead letter"
        raise Failure(f"{first.reason}: {first}", ExitCode.FOUND, hint)


@app.command()
def openapi(
    doors: Annotated[
        Path | None,
        typer.Option("--doors", "-d", help="YAML file of doors; without it a door a source, by its name."),
    ] = None,
) -> None:
    """Print the OpenAPI 3.1 document of the doors: bodies, headers, keys, answers. It is not served.

    \b
    Examples:
      vigil intake openapi > openapi.json
      vigil intake openapi --doors intake.yaml | jq '.paths | keys'
    """
    from engine.cli.output import say_json
    from engine.intake.configuration import shipped
    from engine.intake.openapi import document
    from engine.intake.sources import SOURCES

    known = (
        {name: shipped(source) for name, source in SOURCES.items()}
        if doors is None
        else _doors(doors, secrets=False)
    )
    say_json(document(known))


keys = typer.Typer(help="API keys, for sources that sign nothing.", no_args_is_help=True)
app.add_typer(keys, name="key")


@keys.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: logs and limits go by it.")],
    json: Json = False,
) -> None:
    """Make a key: it is shown once, for its owner, with the line for the door that has only its hash.

    To change a key, put the new line beside the old one under the same name; take the old one out when its
    owner has the new key.

    \b
    Examples:
      vigil intake key new checkout
      vigil intake key new checkout --json | jq -r .key > checkout.key
    """
    from engine.cli.output import say_json
    from engine.intake.keys import NAME, hash_of, new_key

    if not re.fullmatch(NAME, name):
        expected = "expected letters, digits, dots, - and _, at most 60"
        raise Failure(f"{name!r}: {expected}", ExitCode.USAGE)
    key = new_key()
    if json:
        say_json({"name": name, "key": key, "hash": hash_of(key)})
        return
    typer.echo(f"{key}\n")
    shown = name if name[0].isalpha() and name not in ("true", "false") else f'"{name}"'  # YAML: no number
    typer.echo(f'keys:\n  - {{name: {shown}, hash: "{hash_of(key)}"}}')


def _doors(file: Path, *, secrets: bool = True) -> Any:
    from engine.intake.configuration import doors

    return doors(file, secrets=secrets)


def _one_door(name: str, file: Path | None, *, secrets: bool = True) -> Any:
    from engine.intake.configuration import shipped
    from engine.intake.sources import SOURCES

    known = SOURCES if file is None else _doors(file, secrets=secrets)
    if name not in known:
        what = "source" if file is None else f"door of {file}"
        raise Failure(f"{name!r} is no {what}; there are {', '.join(sorted(known))}", ExitCode.USAGE)
    return shipped(SOURCES[name]) if file is None else known[name]


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise Failure(f"--header {text!r}: expected NAME: VALUE", ExitCode.USAGE)
    return name.strip().lower(), value.strip().encode().decode("latin-1")  # as a server hands it on
