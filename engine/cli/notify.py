"""`vigil notify`: outcomes in, alerts out, and what an operator does with them."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure, ends_when_told
from engine.cli.inputs import settings_with
from engine.cli.options import Brokers, Json, LogFormat, MetricsPort
from engine.cli.record import Config, Policies, Url, forget, opened, prune, reread, upgrade

if TYPE_CHECKING:
    from engine.notify.routing import Matchers

app = typer.Typer(help="Turn outcomes into alerts, and look after them.", no_args_is_help=True)
silences = typer.Typer(help="Hold back alerts for a while.", no_args_is_help=True)
letters = typer.Typer(help="What receivers refused.", no_args_is_help=True)
app.add_typer(silences, name="silence")
app.add_typer(letters, name="dead")


@app.command("run")
@ends_when_told()
def run(
    config: Config = None,
    record: Url = None,
    policies: Policies = None,
    bootstrap_servers: Brokers = None,
    metrics_port: MetricsPort = None,
    log_format: LogFormat = None,
) -> None:
    """Follow the outcomes and tell the receivers, until stopped.

    What is told, and how far the topic is read, is in the delivery record: after kill -9 it goes on, and what
    may have arrived is sent again with the same key. A second process on the same record waits, and takes
    over. SIGTERM ends what is being sent, and then itself.

    \b
    Exit codes:
      0   stopped by SIGTERM or SIGINT
      69  no broker, or no database, at start in VIGIL_START_TIMEOUT seconds
      70  the database has let go of our lock: start it again
      78  settings, the file, or a topic are refused: the message says what to do

    \b
    Examples:
      vigil notify run
      vigil notify run --config notify.yaml --record postgresql://vigil@db/vigil
    """
    from engine.cli.notifying import notify
    from engine.stream.logs import configure

    settings = settings_with(
        notify_config=config,
        notify_url=record,
        policies=policies,
        bootstrap_servers=bootstrap_servers,
        metrics_port=metrics_port,
        log_format=log_format,
    )
    configure(settings.log_format, settings.log_level)
    notify(settings)


@app.command("check")
def check(config: Config = None, policies: Policies = None, json: Json = False) -> None:
    """Read the file, its secrets and calendars; nothing is sent. Ends with 78 and every problem by its line.

    \b
    Examples:
      vigil notify check
      vigil notify check --config deploy/notify/notify.yaml --policies deploy/policies
    """
    from engine.cli.notifying import configured
    from engine.cli.output import people, say_json, table
    from engine.notify.configuration import NotifyErrors
    from engine.policies.problems import PolicyErrors

    try:
        said = configured(settings_with(notify_config=config, policies=policies))
    except (NotifyErrors, PolicyErrors) as error:
        if json:
            say_json({"ok": False, "problems": [problem.plain() for problem in error.problems]})
        raise
    rows = [(name, type(receiver).__name__.lower()) for name, receiver in said.receivers.items()]
    if json:
        say_json({"ok": True, "problems": [], "receivers": dict(rows)})
    else:
        people().print(table("Receivers", ("name", "kind"), rows))


@app.command("test")
def try_receiver(
    receiver: Annotated[str, typer.Argument(metavar="RECEIVER", help="Its name in the file.")],
    config: Config = None,
    policies: Policies = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing, only show the words.")] = False,
) -> None:
    """Send a receiver a sample, an alert that fires and that it is resolved, and show its words.

    \b
    Exit codes:
      0   it has them
      1   it does not, or its own wording failed: the message says why

    \b
    Examples:
      vigil notify test pager
      vigil notify test pager --dry-run
    """
    import asyncio

    from engine.cli.inputs import now
    from engine.cli.notifying import configured
    from engine.cli.output import say
    from engine.notify import sample

    said = configured(settings_with(notify_config=config, policies=policies))
    if receiver not in said.receivers:
        names = ", ".join(said.receivers)
        raise Failure(f"{receiver!r} is no receiver; there are {names}", ExitCode.USAGE)
    told, alerts = said.receivers[receiver], sample.alerts(now())
    problem = "" if dry_run else asyncio.run(sample.send(told, alerts))
    if problem:
        raise Failure(f"{receiver}: {problem}", ExitCode.FOUND)
    wording = asyncio.run(told.wording.prepare(alerts))
    for alert in alerts:
        words = wording.of(alert)
        lines = [f"{name}: {value}" for name, value in (*words.fields, *words.links)]
        say("\n".join((f"[{alert.state}] {words.title}", words.text, *lines, "")))
    if told.wording.failures:
        why = f"its own wording failed, and it was told in ours: {told.wording.why}"
        raise Failure(f"{receiver}: {why}", ExitCode.FOUND)
    say(f"{receiver} {'would be sent' if dry_run else 'has'} a sample that fired and was resolved")


app.command("forget")(forget)
app.command("prune")(prune)
app.command("reread")(reread)
app.command("upgrade")(upgrade)


@silences.command("add")
def silence_add(
    match: Annotated[
        list[str], typer.Argument(metavar="LABEL=VALUE", help="Labels of the alerts; VALUE,VALUE: any.")
    ],
    author: Annotated[str, typer.Option(help="Who silences.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    until: Annotated[str, typer.Option(help="When it ends: ISO 8601 with an offset.")],
    record: Url = None,
    json: Json = False,
) -> None:
    """Hold back alerts that match all labels, until a time.

    What fires meanwhile is told when it ends, if it fires then. What was told before is resolved all the
    same.

    \b
    Examples:
      vigil notify silence add customer=acme --author kim --reason "drill" --until 2026-03-03T18:00:00Z
      vigil notify silence add severity=P2,P3 --author kim --reason move --until 2026-03-04T00:00:00Z
    """
    from engine.cli.inputs import instant, now
    from engine.cli.output import say, say_json

    wanted, ends, at = _matchers(match), instant("--until", until), now()
    if ends <= at:
        raise Failure(f"--until {until}: expected a time to come", ExitCode.USAGE)
    if not author.strip() or not reason.strip():
        raise Failure("--author and --reason: expected a text", ExitCode.USAGE)
    with opened(record) as one:
        number = one.silence(author, reason, wanted, at, ends)
    if json:
        say_json({"id": number})
    else:
        say(f"silence {number}, until {until}")


@silences.command("list")
def silence_list(record: Url = None, json: Json = False) -> None:
    """The silences that have not ended.

    \b
    Examples:
      vigil notify silence list
    """
    from engine.cli.inputs import now
    from engine.cli.output import people, say_json, table
    from engine.core.instants import format_instant

    with opened(record) as one:
        found = one.silences(now())
    if json:
        say_json(
            [
                {
                    "id": s.id,
                    "author": s.author,
                    "reason": s.reason,
                    "match": dict(s.match),
                    "starts": format_instant(s.starts),
                    "ends": format_instant(s.ends),
                }
                for s in found
            ]
        )
        return
    rows = [(str(s.id), _shown(s.match), format_instant(s.ends), s.author, s.reason) for s in found]
    people().print(table("Silences", ("id", "alerts", "until", "author", "reason"), rows))


@silences.command("expire")
def silence_expire(
    number: Annotated[int, typer.Argument(metavar="ID", help="Of `silence list`.")], record: Url = None
) -> None:
    """End a silence now.

    \b
    Examples:
      vigil notify silence expire 3
    """
    from engine.cli.inputs import now
    from engine.cli.output import say

    with opened(record) as one:
        if not one.expire(number, now()):
            raise Failure(f"there is no silence {number}, or it has ended", ExitCode.FOUND)
    say(f"silence {number} has ended")


@letters.command("list")
def dead_list(
    record: Url = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those sent again.")] = False,
    json: Json = False,
) -> None:
    """The notifications that a receiver refused, with its reason.

    \b
    Examples:
      vigil notify dead list
      vigil notify dead list --all --json
    """
    from engine.cli.output import people, say_json, table
    from engine.core.instants import format_instant

    with opened(record) as one:
        found = one.letters(everything=everything)
    if json:
        say_json(
            [
                {
                    "id": one.id,
                    "receiver": one.receiver,
                    "at": format_instant(one.at),
                    "attempts": one.attempts,
                    "reason": one.reason,
                    "alerts": [{"key": a.key, "state": a.state} for a in one.alerts],
                    "resent_at": None if one.resent_at is None else format_instant(one.resent_at),
                }
                for one in found
            ]
        )
        return
    rows = [
        (
            str(one.id),
            one.receiver,
            format_instant(one.at),
            ", ".join(a.key for a in one.alerts[:3]),
            one.reason,
        )
        for one in found
    ]
    people().print(table("Dead letters", ("id", "receiver", "at", "alerts", "reason"), rows))


@letters.command("resend")
def dead_resend(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Of `dead list`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    record: Url = None,
) -> None:
    """Have the running process tell them again, as the alerts are now.

    Those of a receiver that it does not have stay as they are, and it ends with 1.

    \b
    Examples:
      vigil notify dead resend 4 5
      vigil notify dead resend --all
    """
    from engine.cli.drawing import many
    from engine.cli.inputs import now
    from engine.cli.output import say

    if bool(numbers) == everything:
        raise Failure("expected the ids of dead letters, or --all", ExitCode.USAGE)
    with opened(record) as one:
        letters = {letter.id: letter.receiver for letter in one.letters()}
        wanted, receivers = numbers or list(letters), one.receivers()
        gone = {n: letters[n] for n in wanted if n in letters and receivers and letters[n] not in receivers}
        missing = [number for number in wanted if number not in gone and not one.resend(number, now())]
    sent = len(wanted) - len(missing) - len(gone)
    say(f"{many(sent, 'is', 'are')} sent again by the process that runs")
    problems = []
    if missing:
        problems.append(f"no dead letter, or sent again already: {', '.join(map(str, missing))}")
    if gone:
        left = ", ".join(f"{number} ({receiver})" for number, receiver in gone.items())
        problems.append(f"not sent, for that process has no such receiver: {left}")
    if problems:
        hint = "put the receiver back into the file, and start `vigil notify run` again" if gone else ""
        raise Failure("; ".join(problems), ExitCode.FOUND, hint)


def _matchers(texts: list[str]) -> "Matchers":
    from engine.notify.configuration import matchers
    from engine.policies.problems import Refused

    said = {}
    for text in texts:
        label, equals, values = text.partition("=")
        if not equals or not values:
            raise Failure(f"{text!r}: expected LABEL=VALUE", ExitCode.USAGE)
        said[label] = values.split(",")
    try:
        return matchers(said)
    except Refused as error:
        raise Failure(f"{' '.join(texts)}: expected {error}", ExitCode.USAGE) from None


def _shown(match: "Matchers") -> str:
    return " ".join(f"{label}={','.join(values)}" for label, values in match)
