"""`vigil standing`: what stands of recorded outcomes, as reported on a day, as now known, or both."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Brokers, Json
from engine.cli.said import Kafka, Outcomes

if TYPE_CHECKING:
    from engine.cli.comparison import Shown
    from engine.core.instants import Instant
    from engine.replay.recorded_outcomes import Answers, Recorded


def command(
    outcomes: Outcomes = None,
    kafka: Kafka = False,
    bootstrap_servers: Brokers = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="As reported at this time, ISO 8601 with an offset. Else: as now known."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Beside it what is now known of the time up to --as-of.")
    ] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the standing verdicts as JSON Lines."),
    ] = None,
    differences: Annotated[
        str | None,
        typer.Option("--differences", "-d", metavar="FILE", help="Write every difference as JSON Lines."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Differences to show.")] = 20,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="What is no outcome does not end it with 1.")
    ] = False,
    as_json: Json = False,
) -> None:
    """What stands of the outcomes, as reported on a day or now.

    Outcomes are corrected by later ones (amended, retracted). As now known: all
    corrections applied. As reported at a time (--as-of): what had been said by
    then, as a reader of the topic saw it. --compare shows both for the time up to
    --as-of, each difference, and the event that caused it.

    Ends with 1 where a line is no outcome, and with --compare, as diff does,
    where the answers differ.

    \b
    Examples:
      vigil standing --kafka
      vigil standing --kafka --as-of 2026-04-01T00:00:00Z -o reported.jsonl
      vigil standing --kafka --as-of 2026-04-01T00:00:00Z --compare
      vigil standing said.jsonl --as-of 2026-04-01T00:00:00Z --compare -d differ.jsonl
    """
    from engine.cli.comparison import DAY, Shown
    from engine.cli.inputs import instant
    from engine.cli.output import Notes
    from engine.cli.said import said
    from engine.replay.recorded_outcomes import Recorded

    if compare and as_of is None:
        hint = "--as-of 2026-04-01T00:00:00Z --compare: as reported then, beside what is now known"
        raise Failure("--compare needs --as-of", ExitCode.USAGE, hint)
    if differences is not None and not compare:
        raise Failure("--differences goes with --compare", ExitCode.USAGE)
    day = None if as_of is None else instant("--as-of", as_of)
    rejected = Notes()
    read = said(outcomes, kafka, bootstrap_servers, rejected.add)
    recorded = Recorded(day)
    shown = Shown(DAY, top, differences)
    shown.take(change for answers in _kept(recorded.run(read), output, day) for change in answers.changes)
    _notes(recorded, day)
    if as_json:
        _print_json(recorded, day, compare, rejected.count, shown)
    else:
        _draw(recorded, day, compare, shown)
    differ = compare and (recorded.sums.changed or recorded.sums.moved)
    if differ or (rejected.count and not lenient):
        raise typer.Exit(ExitCode.FOUND)


def _kept(answers: Iterator["Answers"], output: str | None, day: "Instant | None") -> Iterator["Answers"]:
    """The same answers; the verdicts of the question go to the file, in (time, subject, id) order."""
    from engine.replay.files import writing
    from engine.replay.outcome_lines import outcome_line
    from engine.replay.sorting import Sorter

    if output is None:
        yield from answers
        return
    with Sorter(tuple[int, str, str]) as sorter:
        for one in answers:
            for verdict in one.known if day is None else one.reported:
                sorter.add((verdict.effective_at, verdict.subject, verdict.id), outcome_line(verdict))
            yield one
        with writing(output) as out:
            for _, line in sorter:
                out.write(line)


def _notes(recorded: "Recorded", day: "Instant | None") -> None:
    """What makes the answer doubtful."""
    from engine.cli.output import say
    from engine.cli.said import say_doubts
    from engine.core.instants import format_instant

    say_doubts(recorded)
    if day is None or recorded.first_said is None:
        return
    if recorded.said_at_one_moment:
        say(
            f"all was found at one moment, {format_instant(recorded.first_said)}: by a replay with everything"
            " known. `vigil replay --as-reported` says when a live engine would have said it"
        )
    elif day < recorded.first_said:
        say(f"nothing had been said by then: the first outcome is of {format_instant(recorded.first_said)}")


def _draw(recorded: "Recorded", day: "Instant | None", compare: bool, shown: "Shown") -> None:
    from engine.cli.comparison import DAY
    from engine.cli.drawing import draw_answers, draw_said, many
    from engine.cli.output import page
    from engine.core.instants import format_instant

    console = page()
    again = f", {recorded.repeated:,} of them repeated" if recorded.repeated else ""
    outcomes = many(recorded.outcomes, "outcome", "outcomes")
    console.print(f"{outcomes}{again}, of {many(recorded.subjects, 'escalation', 'escalations')}")
    if compare and day is not None:
        draw_answers(console, recorded.sums, shown.first, day)
    elif day is not None:
        draw_said(console, f"What stood on {format_instant(day)}, as reported", recorded.sums.left)
    else:
        draw_said(console, f"What stands, {DAY.right}", recorded.sums.right)


def _print_json(
    recorded: "Recorded", day: "Instant | None", compare: bool, unreadable: int, shown: "Shown"
) -> None:
    from engine.cli.comparison import answers_in_json, said_in_json
    from engine.cli.output import say_json
    from engine.core.instants import format_instant

    said: dict[str, object] = {
        "outcomes": recorded.outcomes,
        "repeated": recorded.repeated,
        "escalations": recorded.subjects,
        "corrections_of_nothing": recorded.orphans,
        "shared_seq": recorded.clashes,
        "unreadable": unreadable,
        "as_of": None if day is None else format_instant(day),
    }
    if compare:
        said |= answers_in_json(recorded.sums, shown.first)
    else:
        said["verdicts"] = said_in_json(recorded.sums.right if day is None else recorded.sums.left)
    say_json(said)
