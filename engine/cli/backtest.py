"""`vigil backtest`: two folders of policies over recorded events, and which verdicts would differ."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Brokers, Json, OpenOnFirstEvent

if TYPE_CHECKING:
    from engine.contract.codec import Decoded
    from engine.core.policy import Book
    from engine.replay.backtesting import Backtest


def command(
    policies: Annotated[
        Path, typer.Option("--policies", "-p", metavar="DIR", help="The policies that are tried: after.")
    ],
    against: Annotated[
        Path,
        typer.Option(
            "--against",
            "-a",
            metavar="DIR",
            envvar="VIGIL_POLICIES",
            help="What they are compared with: before.",
        ),
    ],
    events: Annotated[
        list[str] | None,
        typer.Argument(metavar="EVENTS", help="CloudEvents JSON Lines: plain, .gz, or - for stdin."),
    ] = None,
    kafka: Annotated[
        bool, typer.Option("--kafka", help="Read the tickets and incidents topics instead, to their end now.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            help="With --kafka: records from this time on (ISO 8601 with an offset), or this offset."
        ),
    ] = None,
    bootstrap_servers: Brokers = None,
    until: Annotated[
        str | None,
        typer.Option(help="Judge as of this time, ISO 8601 with an offset. Else: the last event's."),
    ] = None,
    newest: Annotated[
        bool,
        typer.Option(
            "--newest",
            help="Judge by the newest version of each policy, as if always in force; severity rules too.",
        ),
    ] = False,
    differences: Annotated[
        str | None,
        typer.Option("--differences", "-d", metavar="FILE", help="Write every difference as JSON Lines."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Customers, teams, kinds and examples to show.")] = 10,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Lines that cannot be read do not end it with 1.")
    ] = False,
    open_on_first_event: OpenOnFirstEvent = False,
    as_json: Json = False,
) -> None:
    """Try changed policies on recorded events.

    Every escalation is judged by both folders with everything known. Shown are
    what each side says, by metric and severity; from which verdict to which, for
    how many clocks and for whom; and an example of each. A version that takes
    effect after the events judges none of them: --newest judges by it all the
    same.

    Ends as diff does: with 0 where no verdict differs (due times may), with 1
    where one does or a line could not be read.

    \b
    Examples:
      vigil backtest events.jsonl.gz --policies proposed --against policies
      vigil backtest events.jsonl -p proposed -a policies --newest -d differ.jsonl
      vigil backtest --kafka --since 2026-03-01T00:00:00Z -p proposed -a policies
    """
    from engine.cli.comparison import BOOKS, Shown
    from engine.cli.inputs import hearing, instant
    from engine.cli.output import progress
    from engine.core.decide import Options
    from engine.policies import load
    from engine.replay.backtesting import Backtest, without_rebases
    from engine.replay.backtesting import newest as only_newest
    from engine.replay.replaying import Wish

    wish = Wish(
        until=None if until is None else instant("--until", until),
        options=Options(open_on_first_event=open_on_first_event),
    )
    read = _read(events or [], kafka, since, bootstrap_servers)
    books = [load(folder) for folder in (against, policies)]
    if newest:
        books, read = [only_newest(book) for book in books], without_rebases(read)
    with progress("judging", lambda: backtest.counts.to_judge) as judged:
        backtest = Backtest(books[0], books[1], wish, hearing(judged))
        Shown(BOOKS, top, differences).take(backtest.run(read))
    if as_json:
        _print_json(backtest, (against, policies), books, top)
    else:
        _draw(backtest, (against, policies), books, top, newest=newest)
    if backtest.sums.changed or (backtest.counts.rejected and not lenient):
        raise typer.Exit(ExitCode.FOUND)


def _read(
    events: list[str], kafka: bool, since: str | None, bootstrap_servers: str | None
) -> Iterator[tuple[str, "Decoded"]]:
    """What there is to judge, from files or from the event topics."""
    from engine.cli.inputs import file_lines
    from engine.contract.codec import read_line

    if kafka == bool(events):
        raise Failure(
            "name either EVENTS or --kafka", ExitCode.USAGE, "EVENTS are files of events, or - for stdin"
        )
    if not kafka:
        if since is not None or bootstrap_servers is not None:
            raise Failure("--since and --bootstrap-servers go with --kafka", ExitCode.USAGE)
        return ((place, read_line(line)) for place, line in file_lines(events))
    return _records(since, bootstrap_servers)


def _records(since: str | None, bootstrap_servers: str | None) -> Iterator[tuple[str, "Decoded"]]:
    from engine.cli.inputs import settings_at
    from engine.cli.reading import place, read_topics
    from engine.contract.codec import decode

    settings = settings_at(bootstrap_servers)
    for record in read_topics(settings, (settings.tickets_topic, settings.incidents_topic), since):
        yield place(record), decode(record.key, record.value, record.headers, record.timestamp)


def _policies(book: "Book") -> list[str]:
    return [f"{policy.name} from {policy.version}" for policy in book.policies]


def _notes(backtest: "Backtest", folders: tuple[Path, Path], newest: bool) -> Iterator[str]:
    """What a reader must know before the numbers."""
    from engine.core.instants import format_instant

    hint = "" if newest else "; --newest judges as if always in force"
    sides = ("before", "after")
    for side, folder, metrics in zip(sides, folders, backtest.owed, strict=True):
        if metrics:
            yield f"only {side} ({folder}) owes: {', '.join(metrics)}"
    for side, policies, rules in zip(sides, backtest.unused, backtest.to_come, strict=True):
        idle = [f"{policy.name} from {policy.version}" for policy in policies]
        idle += [f"the severity rules from {format_instant(each.effective_from)}" for each in rules]
        for what in idle:
            yield f"{side}: nothing was judged by {what}{hint}"
    for side, number in zip(sides, backtest.unclassified, strict=True):
        if number:
            yield f"{side}: no policy takes {number:,} of the escalations"


def _draw(
    backtest: "Backtest", folders: tuple[Path, Path], books: list["Book"], top: int, *, newest: bool
) -> None:
    from engine.cli.comparison import BOOKS
    from engine.cli.drawing import draw_affected, draw_examples, draw_kinds, draw_sums, many
    from engine.cli.output import page, say
    from engine.core.instants import format_instant

    counts, sums = backtest.counts, backtest.sums
    for reason, number in {**counts.ignored, "unreadable": counts.rejected, **backtest.judged}.items():
        if number and reason not in ("forgotten", "late", "unclassified"):
            say(f"{reason.replace('_', ' ')}: {number:,}")
    console = page()
    until = format_instant(backtest.until)
    escalations = many(len(counts.subjects), "escalation", "escalations")
    console.print(f"{many(counts.events, 'event', 'events')} of {escalations}, judged up to {until}")
    for side, folder, book in zip(BOOKS, folders, books, strict=True):
        console.print(f"{side + ':':<8}{folder}  ({', '.join(_policies(book))})")
    for note in _notes(backtest, folders, newest):
        console.print(f"note: {note}", style="yellow")
    console.print()
    draw_sums(console, "What is said", sums, BOOKS)
    draw_kinds(console, sums, BOOKS, backtest.owed, top)
    draw_affected(console, sums, BOOKS, top)
    draw_examples(console, sums, BOOKS, top)
    if not sums.changed:
        console.print("no verdict differs")


def _print_json(backtest: "Backtest", folders: tuple[Path, Path], books: list["Book"], top: int) -> None:
    from engine.cli.comparison import BOOKS, sums_in_json
    from engine.cli.output import say_json
    from engine.core.instants import format_instant

    counts = backtest.counts
    sides = {
        side: {
            "folder": str(folder),
            "policies": [{"name": p.name, "version": p.version, "hash": p.hash} for p in book.policies],
            "only_here": metrics,
            "unused": [{"name": p.name, "version": p.version} for p in unused],
            "severity_rules_to_come": [format_instant(rules.effective_from) for rules in to_come],
            "unclassified": unclassified,
        }
        for side, folder, book, metrics, unused, to_come, unclassified in zip(
            BOOKS,
            folders,
            books,
            backtest.owed,
            backtest.unused,
            backtest.to_come,
            backtest.unclassified,
            strict=True,
        )
    }
    say_json(
        {
            **sides,
            "events": counts.events,
            "escalations": len(counts.subjects),
            "until": format_instant(backtest.until),
            "after_until": counts.after_until,
            "ignored": dict(sorted(counts.ignored.items())),
            "unreadable": counts.rejected,
            "counts": backtest.judged,
            **sums_in_json(backtest.sums, BOOKS, top),
        }
    )
