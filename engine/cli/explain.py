"""`vigil explain`: every verdict of an escalation, recomputed, with the way to it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from engine.core.facts import Fact
    from engine.core.outcomes import Outcome
    from engine.replay.explaining import Explanation


def command(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The escalation's id.")],
    policies: Annotated[Path, typer.Option("--policies", "-p", help="Folder of policy and calendar files.")],
    events: Annotated[
        list[str] | None,
        typer.Option("--events", "-e", metavar="FILE", help="Its events, as JSON Lines. Else: from Kafka."),
    ] = None,
    outcomes: Annotated[
        list[str] | None,
        typer.Option("--outcomes", metavar="FILE", help="What was said, as JSON Lines; with --events."),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Only this clock, such as resolve.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this commitment, action or role.")] = None,
    until: Annotated[
        str | None,
        typer.Option(help="As of this time, ISO 8601 with an offset. Else: the latest that is known of it."),
    ] = None,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option("--bootstrap-servers", "-b", help="host:port of the brokers, separated by commas."),
    ] = None,
    open_on_first_event: Annotated[
        bool, typer.Option("--open-on-first-event", help="Any first event opens an escalation.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")] = False,
) -> None:
    """Show the way to each verdict, recomputed.

    Judges its events again and holds each verdict against what was said: equal,
    different, never said, or changed since (its hash is not that of what it says).
    Shows where the time went: what ran, what stood still and why, in whose hands.

    Events and outcomes come from files, or from the topics of your broker.
    Ends with 1 where a verdict is not as it was said.

    \b
    Examples:
      vigil explain desk:48213 -p policies
      vigil explain desk:48213 -p policies --metric resolve --until 2026-04-01T00:00:00Z
      vigil explain desk:48213 -p policies --events events.jsonl --outcomes outcomes.jsonl --json
    """
    from engine.cli.inputs import instant
    from engine.core.decide import Options
    from engine.policies import load
    from engine.replay.explaining import explain

    if outcomes and not events:
        hint = "without --events, both come from the topics"
        raise Failure("--outcomes goes with --events", ExitCode.USAGE, hint)
    if bootstrap_servers is not None and events:
        raise Failure("--bootstrap-servers goes without --events", ExitCode.USAGE)
    book = load(policies)
    if events:
        facts = _facts_of_files(events, subject)
        said = _outcomes_of_files(outcomes, subject) if outcomes else None
    else:
        facts, said = _from_topics(bootstrap_servers, subject)
    if not facts:
        raise Failure(f"there is no event of {subject}", ExitCode.FOUND, "the id is the events' subject")
    known = [fact.at for fact in facts] + [one.detected_at for one in said or ()]
    until_ = max(known) if until is None else instant("--until", until)
    options = Options(open_on_first_event=open_on_first_event)
    explained = explain(book, subject, facts, said, until_, options)
    chosen = [
        one
        for one in explained.verdicts
        if metric in (None, one.verdict.metric) and key in (None, one.verdict.key)
    ]
    if (metric or key) and not chosen and not any(metric in (None, c.metric) for c in explained.running):
        raise Failure(
            f"{subject} has no verdict and no clock of that kind", ExitCode.FOUND, _kinds(explained)
        )
    if as_json:
        _print_json(explained._replace(verdicts=chosen))
    else:
        from rich.console import Console

        from engine.cli.explained import draw

        draw(Console(highlight=False, soft_wrap=True), explained, book, metric, key)
    if not explained._replace(verdicts=chosen).is_right:
        raise typer.Exit(ExitCode.FOUND)


def _kinds(explained: "Explanation") -> str:
    found = sorted({one.verdict.metric for one in explained.verdicts} | {c.metric for c in explained.running})
    return f"it has {', '.join(found)}" if found else "nothing is owed by it"


def _facts_of_files(files: list[str], subject: str) -> "list[Fact]":
    from engine.cli.inputs import file_lines
    from engine.cli.output import Notes
    from engine.replay.gather import Counts, receive

    notes = Notes()
    received = receive(file_lines(files), Counts(), lambda line: notes.add(str(line)))
    return [one.fact for one in received if one.subject == subject]


def _outcomes_of_files(files: list[str], subject: str) -> "list[Outcome]":
    from engine.cli.inputs import file_lines
    from engine.replay.verdicts import read_outcome

    found = []
    for place, line in file_lines(files):
        try:
            outcome = read_outcome(line)
        except ValueError as error:
            raise Failure(f"{place}: {error}", ExitCode.FOUND, "lines that `vigil replay` wrote") from None
        if outcome.subject == subject:
            found.append(outcome)
    return found


def _from_topics(bootstrap_servers: str | None, subject: str) -> "tuple[list[Fact], list[Outcome]]":
    """The escalation's records of the event topics and of the outcomes topic."""
    from engine.cli.reading import place, read_topics
    from engine.contract.codec import Received, decode, decode_outcome
    from engine.settings import Settings

    chosen: dict[str, Any] = {} if bootstrap_servers is None else {"bootstrap_servers": bootstrap_servers}
    settings = Settings(**chosen)
    wanted = subject.encode()
    facts = []
    for record in read_topics(settings, [settings.tickets_topic, settings.incidents_topic]):
        if record.key == wanted:
            read = decode(record.key, record.value or b"", record.headers, record.timestamp)
            if isinstance(read, Received):
                facts.append(read.fact)
    said = []
    for record in read_topics(settings, [settings.outcomes_topic]):
        if record.key == wanted:
            try:
                said.append(decode_outcome(record.value or b"", record.headers))
            except ValueError as error:
                raise Failure(f"{place(record)}: {error}", ExitCode.FOUND) from None
    return facts, said


def _print_json(explained: "Explanation") -> None:
    import orjson

    from engine.cli.output import say_json
    from engine.core.instants import format_instant, seconds
    from engine.replay.outcome_lines import outcome_line

    say_json(
        {
            "subject": explained.subject,
            "events": len(explained.facts),
            "until": format_instant(explained.until),
            "right": explained.is_right,
            "verdicts": [
                {
                    "check": one.check,
                    "differs": list(one.fields),
                    "verdict": orjson.Fragment(outcome_line(one.verdict).rstrip()),
                    "said": None if one.said is None else orjson.Fragment(outcome_line(one.said).rstrip()),
                }
                for one in explained.verdicts
            ],
            "running": [
                {
                    "metric": clock.metric,
                    "key": clock.key,
                    "state": clock.state,
                    "due_at": None if clock.due_at is None else format_instant(clock.due_at),
                    "left_seconds": seconds(clock.left),
                }
                for clock in explained.running
            ],
            "corrections": [orjson.Fragment(outcome_line(one).rstrip()) for one in explained.corrections],
        }
    )
