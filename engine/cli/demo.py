"""`vigil demo`."""

from pathlib import Path
from typing import Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.output import say


def command(
    data: Annotated[
        Path | None,
        typer.Option(help="Play these events instead: CloudEvents as JSON Lines, .gz too.", metavar="FILE"),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(help="Policies to judge by; else the demo's own.", metavar="DIR")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(help="How many times as fast as life; else 120, or what fits.", min=1, max=1e6),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="How long to play; without --speed the speed follows.", min=5, max=3600),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Only the lines of what Vigil said, as when piped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcomes as CloudEvents, one a line.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="At the end leave broker and topics up until Ctrl-C.")
    ] = False,
    page: Annotated[
        bool,
        typer.Option("--console/--no-console", help="Serve the deadline board as a page meanwhile."),
    ] = True,
    picture: Annotated[
        Path | None, typer.Option(help="Save the board late in the play as an SVG picture.", metavar="FILE")
    ] = None,
) -> None:
    """Watch Vigil do its main job on a broker of its own.

    Finds a broker (KAFKA_BOOTSTRAP_SERVERS, else Apache Kafka where there is Java, else the one from PyPI),
    starts a worker, sends a story of some thirty escalations at 120 times the speed of life, and shows
    what is due next and what Vigil says. Ends by itself after about a minute and a half and leaves nothing.

    \b
    Keys: q quit, space hold, m more clocks.

    \b
    Examples:
      vigil demo
      vigil demo --plain | grep missed
      vigil demo --json > outcomes.jsonl
      vigil import github-status incidents.jsonl.gz -o events.jsonl
      vigil demo --data events.jsonl --policies deploy/policies-github
    """
    from rich.console import Console

    from engine.demo.broker import NoBroker
    from engine.demo.house import WorkerEnded
    from engine.demo.plays import NothingToPlay, data_play, story_play
    from engine.demo.run import Ended, Wishes, run
    from engine.demo.stage import BrokerGone, DemoFailed
    from engine.demo.summary import lines
    from engine.stream.checks import Refused, Unreachable

    console = Console(highlight=False)
    try:
        play = (
            story_play(policies, speed, seconds)
            if data is None
            else data_play(data, policies, speed, seconds)
        )
        if seconds is not None and play.seconds >= seconds + 1:
            say(f"--seconds {seconds:g}: it needs {play.seconds:.0f} s at the fastest")
        summary = run(play, Wishes(as_json, plain, keep, page, picture), console, say)
    except Ended as end:
        raise Failure(f"ended by {end}; nothing is left behind", ExitCode.INTERRUPTED) from None
    except NothingToPlay as error:
        raise Failure(str(error), ExitCode.USAGE) from None
    except WorkerEnded as error:
        code = ExitCode(error.code) if error.code in set(ExitCode) - {ExitCode.DONE} else ExitCode.FOUND
        raise Failure(str(error), code) from None
    except BrokerGone as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from None
    except DemoFailed as error:
        raise Failure(str(error), ExitCode.FOUND) from None
    except (NoBroker, Unreachable) as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from None
    except Refused as error:
        raise Failure(f"{error.name}: {error.message}", ExitCode.REFUSED, error.hint) from None
    out = Console(stderr=as_json or plain or not console.is_terminal, highlight=False)
    for text in lines(summary):
        out.print(text, soft_wrap=True)
