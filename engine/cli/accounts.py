"""The accounts that a command reads: judged from files of events, or as an archive holds them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.archive.account import Account
    from engine.contract.codec import Received
    from engine.core.facts import Fact
    from engine.core.instants import Instant
    from engine.core.outcomes import Outcome
    from engine.core.policy import Book
    from engine.replay.gather import Known
    from engine.replay.relaying import Relaying

Events = Annotated[
    list[str] | None,
    typer.Argument(metavar="EVENTS", help="CloudEvents JSON Lines: plain, .gz, or - for stdin."),
]
Archive = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="URL",
        help="Read this archive, such as sqlite:///vigil.db. Without EVENTS: VIGIL_ARCHIVE_URL.",
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        help="As of this time, ISO 8601 with an offset. Else: the last event's; of an archive: now."
    ),
]


OR_SET = "VIGIL_POLICIES names them as well"


class Judged(NamedTuple):
    """One escalation up to the time asked about."""

    account: "Account"
    record: bytes | None
    """What is stored of it by then; None without policies, and of what nothing is kept any more."""


class Asked:
    """Which accounts, by which policies, as of when. Failure where both files and an archive are named, or
    neither; the archive of the settings is one that is named, for who names no files."""

    def __init__(
        self, events: list[str] | None, policies: Path | None, archive: str | None, at: str | None
    ) -> None:
        from engine.cli.inputs import instant, judging
        from engine.policies import load

        if not events and archive is None:
            archive = _named_archive()
        if bool(events) == (archive is not None):
            hint = "EVENTS are files of CloudEvents; VIGIL_ARCHIVE_URL names an archive as well"
            raise Failure("name either EVENTS or --archive", ExitCode.USAGE, hint)
        if events and policies is None:
            raise Failure("EVENTS are judged by --policies", ExitCode.USAGE, OR_SET)
        self._events, self.archive, self._options = events or [], archive, judging()
        self.book = None if policies is None else load(policies)
        self._at = None if at is None else instant("--at", at)
        self.unreadable = 0
        """Lines of EVENTS that are none; complete when all accounts are read."""

    @property
    def at(self) -> "Instant":
        """The time asked about; where none is, that of the last event, once the files are read, or now."""
        from engine.cli.inputs import now

        if self._at is None:
            self._at = now()
        return self._at

    def read(self) -> "Iterator[Judged]":
        """Every escalation, by subject."""
        if self.book is not None and self._events:
            return self._of_files(self.book)
        return self._of_archive(self.book)

    def _of_files(self, book: "Book") -> "Iterator[Judged]":
        from engine.archive.account import Account

        for subject, facts, relayed in self.known(book):
            if not facts:
                continue  # a pattern of which nobody has said anything: no account tells of it
            outcomes, record = self._settled(book, subject, facts + relayed)
            yield Judged(Account(subject, facts, outcomes), record)

    def known(self, book: "Book") -> "Iterator[Known]":
        """Of every subject, by subject, what was told up to the time asked about and what others passed on to
        it."""
        from engine.replay.gather import by_subject
        from engine.replay.sorting import Sorter

        received = self._received() if self._events else self._archived()
        with Sorter(tuple[str, int]) as sorter:
            yield from by_subject(received, sorter, self._relaying(book))

    def _received(self) -> "Iterator[Received]":
        """Once all events are read, the last of them is the time asked about, where no other is."""
        from engine.cli.inputs import file_lines
        from engine.cli.output import Notes
        from engine.replay.gather import Counts, receive

        counts, notes, until = Counts(), Notes(), self._at
        for one in receive(file_lines(self._events), counts, lambda line: notes.add(str(line))):
            if until is None or one.fact.at <= until:
                yield one
        self.unreadable = counts.rejected
        if self._at is None:
            self._at = counts.newest

    def _archived(self) -> "Iterator[Received]":
        from engine.archive.accounts import accounts
        from engine.contract.codec import Received

        with connected(self.archive or "") as connection:
            for whole in accounts(connection):
                yield from (Received(whole.subject, fact) for fact in whole.facts if fact.at <= self.at)

    def _of_archive(self, book: "Book | None") -> "Iterator[Judged]":
        from engine.archive.account import Account
        from engine.archive.accounts import accounts, linking

        with connected(self.archive or "") as connection:
            relayed: Mapping[str, list[Fact]] = {}
            if book is not None:
                sources = {one.subject: list(one.facts) for one in linking(connection)}
                relayed = self._relaying(book).passed_on(sources) if sources else {}
            for whole in accounts(connection):
                facts = [fact for fact in whole.facts if fact.at <= self.at]
                stood = [one for one in whole.standing if one.effective_at <= self.at]
                record = None
                if book is not None and facts:
                    more = relayed.get(whole.subject, [])
                    _, record = self._settled(book, whole.subject, facts + more)
                yield Judged(Account(whole.subject, facts, stood), record)

    def _settled(
        self, book: "Book", subject: str, facts: "list[Fact]"
    ) -> "tuple[list[Outcome], bytes | None]":
        """What there is to say by the time asked about, and what is stored."""
        from engine.replay.judging import Bench

        changes = Bench(book, self._options, lambda *_: None).settle(subject, facts, self.at)
        return changes.outcomes, dict(changes.records).get(subject.encode())

    def _relaying(self, book: "Book") -> "Relaying":
        from engine.replay.relaying import Relaying

        return Relaying(book, self._options, lambda: self.at)


def _named_archive() -> str | None:
    """That of the settings; None where nobody chose one: what the archive writes by default is nobody's
    question."""
    from engine.settings import Settings

    settings = Settings()
    is_named = {"archive_url", "archive_url_file"} & settings.model_fields_set
    return settings.archive_url.get_secret_value() or None if is_named else None


@contextmanager
def connected(url: str) -> "Iterator[Connection]":
    """A connection that only reads. Failure for a URL that is none, and for what is no archive, or one of
    another release; SchemaRefused too."""
    from sqlalchemy.exc import DBAPIError

    from engine.archive.schema import SCHEMA
    from engine.sql.database import NoDatabase, connect, reason, shown
    from engine.sql.following import AWAY

    try:
        engine = connect(url, must_exist=True, only_reads=True)
    except NoDatabase as error:
        hint = "where --archive is left out, it is VIGIL_ARCHIVE_URL"
        raise Failure(f"--archive {error}", ExitCode.USAGE, hint) from None
    try:
        with engine.connect() as connection:
            version, newest = SCHEMA.version(connection), SCHEMA.newest()
            if version is None:
                makes_one = "`vigil archive load` and `vigil archive run` make one"
                raise Failure(f"{shown(engine)} holds no archive", ExitCode.REFUSED, makes_one)
            if version != newest:
                what = f"{shown(engine)} has schema {version}, and {newest} is read"
                raise Failure(what, ExitCode.REFUSED, "`vigil archive upgrade` brings it up to date")
            yield connection
    except DBAPIError as error:
        code = ExitCode.UNREACHABLE if isinstance(error, AWAY) else ExitCode.REFUSED
        raise Failure(f"{shown(engine)} cannot be read: {reason(error)}", code) from None
    finally:
        engine.dispose()
