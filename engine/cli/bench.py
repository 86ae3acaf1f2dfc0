"""`vigil bench`: throughput beside plain Faust, lateness, the board, what the parts cost, and sizes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from engine.bench.console import Board
    from engine.bench.lateness import Promises
    from engine.bench.loop import Size, Where

Say = Callable[[str], None]
PANEL = "How much"


class What(Enum):
    ALL = "all"
    LOOP = "loop"
    PARTS = "parts"
    LATENESS = "lateness"
    SIZING = "sizing"
    CONSOLE = "console"


def command(
    what: Annotated[What, typer.Argument(help="What to measure.")] = What.ALL,
    bootstrap_servers: Annotated[
        str | None,
        typer.Option("--bootstrap-servers", "-b", help="Broker; else the one found or started."),
    ] = None,
    policies: Annotated[
        Path | None, typer.Option("--policies", "-p", help="Folder of policies; else the standard one.")
    ] = None,
    events: Annotated[
        int, typer.Option(min=1_000, help="Events for Vigil.", rich_help_panel=PANEL)
    ] = 200_000,
    escalations: Annotated[
        int, typer.Option(min=1, help="Escalations that they belong to.", rich_help_panel=PANEL)
    ] = 20_000,
    peer_events: Annotated[
        int, typer.Option(min=1_000, help="Events for plain Faust.", rich_help_panel=PANEL)
    ] = 40_000,
    partitions: Annotated[int, typer.Option(min=1, help="Of every topic.", rich_help_panel=PANEL)] = 4,
    rounds: Annotated[
        int, typer.Option(min=1, help="Runs of the loop, or turns of the board.", rich_help_panel=PANEL)
    ] = 1,
    clocks: Annotated[
        int, typer.Option(min=100, help="Promises for the lateness.", rich_help_panel=PANEL)
    ] = 10_000,
    traffic: Annotated[
        int, typer.Option(min=0, help="Events a second meanwhile.", rich_help_panel=PANEL)
    ] = 500,
    readers: Annotated[int, typer.Option(min=1, help="Of the board.", rich_help_panel=PANEL)] = 50,
    rate: Annotated[
        int, typer.Option(min=1, help="Outcomes a second under the board.", rich_help_panel=PANEL)
    ] = 5_000,
    delivery: Annotated[str, typer.Option(help="transactions or acknowledged.")] = "transactions",
    json: Json = False,
) -> None:
    """Measure throughput and lateness on the broker given.

    loop: a real worker takes a backlog, every acknowledgement awaited, beside plain Faust with one table
    write an event (typed: its models, validated, as we validate; untyped: any JSON), on the same broker in
    the same run. The ratios say more than the figures, which are this machine's. lateness: from due times
    to outcomes that a reader of committed data has. parts: no Kafka. sizing: bytes an event, an outcome and
    an escalation, and how fast a state is read back (docs/deployment.md has the formulas). console: how old
    what the board shows is with so many readers, and what they cost a worker beside them: it is measured with
    the console stopped and running, in turns.

    Topics are made for the run and deleted after it.

    \b
    Examples:
      vigil bench
      vigil bench loop --rounds 3
      vigil bench lateness -b kafka:9092 --clocks 100000 --traffic 5000
      vigil bench parts --json
      vigil bench sizing --policies policies/
      vigil bench console --rounds 3
    """
    from engine.bench.standard import standard_policies

    folder = policies or standard_policies()
    answer: dict[str, Any] = {}
    with _spinner() as say:
        if what in (What.ALL, What.PARTS):
            say("parts, without Kafka")
            answer["parts"] = _parts(folder)
        if what is not What.PARTS:
            from engine.bench.lateness import Promises
            from engine.bench.loop import Size

            with _broker(bootstrap_servers, folder, delivery, say) as where:
                answer["delivery"] = where.delivery
                size = Size(events, escalations, partitions, peer_events)
                if what in (What.ALL, What.LOOP):
                    answer["loop"] = _loop(where, size, rounds, say)
                if what is What.SIZING:
                    answer["sizing"] = _sizing(where, size, say)
                if what is What.CONSOLE:
                    from engine.bench.console import Board

                    answer["console"] = _console(where, Board(readers, rate, phases=rounds), say)
                if what in (What.ALL, What.LATENESS):
                    answer["lateness"] = _lateness(where, Promises(clocks, partitions, traffic), say)
    if json:
        from engine.cli.output import say_json

        say_json(answer)
    else:
        _show(answer)


@contextmanager
def _spinner() -> Iterator[Say]:
    """What is being done, on a terminal; a line each where there is none."""
    from engine.cli.output import people, say

    console = people()
    if not console.is_terminal:
        yield say
        return
    with console.status("") as status:
        yield status.update


@contextmanager
def _broker(bootstrap: str | None, policies: Path, delivery: str, say: Say) -> Iterator["Where"]:
    from engine.bench.loop import Where
    from engine.bench.watching import NotTaken
    from engine.cli.topics import broker_errors
    from engine.demo.broker import GivenBroker, NoBroker, find_broker

    try:
        broker = GivenBroker(bootstrap) if bootstrap else find_broker(say)
    except NoBroker as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from None
    if not broker.transactions and delivery == "transactions":
        say(f"{broker.kind} has no transactions: measured with acknowledged delivery")
        delivery = "acknowledged"
    try:
        with broker_errors():
            yield Where(broker.bootstrap, policies, delivery, broker.transactions)
    except NotTaken as error:
        raise Failure(str(error)) from None
    finally:
        broker.stop()


def _parts(policies: Path) -> list[dict[str, Any]]:
    from engine.bench.parts import measure_parts

    return [cost._asdict() for cost in measure_parts(policies)]


def _loop(where: "Where", size: "Size", rounds: int, say: Say) -> dict[str, Any]:
    from engine.bench.loop import measure_loop, summary

    runs = [measure_loop(where, size, say) for _ in range(rounds)]
    runs.sort(key=lambda run: run.ratio)
    return {
        "events": size.events,
        "escalations": size.escalations,
        "partitions": size.partitions,
        "runs": [summary(run) for run in runs],
        "median": summary(runs[len(runs) // 2]),
    }


def _lateness(where: "Where", size: "Promises", say: Say) -> dict[str, Any]:
    from engine.bench.lateness import measure_lateness

    found = measure_lateness(where, size, say)
    return {"clocks": size.escalations, "traffic": size.traffic, **found._asdict()}


def _sizing(where: "Where", size: "Size", say: Say) -> dict[str, Any]:
    from engine.bench.sizing import measure_sizes

    return measure_sizes(where, size, say)._asdict()


def _console(where: "Where", size: "Board", say: Say) -> dict[str, Any]:
    from engine.bench.console import measure_console

    found = measure_console(where, size, say)
    return {
        **found._asdict(),
        "without": found.without._asdict(),
        "beside": found.beside._asdict(),
        "chunk_ratio": found.chunk_ratio,
        "processor_ratio": found.processor_ratio,
    }


def _show(answer: dict[str, Any]) -> None:
    from engine.cli.output import page, table

    console = page()
    if parts := answer.get("parts"):
        rows: list[tuple[str, ...]] = [
            (cost["what"], f"{cost['microseconds']:.2f}", str(cost["target"] or "")) for cost in parts
        ]
        console.print(table("Parts, one core, µs each", ("what", "µs", "target"), rows))
    if loop := answer.get("loop"):
        median = loop["median"]
        rate = median["vigil"]["events_per_second"]
        each = median["vigil"]["outcomes"] / loop["events"]
        rows = [
            (f"Vigil, {answer['delivery']}, {each:.2f} outcomes an event", f"{rate:,.0f}"),
            *(
                (f"plain Faust, {values}, one table write an event", f"{peer['events_per_second']:,.0f}")
                for values, peer in (
                    ("typed", median["faust_typed"]),
                    ("untyped", median["faust_untyped"]),
                )
            ),
            ("ratio to typed", f"{median['ratio']:.1f}"),
            ("ratio to untyped", f"{median['ratio_untyped']:.1f}"),
        ]
        title = (
            f"Full loop, {loop['events']:,} events of {loop['escalations']:,} escalations, events a second"
        )
        console.print(table(title, ("what", "events/s"), rows))
    if late := answer.get("lateness"):
        rows = [
            (name, f"{late[key]:.3f}") for name, key in (("p50", "p50"), ("p99", "p99"), ("worst", "worst"))
        ]
        title = f"From due to readable, {late['clocks']:,} promises, {late['traffic']:,} events/s, seconds"
        console.print(table(title, ("", "s"), rows))
    if board := answer.get("console"):
        _show_board(console, board)
    if sizing := answer.get("sizing"):
        rows = [
            (name.replace("_", " "), f"{value:,.2f}" if isinstance(value, float) else f"{value:,}")
            for name, value in sizing.items()
            if value is not None
        ]
        console.print(table("Sizes", ("what", ""), rows))


def _show_board(console: "Console", board: dict[str, Any]) -> None:
    from engine.cli.output import table

    without, beside = board["without"], board["beside"]
    rows: list[tuple[str, ...]] = [
        (
            name,
            f"{without[key]:,.{digits}f}",
            f"{beside[key]:,.{digits}f}",
            f"{beside[key] / without[key]:.2f}" if without[key] else "",
        )
        for name, key, digits in (
            ("events a second", "events_per_second", 1),
            ("time of a chunk, µs an event", "chunk", 1),
            ("processor time of the worker, µs an event", "processor", 1),
            ("ready for a core, and none free, µs an event", "waited", 1),
            ("from an event's recording until it is durable, s", "durable", 2),
        )
    ]
    title = f"A worker without and with a console and its {board['readers']} readers"
    console.print(table(title, ("", "without", "with", "ratio"), rows))
    rows = [
        *((f"{name}, s from an event to the page", f"{board[name]:.2f}") for name in ("p50", "p99", "worst")),
        ("clocks on the board", f"{board['clocks']:,}"),
        ("messages a second", f"{board['messages_per_second']:,.0f}"),
        ("MB a second", f"{board['megabytes_per_second']:,.1f}"),
        ("cores that the console uses", f"{board['console_cores']:.2f}"),
        ("a loop beside a process that only counts, times as long", f"{board['busy_core']:.2f}"),
    ]
    console.print(table("The board", ("", ""), rows))
