"""What the commands that read outcomes take, files or the topic, and what makes their answers doubtful."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from engine.core.outcomes import Outcome
    from engine.replay.recorded_outcomes import Recorded

Outcomes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="OUTCOMES",
        help="Outcomes as JSON Lines, as `vigil replay` writes them; - for stdin.",
    ),
]
Kafka = Annotated[
    bool, typer.Option("--kafka", help="Read the outcomes topic instead, committed, to its end now.")
]


def said(
    outcomes: list[str] | None, kafka: bool, bootstrap_servers: str | None, reject: Callable[[str], None]
) -> "Iterator[Outcome]":
    """The outcomes of files, or of the topic; `reject` hears of what is none. Failure where both or neither
    are asked for."""
    if kafka == bool(outcomes):
        hint = "OUTCOMES are files that `vigil replay` wrote, or - for stdin"
        raise Failure("name either OUTCOMES or --kafka", ExitCode.USAGE, hint)
    if bootstrap_servers is not None and not kafka:
        raise Failure("--bootstrap-servers goes with --kafka", ExitCode.USAGE)
    return _records(bootstrap_servers, reject) if kafka else _lines(outcomes or [], reject)


def _lines(files: list[str], reject: Callable[[str], None]) -> Iterator["Outcome"]:
    from engine.cli.inputs import file_lines
    from engine.replay.verdicts import read_outcome

    for place, line in file_lines(files):
        try:
            yield read_outcome(line)
        except ValueError as error:
            reject(f"{place}: {error}")


def _records(bootstrap_servers: str | None, reject: Callable[[str], None]) -> Iterator["Outcome"]:
    from engine.cli.inputs import settings_at
    from engine.cli.reading import place, read_topics
    from engine.contract.codec import decode_outcome

    settings = settings_at(bootstrap_servers)
    for record in read_topics(settings, [settings.outcomes_topic]):
        try:
            yield decode_outcome(record.value or b"", record.headers)
        except ValueError as error:
            reject(f"{place(record)}: {error}")


def say_doubts(recorded: "Recorded") -> None:
    """On stderr, where outcomes are missing, of several runs, or said too early."""
    from engine.cli.output import say

    if recorded.orphans:
        say(
            f"corrections of what is not here: {recorded.orphans:,}; earlier outcomes are missing "
            "(the topic keeps them for its retention)"
        )
    if recorded.clashes:
        say(
            f"outcomes that share their seq with another: {recorded.clashes:,}; they are of several runs, "
            "or of escalations that were opened anew"
        )
    if recorded.provisional:
        say(
            f"provisional: {recorded.provisional:,} of them were said while the engine was behind its "
            "source, and not corrected since"
        )
