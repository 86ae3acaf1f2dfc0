"""`vigil patterns`: what recurs, whether that was flagged, and which patterns may be one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli import accounts
from engine.cli.exits import ExitCode, Failure
from engine.cli.options import OptionalPolicies

if TYPE_CHECKING:
    from rich.console import Console

    from engine.replay.patterns import NearMiss, Pattern, Patterns


def command(
    events: accounts.Events = None,
    policies: OptionalPolicies = None,
    archive: accounts.Archive = None,
    at: accounts.At = None,
    similarity: Annotated[
        float, typer.Option(min=0.05, max=1, help="Share of their words that near misses have in common.")
    ] = 0.5,
    top: Annotated[int, typer.Option(min=1, help="Patterns, and near misses, to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="All of them as JSON, for programs.")] = False,
) -> None:
    """What recurs, and what of it was flagged in time.

    A row a pattern that recurred: its members, and whether it was flagged, is to
    be flagged, or is overdue. Then near misses: two patterns of one service and
    component whose titles share most of their words. Whether they are one, a
    person decides, by giving the members of the other that fingerprint; flagged
    is a pattern by an event, too:

    \b
      vigil send --type ticket.updated.v1 --subject desk:7 \\
        --data '{"fingerprint": "mail-smtp-queue-full-e0378c0cd219"}'
      vigil send --type ticket.recurrence_flagged.v1 \\
        --subject pattern:mail-smtp-queue-full-e0378c0cd219 \\
        --data '{"pattern": "mail-smtp-queue-full-e0378c0cd219", "to": ["product"]}'

    \b
    Examples:
      vigil patterns events.jsonl -p policies
      vigil patterns events.jsonl.gz -p policies --at 2026-04-01T00:00:00Z --json
      vigil patterns --archive sqlite:///archive.db -p policies
      vigil patterns events.jsonl -p policies --similarity 0.8
    """
    from engine.cli.inputs import judging
    from engine.replay.patterns import Patterns, near_misses

    asked = accounts.Asked(events, policies, archive, at)
    if asked.book is None:
        raise Failure("patterns are made by --policies", ExitCode.USAGE, accounts.OR_SET)
    read = Patterns(asked.book, judging())
    found = [one for known in asked.known(asked.book) for one in read.read([known], asked.at)]
    near = near_misses(found, similarity)
    if as_json:
        _print_json(read, found, near)
    else:
        _draw(read, found, near, top)
    if asked.unreadable:
        raise typer.Exit(ExitCode.FOUND)


def _draw(read: "Patterns", found: Sequence["Pattern"], near: Sequence["NearMiss"], top: int) -> None:
    from engine.cli.drawing import many
    from engine.cli.output import page
    from engine.replay.patterns import urgency

    console = page()
    recurring = sorted((one for one in found if one.cycle), key=urgency)
    escalations = many(read.escalations, "escalation", "escalations")
    patterns = many(len(found), "pattern", "patterns")
    console.print(f"{escalations}, {patterns}, {len(recurring):,} of them recurred; {read.without:,} in none")
    if recurring:
        _draw_recurring(console, recurring[:top])
    if near:
        _draw_near(console, near[:top])


def _draw_recurring(console: "Console", recurring: Sequence["Pattern"]) -> None:
    from engine.cli.output import table
    from engine.core.instants import format_instant
    from engine.replay.patterns import OVERDUE, OWED

    rows = [
        (
            one.state,
            "" if one.at is None else format_instant(one.at)[:16].replace("T", " "),
            len(one.members),
            one.cycle,
            one.title,
            "\n".join(member.subject for member in one.members[-3:]),
        )
        for one in recurring
    ]
    columns = ("flag", "due, or when (UTC)", "members", "times", "title", "latest members")
    console.print(table("What recurs", columns, rows))
    owed = [one for one in recurring if one.state in (OVERDUE, OWED)]
    if owed:
        console.print("\nTold to those who can end it, flag it:")
    for one in owed:
        data: dict[str, object] = {"pattern": one.fingerprint, "to": list(one.notify)}
        console.print(f"  {_command('recurrence_flagged', one.subject, data)}")


def _draw_near(console: "Console", near: Sequence["NearMiss"]) -> None:
    from engine.cli.output import table

    rows = [
        (
            f"{one.similarity:.2f}",
            len(one.into.members),
            one.into.title,
            len(one.other.members),
            one.other.title,
        )
        for one in near
    ]
    console.print()
    columns = ("alike", "members", "title", "members", "the other title")
    console.print(table("Near misses: are these one?", columns, rows))
    console.print("\nIf they are, give the members of the other the fingerprint of the one:")
    for one in near:
        for line in _confirming(one)[:3]:
            console.print(f"  {line}")


def _confirming(near: "NearMiss") -> list[str]:
    """The command for each member of the other pattern."""
    data: dict[str, object] = {"fingerprint": near.into.fingerprint}
    return [_command("updated", member.subject, data) for member in near.other.members]


def _command(verb: str, subject: str, data: dict[str, object]) -> str:
    import json
    import shlex

    told = shlex.quote(json.dumps(data, ensure_ascii=False))
    return f"vigil send --type ticket.{verb}.v1 --subject {shlex.quote(subject)} --data {told}"


def _print_json(read: "Patterns", found: Sequence["Pattern"], near: Sequence["NearMiss"]) -> None:
    from engine.cli.output import say_json
    from engine.replay.patterns import as_plain, urgency

    say_json(
        {
            "escalations": read.escalations,
            "in_no_pattern": read.without,
            "patterns": [as_plain(one) for one in sorted(found, key=urgency)],
            "near_misses": [
                {
                    "similarity": round(one.similarity, 3),
                    "into": one.into.fingerprint,
                    "other": one.other.fingerprint,
                    "titles": [one.into.title, one.other.title],
                    "confirm": _confirming(one),
                }
                for one in near
            ],
        }
    )
