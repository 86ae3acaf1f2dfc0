"""`vigil pir`: the post-incident review: written from the log, and read back when it is filled in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer
from typer.core import TyperGroup

from engine.cli.commands import Command
from engine.cli.exits import ExitCode, Failure
from engine.cli.one_escalation import Archive, Events, Subject, Where
from engine.cli.options import Brokers, Json, Policies
from engine.cli.writing import Form, FormAsked, Output, zone_of

if TYPE_CHECKING:
    from engine.documents.moments import Zone
    from engine.documents.rendering import Press
    from engine.documents.review import Review
    from engine.documents.review_check import Checked

Family: TypeAlias = Literal["ticket", "incident"]


class _Subjects(TyperGroup):
    """`vigil pir SUBJECT` is `vigil pir write SUBJECT`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["write", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Subjects,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Write the review of an escalation, and read it back.

    vigil pir SUBJECT is vigil pir write SUBJECT: everything that the log knows, with marks where a person
    fills in the rest. vigil pir check FILE reads that back, and sends the events that follow from it.
    """,
)


@app.command(cls=Command)
def write(
    subject: Subject,
    policies: Policies,
    events: Events = None,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Judged anew up to this time, ISO 8601 with an offset. Else: all."),
    ] = None,
    zone: Annotated[
        str,
        typer.Option(
            "--zone", help="Tell times in this zone, such as Europe/Oslo. Else: as --filled, or UTC."
        ),
    ] = "",
    form: FormAsked = Form.md,
    output: Output = None,
    filled: Annotated[
        Path | None,
        typer.Option("--filled", help="An earlier review: what was filled in there is taken over."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Every row of the timeline, however many, and each warning.")
    ] = False,
    bootstrap_servers: Brokers = None,
    archive: Archive = None,
) -> None:
    """Write the review of an escalation from the log.

    Summary, impact, timeline with what was late and by how much, the verdicts
    with their proofs, where the time went, who was told what and when, promises
    and action items. What the log does not know is marked; nothing is invented.

    The Markdown has marks for what a person adds: what happened, root cause, five
    whys, contributing factors, what went well, corrective actions. --filled makes
    the rest anew around them, for the final review after the summary.

    \b
    Examples:
      vigil pir desk:48213 -p policies -o review.md
      vigil pir desk:48213 -e events.jsonl -p policies --filled review.md -o final.md
      vigil pir write desk:48213 -e events.jsonl -p policies --format html -o review.html
    """
    from engine.cli.inputs import settings_at
    from engine.cli.output import say
    from engine.documents.outline import outline
    from engine.documents.rendering import IN_FULL, Limits, Press
    from engine.documents.review_form import NoReview
    from engine.documents.review_form import zone_of as zone_of_review
    from engine.replay.files import writing

    if filled is not None and form is Form.json:
        raise Failure("--filled goes with Markdown and HTML", ExitCode.USAGE)
    before = None if filled is None else _markdown(filled)
    try:
        told_in = zone_of(zone) if zone or before is None else zone_of_review(outline(before))
        made = _review(subject, policies, Where(events, bootstrap_servers, archive), at, told_in, full)
        with Press(settings_at(None).templates, IN_FULL if full else Limits()) as press:
            text, undefined = _text(made, press, form, before)
    except NoReview as error:
        raise Failure(f"{filled}: {error}", ExitCode.USAGE) from None
    for name in undefined:
        say(f"pir.md: there is no {name} in its data; it is printed as missing")
    with writing(output) as out:
        out.write(text.encode())


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A review that was filled in.")],
    send: Annotated[
        bool, typer.Option("--send", help="Send the events to Kafka. Else: only say which.")
    ] = False,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Write the events as JSON Lines.")
    ] = None,
    family: Annotated[Family, typer.Option(help="Of the events: what the escalation is.")] = "ticket",
    strict: Annotated[
        bool, typer.Option("--strict", help="Hints count too: blaming words, changed parts, marks.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Check as at this time, ISO 8601 with an offset. Else: now.")
    ] = None,
    bootstrap_servers: Brokers = None,
    as_json: Json = False,
) -> None:
    """Read a review that was filled in, and send what follows from it.

    Says by line what is missing, what is wrong (dates in the past, actions without
    an owner), words that blame with a neutral wording, and parts made from the log
    that were changed. Then which events follow: the RCA published, the review
    held, action items opened. Sent twice they change nothing.

    Ends with 1, and sends nothing, where something is missing or wrong.

    \b
    Examples:
      vigil pir check review.md
      vigil pir check review.md --send
      vigil pir check review.md --out events.jsonl
    """
    from engine.documents.review_check import check as checked
    from engine.documents.review_events import events_of, refused
    from engine.documents.review_form import NoReview

    try:
        found = checked(_markdown(file), _now(as_of))
    except NoReview as error:
        raise Failure(f"{file}: {error}", ExitCode.USAGE, "`vigil pir SUBJECT` makes one") from None
    events: list[dict[str, Any]] = []
    if found.is_ready:
        events = events_of(found.answers, family)
        found.problems.extend(refused(events))
    is_good = found.is_ready and not (strict and found.problems)
    if is_good and out is not None:
        _write(events, out)
    acknowledged = _send(events, bootstrap_servers) if is_good and send else None
    if as_json:
        _say_json(found, events, is_good, acknowledged)
    else:
        _say(file, found, events, is_good, acknowledged)
    if not is_good:
        raise typer.Exit(ExitCode.FOUND)


def _markdown(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise Failure(f"{file}: not UTF-8: {error}", ExitCode.USAGE) from None


# -- writing --------------------------------------------------------------------------------------


def _review(
    subject: str,
    policies: Path,
    where: Where,
    at: str | None,
    zone: "Zone",
    full: bool,
) -> "Review":
    from engine.archive.account import Account
    from engine.cli.inputs import instant, judging
    from engine.core.standing import CorrectionOfNothing
    from engine.documents.review import review
    from engine.documents.situation import Situation
    from engine.policies import load
    from engine.replay.explaining import latest
    from engine.replay.judging import Bench

    book, options = load(policies), judging()
    facts, said = where.read(book, subject, options)
    end = latest(facts, said or ()) if at is None else instant("--at", at)
    known = [fact for fact in facts if fact.at <= end]
    if said is None or at is not None:
        said = Bench(book, options, lambda *_: None).judge(subject, known, end)
    account = Account(subject, known, said)
    try:
        dues = {one.id: one.due for one in Situation(account, book, end).escalation.actions}
        return review(account, dues, full=full, zone=zone)
    except CorrectionOfNothing as error:
        hint = "--at, or --events, judges the events anew"
        raise Failure(str(error), ExitCode.FOUND, hint) from None


def _text(made: "Review", press: "Press", form: Form, before: str | None) -> tuple[str, tuple[str, ...]]:
    """The document, and the names that its template asked for in vain."""
    import orjson

    from engine.documents.pages import page, to_html
    from engine.documents.review_form import fill_in

    if form is Form.json:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(made.plain(), option=options).decode(), ()
    markdown, undefined = fill_in(made, press, before)
    if form is Form.md:
        return markdown, undefined
    return page(f"Post-incident review: {made.title or made.subject}", to_html(markdown)), undefined


# -- checking -------------------------------------------------------------------------------------


def _now(as_of: str | None) -> Any:
    from engine.cli.inputs import instant, now

    return now() if as_of is None else instant("--as-of", as_of)


def _lines(events: list[dict[str, Any]]) -> list[bytes]:
    import orjson

    return [orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events]


def _write(events: list[dict[str, Any]], path: str) -> None:
    from engine.replay.files import writing

    with writing(path) as file:
        for line in _lines(events):
            file.write(line)


def _send(events: list[dict[str, Any]], bootstrap_servers: str | None) -> int:
    from engine.cli.inputs import settings_at
    from engine.cli.sending import deliver, message

    settings = settings_at(bootstrap_servers)
    lines = enumerate(_lines(events), 1)
    sent = deliver(settings, (message(f"event {number}", line, settings, None) for number, line in lines))
    if sent.refused:
        raise Failure("; ".join(f"{one.place}: {one.reason}" for one in sent.refused))
    return sent.acknowledged


def _say(
    file: Path, found: "Checked", events: list[dict[str, Any]], is_good: bool, acknowledged: int | None
) -> None:
    from engine.cli.drawing import many
    from engine.cli.output import people, say, table

    for one in found.problems:
        place = f"{file}:{one.line}" if one.line else str(file)
        typer.echo(f"{place}: {'hint: ' if one.is_hint else ''}{one.text}")
    hints = sum(one.is_hint for one in found.problems)
    say(f"{many(len(found.problems) - hints, 'problem', 'problems')}, {many(hints, 'hint', 'hints')}")
    if not is_good:
        say("nothing is sent: see above")
        return
    rows = [(event["time"], event["type"], _shown(event["data"])) for event in events]
    people().print(table("What follows from it", ("Time", "Event", "What it says"), rows))
    if acknowledged is None:
        say("not sent; --send sends it, --out writes it to a file")
    else:
        say(f"{many(acknowledged, 'event', 'events')} acknowledged")


def _shown(data: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in data.items())


def _say_json(
    found: "Checked", events: list[dict[str, Any]], is_good: bool, acknowledged: int | None
) -> None:
    from engine.cli.output import say_json

    say_json(
        {
            "subject": found.answers.subject,
            "stage": found.answers.stage,
            "ready": is_good,
            "problems": [one._asdict() for one in found.problems],
            "events": events,
            "acknowledged": acknowledged,
        }
    )
