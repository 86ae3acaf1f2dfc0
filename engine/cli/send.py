"""`vigil send`: CloudEvents from files, or one given by hand, onto Kafka."""

from collections import Counter
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.options import Brokers

if TYPE_CHECKING:
    from engine.cli.sending import Message, Refused


def command(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="JSON Lines: plain, .gz, or - for stdin.")
    ] = None,
    bootstrap_servers: Brokers = None,
    topic: Annotated[
        str | None, typer.Option(help="Instead of the tickets or the incidents topic, as the type says.")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="At most so many events a second.")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Send one event of this type, such as ticket.opened.v1.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Its escalation's id.")] = None,
    data: Annotated[str, typer.Option(help="Its data as JSON.")] = "{}",
    time: Annotated[
        str | None, typer.Option(help="When it happened, ISO 8601 with an offset; else now.")
    ] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Its id; else a new one.")] = None,
    source: Annotated[str, typer.Option(help="Its source.")] = "urn:vigil:send",
    json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Send CloudEvents to Kafka, from files or one by hand.

    Lines are structured CloudEvents in JSON; they go out in binary mode, keyed by their subject, ticket.… and
    incident.… to their topics. A line that Vigil could not read is not sent: it is reported with its number,
    and the command ends with 1. All others are sent, and the brokers have acknowledged each before it ends.
    Types and fields that Vigil does not know are sent and counted; a --type that it does not know is refused.

    \b
    Examples:
      vigil send events.jsonl.gz
      vigil import github-status incidents.jsonl | vigil send - --rate 100
      vigil send --type ticket.opened.v1 --subject desk:1 --data '{"title": "Down", "severity": "P1"}'
    """
    from engine.cli.drawing import many
    from engine.cli.inputs import settings_at
    from engine.cli.output import Notes, say, say_json
    from engine.cli.sending import Message, deliver, message

    settings = settings_at(bootstrap_servers)
    if files and (type_ is not None or subject is not None):
        raise Failure("name either FILE, or --type and --subject", ExitCode.USAGE)
    if type_ is not None:
        lines = iter([("--type", _event(type_, subject, data, time, id_, source))])
    elif files:
        lines = _lines(files)
    else:
        raise Failure("nothing to send", ExitCode.USAGE, "name a FILE, - for stdin, or --type and --subject")
    types, fields = Counter[str](), Counter[str]()

    def messages() -> "Iterator[Message | Refused]":
        for place, line in lines:
            one = message(place, line, settings, topic)
            if isinstance(one, Message):
                types.update([one.unknown_type] if one.unknown_type else ())
                fields.update(one.unknown_fields)
            yield one

    sent = deliver(settings, messages(), rate=rate)
    shown = Notes()
    for one in sent.refused:
        shown.add(f"{one.place}: {one.reason}")
    if json:
        refused = [one._asdict() for one in sent.refused]
        unknown = {"unknown_types": dict(types), "unknown_fields": dict(fields)}
        say_json({"acknowledged": sent.acknowledged, "refused": refused, **unknown})
    else:
        for what, found in (("type", types), ("field", fields)):
            for name, number in sorted(found.items()):
                shown.add(f"unknown {what} {name}: {number:,}")
        told = many(sent.acknowledged, "event", "events")
        say(f"{told} acknowledged, {many(len(sent.refused), 'line', 'lines')} refused")
    if sent.refused:
        raise typer.Exit(ExitCode.FOUND)


def _lines(files: list[str]) -> Iterator[tuple[str, bytes]]:
    from engine.cli.output import progress
    from engine.replay.files import STANDARD, read_lines, size

    sizes = [size(file) for file in files]  # now: a file that is not there must not end half a transfer
    total = None if STANDARD in files else sum(filter(None, sizes))

    def lines() -> Iterator[tuple[str, bytes]]:
        with progress("sending", total) as advance:
            for file in files:
                for number, line in read_lines(file, advance):
                    yield f"{file}:{number}", line

    return lines()


def _event(
    type_: str, subject: str | None, data: str, time: str | None, id_: str | None, source: str
) -> bytes:
    import orjson

    from engine.cli.inputs import instant
    from engine.cli.sending import event_line
    from engine.contract.codec import Unreadable, read_line
    from engine.contract.events import TYPES

    if subject is None:
        raise Failure("--type needs --subject", ExitCode.USAGE, "the subject is the escalation's id")
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Failure(f"--data is not JSON: {error}", ExitCode.USAGE) from None
    if time is not None:
        instant("--time", time)
    line = event_line(type_, subject, parsed, source, time=time, id_=id_)
    said = read_line(line)
    if isinstance(said, Unreadable) and said.ignored:
        near = get_close_matches(type_, TYPES, 1)
        hint = f"did you mean {near[0]}?" if near else "docs/contract.md has the types"
        raise Failure(f"--type: {said.detail}", ExitCode.FOUND, hint)
    return line
