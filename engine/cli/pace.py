"""`vigil pace learn | score`: how open clocks end, learned from outcomes and held against later ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Brokers, Json
from engine.cli.said import Kafka, Outcomes

if TYPE_CHECKING:
    from engine.core.instants import Instant
    from engine.core.pace import Kind, KindName, Pace
    from engine.replay.pace_file import Learned
    from engine.replay.pace_learning import Lesson, Score

app = typer.Typer(help="Learn from outcomes how open clocks end, and score it.", no_args_is_help=True)

Table = Annotated[Path, typer.Argument(metavar="PACE", help="A file that `vigil pace learn` wrote.")]
Lenient = Annotated[bool, typer.Option("--lenient", help="What is no outcome does not end it with 1.")]


@app.command("learn")
def learn(
    outcomes: Outcomes = None,
    kafka: Kafka = False,
    bootstrap_servers: Brokers = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it. Else stdout.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="Only clocks due by this time, ISO 8601 with an offset. Else: the last verdict's."),
    ] = None,
    at_least: Annotated[
        int, typer.Option(metavar="PERCENT", min=1, max=100, help="Warn where so many breached.")
    ] = 50,
    least_cases: Annotated[
        int, typer.Option(metavar="N", min=1, help="Claim nothing of fewer open clocks.")
    ] = 30,
    lenient: Lenient = False,
) -> None:
    """Learn how open clocks end: how many of those open at each share of their budget breached.

    By metric and severity, in steps of 5 % of the budget, from the verdicts that
    stand. A cycle counts once; cancelled and waived ones are left out. The file is
    for `vigil worker` (VIGIL_PACE=FILE) and `vigil replay --pace FILE`.

    \b
    Examples:
      vigil pace learn outcomes.jsonl.gz -o pace.json
      vigil pace learn outcomes.jsonl -o pace.json --until 2026-04-01T00:00:00Z
      vigil pace learn --kafka --at-least 60 -o pace.json
    """
    from engine.cli.inputs import instant
    from engine.cli.output import Notes, say
    from engine.cli.said import said, say_doubts
    from engine.core.instants import format_instant
    from engine.core.pace import Pace
    from engine.replay.files import writing
    from engine.replay.pace_file import Learned, write
    from engine.replay.pace_learning import Lesson

    lesson = Lesson(until=None if until is None else instant("--until", until))
    rejected = Notes()
    lesson.take(said(outcomes, kafka, bootstrap_servers, rejected.add))
    say_doubts(lesson.recorded)
    if lesson.first is None:
        raise Failure(
            f"none of the outcomes tells of a clock that was due by {format_instant(lesson.until)}",
            ExitCode.FOUND,
            "verdicts are wanted: met, breached; `vigil replay` writes them",
        )
    learned = Learned(Pace(lesson.kinds(), at_least, least_cases), lesson.first, lesson.until)
    content, sealed = write(learned)
    with writing(None if output is None else str(output)) as out:
        out.write(content)
    _draw_learned(learned)
    if lesson.too_young:
        say(f"due later and not counted: {lesson.too_young:,}")
    say(f"hash {sealed}")
    if rejected.count and not lenient:
        raise typer.Exit(ExitCode.FOUND)


@app.command("score")
def score(
    pace: Table,
    outcomes: Outcomes = None,
    kafka: Kafka = False,
    bootstrap_servers: Brokers = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", help="Clocks that started from this time on. Else: after all that was learned from."
        ),
    ] = None,
    lenient: Lenient = False,
    as_json: Json = False,
) -> None:
    """Hold what was learned against later clocks.

    Each clock is asked about at every share of its budget at which it was open,
    where the file claims something. Shown is the Brier score (mean squared error of
    the probability; 0 is best) of the pace, of a plain threshold that expects a
    breach from 75 % on, and of the share that breached of all earlier cases.

    \b
    Examples:
      vigil pace score pace.json outcomes.jsonl.gz
      vigil pace score pace.json outcomes.jsonl --from 2026-04-01T00:00:00Z --json
    """
    from engine.cli.inputs import instant
    from engine.cli.output import Notes
    from engine.cli.said import said, say_doubts
    from engine.replay import pace_file
    from engine.replay.pace_learning import Lesson, scores

    learned = pace_file.read(pace)
    start = learned.until if since is None else instant("--from", since)
    lesson = Lesson(since=start)
    rejected = Notes()
    lesson.take(said(outcomes, kafka, bootstrap_servers, rejected.add))
    say_doubts(lesson.recorded)
    judged = scores(learned.pace, lesson.kinds())
    if as_json:
        _print_json(learned.pace, lesson, start, judged)
    else:
        _draw_scores(lesson, start, judged)
    if rejected.count and not lenient:
        raise typer.Exit(ExitCode.FOUND)


def _draw_learned(learned: "Learned") -> None:
    from engine.cli.output import people, table
    from engine.core.instants import format_instant
    from engine.core.pace import STAGES

    pace = learned.pace
    rows = []
    for (metric, severity), kind in sorted(pace.kinds.items()):
        warns_at = pace.warns_at(kind)
        chance = None if warns_at is None else pace.at_stage(kind, STAGES.index(warns_at))
        there = ("-", "-") if chance is None else (f"{chance.cases:,}", f"{chance.probability:.0%}")
        rows.append((metric, severity, kind.cases, kind.breached, kind.left_out, _percent(warns_at), *there))
    columns = ("metric", "severity", "cases", "breached", "left out", "warns at", "open there", "of them")
    title = f"Clocks from {format_instant(learned.since)}, due by {format_instant(learned.until)}"
    people().print(table(title, columns, rows))


def _draw_scores(lesson: "Lesson", start: "Instant", judged: "dict[KindName, Score]") -> None:
    from engine.cli.output import page, table
    from engine.core.instants import format_instant
    from engine.replay.pace_learning import PLAIN_PERCENT

    console = page()
    span = f"clocks from {format_instant(start)}, due by {format_instant(lesson.until)}"
    if not judged:
        console.print(f"no {span} that the file claims something of")
        return
    plain = f"{PLAIN_PERCENT} %"
    columns = ("metric", "severity", "cases", "forecasts", "pace", plain, "base rate")
    errors = [
        (*name, one.cases, one.forecasts, f"{one.pace:.4f}", f"{one.threshold:.4f}", f"{one.base_rate:.4f}")
        for name, one in judged.items()
    ]
    console.print(table(f"Brier scores, {span}", columns, errors))
    console.print()
    heads = ("metric", "severity", "breached", "pace at", "warned", "right", f"{plain} warned", "right")
    warnings = [
        (
            *name, one.breached, _percent(one.warns_at), one.warned, _right(one.breached, one.warned),
            one.warned_plainly, _right(one.breached, one.warned_plainly),
        )
        for name, one in judged.items()
    ]  # fmt: skip
    console.print(table("Warnings: whoever warns of a clock that breaches is right", heads, warnings))


def _percent(share: int | None) -> str:
    return "-" if share is None else f"{share} %"


def _right(breached: int, warned: int) -> str:
    """All that breached had been warned of, for they were open at every share."""
    return f"{breached / warned:.0%}" if warned else "-"


def _print_json(pace: "Pace", lesson: "Lesson", start: "Instant", judged: "dict[KindName, Score]") -> None:
    from engine.cli.output import say_json
    from engine.core.instants import format_instant

    later = lesson.kinds()
    kinds = [
        {
            "metric": name[0],
            "severity": name[1],
            **one._asdict(),
            "shares": _shares(pace, pace.kinds[name], later[name]),
        }
        for name, one in judged.items()
    ]
    say_json({"from": format_instant(start), "until": format_instant(lesson.until), "kinds": kinds})


def _shares(pace: "Pace", learned: "Kind", later: "Kind") -> list[dict[str, object]]:
    """What was said at each share, and what came."""
    from engine.core.pace import STAGES

    said = ((percent, pace.at_stage(learned, stage), stage) for stage, percent in enumerate(STAGES))
    return [
        {
            "percent": percent,
            "probability": chance.probability,
            "cases": chance.cases,
            "open": later.open[stage],
            "breached": later.breached,
        }
        for percent, chance, stage in said
        if chance is not None
    ]
