"""`vigil policy rebase`: what is open goes on by another version of its policy, from an instant on."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from engine.cli import accounts
from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Brokers, Json, OptionalPolicies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.cli.sending import Message, Refused
    from engine.core.instants import Instant
    from engine.core.policy import Book, Policy
    from engine.settings import Settings

SOURCE = "urn:vigil:rebase"


class _Moving(NamedTuple):
    """One escalation that is to move."""

    subject: str
    was: str | None
    """The version that it has; None where nobody looked."""
    severity: str | None


def command(
    events: accounts.Events = None,
    policies: OptionalPolicies = None,
    archive: accounts.Archive = None,
    subject: Annotated[
        list[str] | None, typer.Option("--subject", metavar="ID", help="Only this escalation; repeatable.")
    ] = None,
    policy: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of which policy; needed where there are several.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Its effective_from. Else the latest that has begun by then."),
    ] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="VERSION", help="Only what has this version. Else any other one."),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="From this time on, ISO 8601 with an offset. Else from now on.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.")] = "",
    by: Annotated[str | None, typer.Option(help="Who decided it.")] = None,
    bootstrap_servers: Brokers = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which, and send nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Move open escalations to another version of their policy, from an instant on.

    An event each, `rebased`, to the escalations named by --subject, or to all that
    owe something still and have another version of the policy: they are read from
    EVENTS or from an --archive, as `vigil risk` does. What was said before the
    instant stands; what happens then is in docs/policies.md. The workers must have
    the version already: without it the event is a dead letter,
    `unknown_policy_version`.

    \b
    Examples:
      vigil policy rebase --archive sqlite:///vigil.db -p policies --dry-run
      vigil policy rebase --archive sqlite:///vigil.db -p policies --policy gold \\
        --from 2026-01-01T00:00:00Z --reason "the new contract" --by kim
      vigil policy rebase -p policies --subject desk:7 --reason "the new contract"
    """
    from engine.cli.inputs import instant, now, settings_at
    from engine.policies import load

    if policies is None:
        what = "a rebase needs --policies: the version is one of theirs"
        raise Failure(what, ExitCode.USAGE, accounts.OR_SET)
    if not reason and not dry_run:
        raise Failure("a rebase needs a --reason", ExitCode.USAGE)
    book, when = load(policies), now() if at is None else instant("--at", at)
    target = _target(book, policy, to, when)
    unreadable = 0
    if subject:
        moving = [_Moving(one, None, None) for one in dict.fromkeys(subject)]
    else:
        was = None if from_ is None else _version(book, target.name, from_, "--from").version
        moving, unreadable = _open(events, policies, archive, when, target, was)
    refused: Sequence[Refused] = ()
    if moving and not dry_run:
        refused = _send(settings_at(bootstrap_servers), moving, target, when, reason, by)
    _say(moving, target, when, refused, dry_run=dry_run, as_json=as_json)
    if refused or unreadable:
        raise typer.Exit(ExitCode.FOUND)


def _target(book: "Book", name: str | None, to: str | None, when: "Instant") -> "Policy":
    """The version to move to."""
    from engine.core.instants import format_instant
    from engine.policies.problems import found

    names = list(dict.fromkeys(policy.name for policy in book.policies))
    if name is None and len(names) == 1:
        name = names[0]
    if name is None or name not in names:
        what = "which policy? --policy names it" if name is None else f"no policy {found(name, names)}"
        raise Failure(what, ExitCode.USAGE, f"there are {', '.join(names)}")
    if to is not None:
        return _version(book, name, to, "--to")
    begun = [each for each in book.policies if each.name == name and each.effective_from <= when]
    if not begun:
        raise Failure(f"no version of {name} has begun by {format_instant(when)}", ExitCode.USAGE)
    return max(begun, key=lambda each: each.effective_from)


def _version(book: "Book", name: str, text: str, option: str) -> "Policy":
    """The version that an option names, by its whole effective_from or by the beginning of it."""
    versions = [each for each in book.policies if each.name == name]
    named = [each for each in versions if each.version.startswith(text)]
    if len(named) != 1:
        there = ", ".join(each.version for each in versions)
        count = "none" if not named else "more than one"
        raise Failure(f"{option} {text}: {count} of {name} begins so", ExitCode.USAGE, f"there are {there}")
    return named[0]


def _open(
    events: list[str] | None,
    policies: "Path",
    archive: str | None,
    when: "Instant",
    target: "Policy",
    was: str | None,
) -> tuple[list[_Moving], int]:
    """What owes something still and has another version of the policy, or the one asked for; and how many
    lines of the events are none."""
    from engine.core import state
    from engine.core.escalation import GONE, OPEN
    from engine.core.instants import NEVER, format_instant

    asked = accounts.Asked(events, policies, archive, format_instant(when))
    moving = []
    for judged in asked.read():
        if judged.record is None:
            continue
        e, _ = state.decode(judged.record)
        is_running = e.status == OPEN or (e.status not in GONE and e.alarm < NEVER)
        if is_running and not e.occurrences and e.policy == target.name:
            is_meant = e.policy_hash != target.hash if was is None else e.policy_version == was
            if is_meant:
                moving.append(_Moving(e.subject, e.policy_version, e.severity))
    return moving, asked.unreadable


def _send(
    settings: "Settings",
    moving: "Sequence[_Moving]",
    target: "Policy",
    when: "Instant",
    reason: str,
    by: str | None,
) -> "list[Refused]":
    """An event each, acknowledged by the brokers; what was not sent."""
    from engine.cli.sending import deliver, event_line, message
    from engine.core.instants import format_instant

    data = {"policy": target.name, "version": target.version, "hash": target.hash, "reason": reason}
    if by:
        data["by"] = by

    def messages() -> "Iterator[Message | Refused]":
        for one in moving:
            line = event_line("ticket.rebased.v1", one.subject, data, SOURCE, time=format_instant(when))
            yield message(one.subject, line, settings, None)

    return deliver(settings, messages()).refused


def _say(
    moving: "Sequence[_Moving]",
    target: "Policy",
    when: "Instant",
    refused: "Sequence[Refused]",
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from engine.cli.drawing import many
    from engine.cli.output import Notes, page, say, say_json, table
    from engine.core.instants import format_instant

    if as_json:
        say_json(
            {
                "policy": {"name": target.name, "version": target.version, "hash": target.hash},
                "at": format_instant(when),
                "escalations": [{"subject": one.subject, "was": one.was} for one in moving],
                "sent": 0 if dry_run else len(moving) - len(refused),
                "refused": [one._asdict() for one in refused],
            }
        )
        return
    if dry_run and moving:
        heads = ["severity", "subject", "has", "gets"]
        rows = [[one.severity or "", one.subject, one.was or "", target.version] for one in moving]
        title = f"{target.name}, from {format_instant(when)} on"
        page().print(table(title, heads, rows))
    notes = Notes()
    for one in refused:
        notes.add(f"{one.place}: {one.reason}")
    count = many(len(moving) - len(refused), "escalation", "escalations")
    told = "would move" if dry_run else "told to move"
    say(f"{count} {told} to {target.name} of {target.version}")
