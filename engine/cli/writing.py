"""What the commands that write a document of one escalation share: its account, the form, where it goes."""

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from engine.cli.exits import ExitCode, Failure
from engine.cli.one_escalation import Where

if TYPE_CHECKING:
    from pathlib import Path

    from engine.core.instants import Instant
    from engine.documents.moments import Zone
    from engine.documents.situation import Situation
    from engine.documents.writing import Document


class Form(StrEnum):
    """A page is for reading, Markdown for sending and editing, JSON for programs."""

    md = "md"
    html = "html"
    json = "json"


At = Annotated[
    str | None, typer.Option("--at", help="As it stood at this time, ISO 8601 with an offset. Else: now.")
]
ZoneName = Annotated[
    str, typer.Option("--zone", help="Tell times in this zone, such as Europe/Oslo. Else: the policy's.")
]
FormAsked = Annotated[Form, typer.Option("--format", "-f", help="Markdown, a page, or the data behind it.")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file. Else: stdout.")
]


def zone_of(name: str) -> "Zone":
    """The zone that --zone names; UTC where it names none. Failure where there is none of that name."""
    from zoneinfo import ZoneInfoNotFoundError

    from engine.documents.moments import UTC, Zone

    try:
        return Zone(name) if name else UTC
    except ZoneInfoNotFoundError:
        raise Failure(f"--zone {name}: there is no such time zone", ExitCode.USAGE) from None


class Asked:
    """Which escalation is written about, as of when, and how."""

    def __init__(
        self, subject: str, policies: "Path", where: Where, at: str | None, zone: str, form: Form,
        output: str | None,
    ) -> None:  # fmt: skip
        self.subject, self.policies, self.where = subject, policies, where
        self.at, self.zone, self.form, self.output = at, zone, form, output

    def write(self, compose: "Callable[[Situation], Document]") -> None:
        """The document to where it was asked for; a note for every name that its template got wrong."""
        from engine.cli.output import say
        from engine.documents.rendering import Press
        from engine.documents.writing import write
        from engine.replay.files import writing
        from engine.settings import Settings

        document = compose(self._situation())
        with Press(Settings().templates) as press:
            written = write(press, document, self.form.value)
        for name in written.undefined:
            say(f"{document.template}: there is no {name} in its data; it is printed as missing")
        with writing(self.output) as out:
            out.write(written.text.encode())

    def _situation(self) -> "Situation":
        from engine.archive.account import Account
        from engine.cli.inputs import judging
        from engine.documents.situation import Situation
        from engine.policies import load
        from engine.replay.judging import Bench

        zone_of(self.zone)  # refused before anything is read
        at, book, options = self._when(), load(self.policies), judging()
        facts, said = self.where.read(book, self.subject, options)
        if said is None:
            in_time = [fact for fact in facts if fact.at <= at]
            said = Bench(book, options, lambda *_: None).judge(self.subject, in_time, at)
        return Situation(Account(self.subject, facts, said), book, at, self.zone)

    def _when(self) -> "Instant":
        from engine.cli.inputs import instant, now

        return now() if self.at is None else instant("--at", self.at)
