"""One escalation's events, from files or from the topics: what commands that look at a single one read."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from engine.cli.exits import ExitCode, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.cli.reading import Record
    from engine.contract.codec import Received
    from engine.core.decide import Options
    from engine.core.facts import Fact
    from engine.core.outcomes import Outcome
    from engine.core.policy import Book

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="The escalation's id.")]
Events = Annotated[
    list[str] | None,
    typer.Option("--events", "-e", metavar="FILE", help="Its events, as JSON Lines. Else: from Kafka."),
]

Archive = Annotated[
    str | None,
    typer.Option("--archive", metavar="URL", help="From this archive instead, such as sqlite:///vigil.db."),
]


class Where(NamedTuple):
    """Where an escalation is read from: files, an archive, else the topics."""

    events: list[str] | None = None
    bootstrap_servers: str | None = None
    archive: str | None = None

    def read(
        self, book: "Book", subject: str, options: "Options"
    ) -> "tuple[list[Fact], list[Outcome] | None]":
        """Its facts, and what was said of it; None of files: they are to be judged. Failure where it is not
        there, and where more than one place is named."""
        if sum(map(bool, self)) > 1:
            raise Failure("name one of --events, --bootstrap-servers and --archive", ExitCode.USAGE)
        if self.events:
            return of_files(self.events, book, subject, options), None
        if self.archive:
            return _of_archive(self.archive, book, subject, options)
        return of_topics(self.bootstrap_servers, book, subject, options)


def _of_archive(
    url: str, book: "Book", subject: str, options: "Options"
) -> "tuple[list[Fact], list[Outcome]]":
    from engine.archive.accounts import account_with
    from engine.cli.accounts import connected
    from engine.core.instants import NEVER
    from engine.replay.relaying import Relaying

    with connected(url) as connection:
        found = account_with(connection, subject, Relaying(book, options, lambda: NEVER).passed_on)
    return _some(list(found.facts), subject), list(found.outcomes)


def of_files(files: list[str], book: "Book", subject: str, options: "Options") -> "list[Fact]":
    """Its facts in files of events, and what others in them pass on to it. Failure where there is none."""
    return _some(_facts(_events_of_files(files), book, subject, options), subject)


def of_topics(
    bootstrap_servers: str | None, book: "Book", subject: str, options: "Options"
) -> "tuple[list[Fact], list[Outcome]]":
    """Its facts and outcomes in the topics, to their ends now. Failure where there is none."""
    facts, said = _from_topics(bootstrap_servers, book, subject, options)
    return _some(facts, subject), said


def _some(facts: "list[Fact]", subject: str) -> "list[Fact]":
    if not facts:
        raise Failure(f"there is no event of {subject}", ExitCode.FOUND, "the id is the events' subject")
    return facts


def _facts(read: "Iterable[Received]", book: "Book", subject: str, options: "Options") -> "list[Fact]":
    """Its facts among all events, and what others pass on to it."""
    from engine.core.instants import NEVER
    from engine.replay.gather import by_subject
    from engine.replay.relaying import Relaying
    from engine.replay.sorting import Sorter

    with Sorter(tuple[str, int]) as sorter:
        for known in by_subject(read, sorter, Relaying(book, options, lambda: NEVER)):
            if known.subject == subject:
                return known.facts + known.relayed
    return []


def _events_of_files(files: list[str]) -> "Iterator[Received]":
    from engine.cli.inputs import file_lines
    from engine.cli.output import Notes
    from engine.replay.gather import Counts, receive

    notes = Notes()
    return receive(file_lines(files), Counts(), lambda line: notes.add(str(line)))


def _from_topics(
    bootstrap_servers: str | None, book: "Book", subject: str, options: "Options"
) -> "tuple[list[Fact], list[Outcome]]":
    """The escalation's records of the event topics and of the outcomes topic.

    What others pass on to it follows from their events: the commands topic keeps commands for a shorter time.
    """
    from engine.cli.inputs import settings_at
    from engine.cli.reading import place, read_topics
    from engine.contract.codec import decode_outcome
    from engine.core.recurrence import is_pattern

    settings = settings_at(bootstrap_servers)
    wanted = subject.encode()
    mine, others_name_it = [], is_pattern(subject)
    for record in read_topics(settings, [settings.tickets_topic, settings.incidents_topic]):
        if record.key == wanted:
            mine.append(record)
        elif not others_name_it:
            others_name_it = any(name in (record.value or b"") for name in _as_written(subject))
    if others_name_it:  # it may be linked, or another merged into it, or be a pattern of them
        records = read_topics(settings, [settings.tickets_topic, settings.incidents_topic])
        facts = _facts(_events_of(records), book, subject, options)
    else:
        facts = [one.fact for one in _events_of(mine)]
    said = []
    for record in read_topics(settings, [settings.outcomes_topic]):
        if record.key == wanted:
            try:
                said.append(decode_outcome(record.value or b"", record.headers))
            except ValueError as error:
                raise Failure(f"{place(record)}: {error}", ExitCode.FOUND) from None
    return facts, said


def _as_written(subject: str) -> set[bytes]:
    """As JSON may write it: plain, in ASCII alone, with an escaped slash."""
    import json

    written = [json.dumps(subject, ensure_ascii=ascii_alone)[1:-1] for ascii_alone in (False, True)]
    return {text.encode() for plain in written for text in (plain, plain.replace("/", "\\/"))}


def _events_of(records: "Iterable[Record]") -> "Iterator[Received]":
    from engine.contract.codec import Received, decode

    for record in records:
        read = decode(record.key, record.value or b"", record.headers, record.timestamp)
        if isinstance(read, Received):
            yield read
