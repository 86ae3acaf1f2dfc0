"""`vigil explain`: every verdict of an escalation, recomputed, with the way to it."""

from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.one_escalation import Events, Subject, of_files, of_topics
from engine.cli.options import Brokers, Json, OpenOnFirstEvent, Policies

if TYPE_CHECKING:
    from engine.core.outcomes import Outcome
    from engine.replay.explaining import Explanation


def command(
    subject: Subject,
    policies: Policies,
    events: Events = None,
    outcomes: Annotated[
        list[str] | None,
        typer.Option("--outcomes", metavar="FILE", help="What was said, as JSON Lines; with --events."),
    ] = None,
    metric: Annotated[str | None, typer.Option(help="Only this clock, such as resolve.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this commitment, action or role.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The way to each verdict, of every clock.")] = False,
    until: Annotated[
        str | None,
        typer.Option(help="As of this time, ISO 8601 with an offset. Else: the last of both."),
    ] = None,
    bootstrap_servers: Brokers = None,
    open_on_first_event: OpenOnFirstEvent = False,
    as_json: Json = False,
) -> None:
    """Show the way to each verdict, recomputed.

    Judges its events again and holds each verdict against what was said: equal,
    different, never said, or changed since (its hash is not that of what it says).

    A line a verdict; --metric or --full draws the way to it: what ran, what stood
    still and why, in whose hands. Both come from files, or from your topics.

    Ends with 1 where a verdict is not as it was said.

    \b
    Examples:
      vigil explain desk:48213 -p policies
      vigil explain desk:48213 -p policies --metric resolve
      vigil explain desk:48213 -p policies --events events.jsonl --outcomes outcomes.jsonl --json
    """
    from engine.cli.inputs import instant, now
    from engine.core.decide import Options
    from engine.policies import load
    from engine.replay.explaining import explain, latest

    if outcomes and not events:
        hint = "without --events, both come from the topics"
        raise Failure("--outcomes goes with --events", ExitCode.USAGE, hint)
    if bootstrap_servers is not None and events:
        raise Failure("--bootstrap-servers goes without --events", ExitCode.USAGE)
    book = load(policies)
    options = Options(open_on_first_event=open_on_first_event)
    if events:
        facts = of_files(events, book, subject, options)
        said = _outcomes_of_files(outcomes, subject) if outcomes else None
    else:
        facts, said = of_topics(bootstrap_servers, book, subject, options)
    until_ = latest(facts, said or ()) if until is None else instant("--until", until)
    goes_on = now() if until is None and not events else None
    explained = explain(book, subject, facts, said, until_, options, goes_on)
    chosen = _chosen(explained, metric, key)
    if as_json:
        _print_json(chosen)
    else:
        from engine.cli.explained import draw
        from engine.cli.output import page

        in_full = full or metric is not None or key is not None
        draw(page(), chosen, book, in_full=in_full)
    if not chosen.is_right:
        raise typer.Exit(ExitCode.FOUND)


def _chosen(explained: "Explanation", metric: str | None, key: str | None) -> "Explanation":
    """Of the clocks asked for. Failure where there is none."""

    def is_wanted(found: str, found_key: str) -> bool:
        return metric in (None, found) and key in (None, found_key)

    chosen = explained._replace(
        verdicts=[one for one in explained.verdicts if is_wanted(one.verdict.metric, one.verdict.key)],
        running=[clock for clock in explained.running if is_wanted(clock.metric, clock.key)],
        corrections=[one for one in explained.corrections if is_wanted(one.metric, one.key)],
    )
    if (metric or key) and not chosen.verdicts and not chosen.running:
        problem = f"{explained.subject} has no verdict and no clock of that kind"
        raise Failure(problem, ExitCode.FOUND, _kinds(explained))
    return chosen


def _kinds(explained: "Explanation") -> str:
    found = sorted({one.verdict.metric for one in explained.verdicts} | {c.metric for c in explained.running})
    return f"it has {', '.join(found)}" if found else "nothing is owed by it"


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
            "running_at": format_instant(explained.seen),
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
