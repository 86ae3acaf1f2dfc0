"""Reads escalations for their patterns and judges these: here, or in a process of its own where it is much.

The process is started by `engine.console.recurring`. Lines of JSON come on stdin: where the archive and the
policies are, then one request after the other, each answered by a line. It runs behind everything else on the
machine, and ends when nobody asks it any more.
"""

import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import msgspec
from sqlalchemy import Engine, select

from engine.archive.accounts import fact_of
from engine.archive.tables import facts
from engine.console.behind import step_behind
from engine.console.sides import mark_of
from engine.core.decide import Options
from engine.core.facts import Fact
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.core.recurrence import is_pattern
from engine.core.relays import Relay
from engine.policies import load
from engine.policies.problems import PolicyErrors
from engine.replay.gather import Known
from engine.replay.patterns import Pattern, Patterns
from engine.replay.relaying import Occurring
from engine.sql.database import connect, give_up_on_silence

MOST_MEMORY = 700_000_000
"""Bytes of address space."""
_MOST_SECONDS = 120
"""Of one request: whatever it is at, it is ended then."""


class Read(NamedTuple):
    """What one subject has to do with patterns."""

    subject: str
    passed: list[Relay]
    """Of an escalation: that it is an occurrence."""
    said: list[Fact]
    """Of a pattern: what was said of it."""


class Begin(msgspec.Struct, frozen=True):
    """What is the same for all requests."""

    archive: str
    """Its URL, which may hold a password: it is in no argument and no environment."""
    policies: str
    mark: str
    """Of the policies that the console judges by (`mark_of`)."""
    open_on_first_event: bool


class ToRead(msgspec.Struct, frozen=True, tag="read"):
    subjects: Sequence[str]
    until: Instant


class ToJudge(msgspec.Struct, frozen=True, tag="judge"):
    patterns: Sequence[Known]
    until: Instant


Request: TypeAlias = ToRead | ToJudge


class Work:
    """SQLAlchemy's errors come through where the database is away."""

    def __init__(self, archive: Engine, book: Book, options: Options) -> None:
        self._archive = archive
        self._occurring, self._patterns = Occurring(book, options), Patterns(book, options)

    def read(self, subjects: Sequence[str], until: Instant) -> list[Read]:
        """Those that have a fact by then, by what happened to them until then."""
        happened: defaultdict[str, list[Fact]] = defaultdict(list)
        wanted = select(facts).where(facts.c.subject.in_(subjects), facts.c.at <= until)
        with self._archive.connect() as connection:
            for row in connection.execute(wanted):
                happened[row.subject].append(fact_of(row))
        return [self._read(subject, known) for subject, known in happened.items()]

    def _read(self, subject: str, known: list[Fact]) -> Read:
        if is_pattern(subject):
            return Read(subject, [], known)
        return Read(subject, self._occurring.of(subject, known), [])

    def judge(self, patterns: Sequence[Known], until: Instant) -> list[Pattern]:
        """Each has an occurrence."""
        return [self._patterns.judged(*known, until) for known in patterns]


def begun(line: bytes) -> Work | None:
    """None where the folder's policies judge otherwise than those that the console has read."""
    begin = msgspec.json.decode(line, type=Begin)
    try:
        book = load(Path(begin.policies))
    except (PolicyErrors, OSError):
        return None
    if mark_of(book) != begin.mark:
        return None
    archive = connect(begin.archive, must_exist=True, only_reads=True)
    give_up_on_silence(archive)
    return Work(archive, book, Options(open_on_first_event=begin.open_on_first_event))


def answers(work: Work, lines: Iterator[bytes]) -> Iterator[bytes]:
    """One to each request."""
    decode = msgspec.json.Decoder(Request).decode
    for line in lines:
        signal.alarm(_MOST_SECONDS)
        asked = decode(line)
        told = (
            work.read(asked.subjects, asked.until)
            if isinstance(asked, ToRead)
            else work.judge(asked.patterns, asked.until)
        )
        signal.alarm(0)
        yield msgspec.json.encode(told) + b"\n"


def main() -> None:
    """Whoever asks reads no answer where it has ended, and does the rest itself."""
    step_behind(MOST_MEMORY)
    work = begun(sys.stdin.buffer.readline())
    if work is None:
        return
    try:
        for line in answers(work, iter(sys.stdin.buffer.readline, b"")):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    except BrokenPipeError:  # whoever asked is gone
        os._exit(0)


if __name__ == "__main__":
    main()
