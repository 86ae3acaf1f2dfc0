"""`vigil archive`: outcomes and facts in SQL, and what an operator does with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.exits import ExitCode, Failure, ends_when_told
from engine.cli.options import Brokers, Json, LogFormat, MetricsPort, Policies

if TYPE_CHECKING:
    from engine.archive.archive import Archive, Write
    from engine.archive.reading import Topics

app = typer.Typer(help="Keep outcomes and facts in SQL, and look after them.", no_args_is_help=True)

Url = Annotated[
    str | None,
    typer.Option("--archive", metavar="URL", help="Instead of VIGIL_ARCHIVE_URL.", show_default=False),
]

_AT_ONCE = 5_000
"""Records that a rebuild takes together."""


@app.command("run")
@ends_when_told()
def run(
    archive: Url = None,
    bootstrap_servers: Brokers = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
) -> None:
    """Follow the topics into the database until stopped.

    Rows and offsets are in one transaction, so whatever happens nothing is lost or doubled. A database or a
    broker that is away is waited for. SIGTERM writes what was fetched, and ends.

    \b
    Exit codes:
      0   stopped by SIGTERM or SIGINT
      69  no broker, or no database, at start in VIGIL_START_TIMEOUT seconds
      78  settings, the schema or a topic are refused: the message says what to do

    \b
    Examples:
      vigil archive run
      vigil archive run --archive postgresql://vigil@db/vigil
      VIGIL_ARCHIVE_URL_FILE=/run/secrets/archive vigil archive run --metrics-port 9465
    """
    from engine.cli.archiving import archived, follow
    from engine.cli.inputs import settings_with
    from engine.sql.following import TopicMadeAnew
    from engine.stream.logs import configure

    settings = settings_with(
        bootstrap_servers=bootstrap_servers,
        metrics_port=metrics_port,
        log_format=log_format,
        archive_url=archive,
    )
    configure(settings.log_format, settings.log_level)
    try:
        follow(settings, archived(settings))
    except TopicMadeAnew as error:
        hint = "`vigil archive rebuild --keep` reads the topics anew, beside what the archive has"
        raise Failure(str(error), ExitCode.REFUSED, hint) from None


@app.command("load")
def load(
    events: Annotated[
        list[str], typer.Argument(metavar="EVENTS", help="CloudEvents JSON Lines: plain, .gz, or -.")
    ],
    policies: Policies,
    archive: Url = None,
    until: Annotated[str | None, typer.Option(help="Judge up to this time. Else: the last event's.")] = None,
    json: Json = False,
) -> None:
    """Archive recorded events without Kafka, judged as `vigil replay` does.

    The same events again change nothing. Ends with 1 if a line could not be read.

    \b
    Examples:
      vigil archive load events.jsonl.gz -p policies --archive sqlite:///vigil.db
      vigil import github-status log.jsonl | vigil archive load - -p policies
    """
    from engine.cli.accounts import Asked
    from engine.cli.drawing import many
    from engine.cli.output import say, say_json
    from engine.cli.replayed_archive import fill

    asked = Asked(events, policies, None, until)
    with opened(archive) as into:
        new = fill(into, asked)
    if json:
        say_json({**new._asdict(), "unreadable": asked.unreadable})
    else:
        facts, outcomes = many(new.facts, "fact", "facts"), many(new.outcomes, "outcome", "outcomes")
        say(f"new or changed: {facts}, {outcomes}")
    if asked.unreadable:
        raise typer.Exit(ExitCode.FOUND)


@app.command("export")
def export(
    archive: Url = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Events; .gz compresses. Else stdout."),
    ] = None,
) -> None:
    """Write the events that the archive holds, as `vigil send` and `vigil replay` read them.

    One escalation after the other. What was pruned is missing, and what was erased is erased. Events of
    incidents come as those of tickets, which mean the same.

    \b
    Examples:
      vigil archive export -o events.jsonl.gz
      vigil archive export | vigil send -
    """
    from engine.archive.export import lines
    from engine.cli.drawing import many
    from engine.cli.output import say
    from engine.replay.files import writing

    written = 0
    with opened(archive, must_exist=True, only_reads=True) as one, writing(output) as out:
        for line in lines(one.accounts()):
            out.write(line)
            written += 1
    say(f"written: {many(written, 'event', 'events')}")


@app.command("rebuild")
def rebuild(
    archive: Url = None,
    bootstrap_servers: Brokers = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what the topics no more have, and derive it anew.")
    ] = False,
    json: Json = False,
) -> None:
    """Read the topics from their beginning and make the archive anew.

    In one transaction: until it is done, readers see the archive as it was, and an
    interruption leaves it so. What was erased or pruned stays so. Refused without
    --keep where the topics have lost records, or are other ones than those that were
    read: what they have no more would be lost here, too.

    \b
    Examples:
      vigil archive rebuild
      vigil archive rebuild --keep       # a retention is over, or a topic was made anew
    """
    from engine.cli.archiving import archived, records
    from engine.cli.inputs import settings_at
    from engine.cli.output import say, say_json

    settings = settings_at(bootstrap_servers)
    topics = archived(settings)
    with opened(archive) as into:
        read = records(settings, topics, None if keep else into)
        with into.rebuilding(keep=keep) as write:
            found = _rebuild(read, topics, write)
    if json:
        say_json(found)
    else:
        say(", ".join(f"{name}: {number:,}" for name, number in found.items()))


def _rebuild(records: Iterator[Any], topics: "Topics", write: "Write") -> dict[str, int]:
    """Write all records; how many facts, outcomes and skipped records there were."""
    from engine.archive.reading import read
    from engine.contract.codec import Received
    from engine.core.outcomes import Outcome
    from engine.sql.offsets import Advance

    found = {"facts": 0, "outcomes": 0, "skipped": 0}
    stands: dict[tuple[str, int], int] = {}
    while some := list(islice(records, _AT_ONCE)):
        said = [read(record, topics) for record in some]
        happened = [one for one in said if isinstance(one, Received)]
        outcomes = [one for one in said if isinstance(one, Outcome)]
        ends = {(record.topic, record.partition): record.offset + 1 for record in some}
        write(happened, outcomes, [Advance(*one, stands.get(one, 0), end) for one, end in ends.items()])
        stands |= ends
        found["facts"] += len(happened)
        found["outcomes"] += len(outcomes)
        found["skipped"] += len(some) - len(happened) - len(outcomes)
    return found


@app.command("upgrade")
def upgrade(archive: Url = None, json: Json = False) -> None:
    """Bring the schema to this release's version, and make an archive where there is none; so does `run`.

    \b
    Examples:
      vigil archive upgrade
      vigil archive upgrade --archive postgresql://owner@db/vigil
    """
    from engine.cli.databases import tell_upgrade

    with opened(archive, upgrade=False) as one:
        before, after = one.upgrade()
    tell_upgrade(before, after, as_json=json)


@app.command("check")
def check(archive: Url = None, json: Json = False) -> None:
    """What the archive holds, and whether its schema is this release's; ends with 1 if it is older.

    \b
    Examples:
      vigil archive check
      vigil archive check --json
    """
    from engine.cli.output import people, say_json, table

    with opened(archive, upgrade=False, must_exist=True, only_reads=True) as one:
        found = one.state()
    if json:
        say_json(found._asdict())
    else:
        rows = [(name.replace("_", " "), str(value)) for name, value in found._asdict().items()]
        people().print(table("Archive", ("what", "is"), rows))
    if found.schema != found.newest:
        raise typer.Exit(ExitCode.FOUND)


@app.command("forget")
def forget(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's id.")],
    archive: Url = None,
    json: Json = False,
) -> None:
    """Erase the personal data of a customer, for good.

    Its id becomes a pseudonym; its name, titles, texts and reporters go, in all its
    escalations and in whatever of them is read later. What stays, and why:
    docs/archive.md. Kafka keeps its own copy for the topics' retention.

    \b
    Examples:
      vigil archive forget acme
    """
    from engine.cli.databases import tell_forgotten
    from engine.cli.inputs import customer_id, now
    from engine.cli.output import say_json

    with opened(archive, must_exist=True) as one:
        done = one.forget(customer_id(customer), now())
    if json:
        say_json(done._asdict())
    else:
        tell_forgotten(done.subjects, done.pseudonym, done.overwritten)


@app.command("prune")
def prune(
    before: Annotated[str, typer.Option(help="ISO 8601 with an offset.")],
    archive: Url = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    json: Json = False,
) -> None:
    """Remove the escalations that ended before a time.

    Whole ones: resolved, closed, cancelled or merged, with no later fact or outcome.
    They do not come back when the topics are read again.

    \b
    Examples:
      vigil archive prune --before 2024-01-01T00:00:00Z --dry-run
    """
    from engine.archive.archive import Pruned
    from engine.cli.databases import NOT_GIVEN_BACK
    from engine.cli.drawing import many
    from engine.cli.inputs import instant, now
    from engine.cli.output import say, say_json

    at = instant("--before", before)
    with opened(archive, must_exist=True) as one:
        done = Pruned(len(one.prunable(at)), False) if dry_run else one.prune(at, now())
    if json:
        say_json({"escalations": done.escalations, "removed": not dry_run, "given_back": done.given_back})
        return
    which = many(done.escalations, "escalation", "escalations")
    say(f"{which} {'would be' if dry_run else 'is' if done.escalations == 1 else 'are'} removed")
    if not (dry_run or done.given_back):
        say(NOT_GIVEN_BACK)


@contextmanager
def opened(
    url: str | None, *, upgrade: bool = True, must_exist: bool = False, only_reads: bool = False
) -> "Iterator[Archive]":
    """The archive that an option names, or the settings; its schema brought up to date, or left as it is.
    Failure where there can be none, or must be one and is none."""
    from engine.archive.archive import Archive
    from engine.cli.databases import reached
    from engine.settings import Settings
    from engine.sql.database import connect

    url = Settings().archive_url.get_secret_value() if url is None else url
    there = "the one that `vigil archive run` or `load` fills"
    with (
        reached("is the database there, and an archive?", there),
        Archive.open(url, must_exist=must_exist, only_reads=only_reads)
        if upgrade
        else Archive(connect(url, must_exist=must_exist, only_reads=only_reads)) as archive,
    ):
        yield archive
