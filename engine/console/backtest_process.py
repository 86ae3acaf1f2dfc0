"""A process of its own that judges the archive by two books: its work holds up neither board nor page.

Started by `engine.console.backtests`; a job comes on stdin as one line of JSON, and lines of JSON go out: how
far it is, and at last what was found, or why nothing was. It runs behind everything else on the machine, in
bounded memory and time, and ends when nobody hears it any more.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Select, func, or_, select

from engine.archive.accounts import fact_of
from engine.archive.tables import escalations, facts, pruned
from engine.console.backtested import Found, Limits, Ways, found
from engine.console.behind import step_behind
from engine.console.filters import BadFilter
from engine.console.sides import CANDIDATE, Candidate, Side, chosen
from engine.contract.codec import Decoded, Received
from engine.core.decide import Options
from engine.core.facts import REBASED
from engine.core.instants import Instant
from engine.core.recurrence import PREFIX
from engine.policies import load
from engine.policies.problems import PolicyErrors
from engine.replay.backtesting import Backtest
from engine.replay.replaying import Hearing, Wish
from engine.sql.database import connect
from engine.sql.following import AWAY

MOST_SECONDS = 600
MOST_MEMORY = 700_000_000
"""Bytes of address space."""
MOST_EVENTS = 2_000_000
_TELL_SECONDS = 0.3


class Refusal(Exception):
    """Why there is nothing to find; the message is for whoever asked."""


class Job(msgspec.Struct, frozen=True):
    """What is asked."""

    archive: str
    """Its URL, which may hold a password: it is in no argument and no environment."""
    policies: str
    candidate: str | None
    before: str
    after: str
    marks: tuple[str, str]
    """Of the sides, as whoever asked has seen them."""
    at: Instant
    """When the policies in force are."""
    start: Instant
    end: Instant
    """Of the openings: at or after start, before end."""
    until: Instant
    """When the last judgement is made."""
    open_on_first_event: bool


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    read: int
    judged: int
    of: int
    """Events."""


class Done(msgspec.Struct, frozen=True, tag="done"):
    found: msgspec.Raw
    """`Found`, as JSON."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    why: str


def run(job: Job, tell: "Teller") -> Found:
    """Refusal; SQLAlchemy's errors where the database is away."""
    before, after = _sides(job)
    engine = connect(job.archive, must_exist=True, only_reads=True)
    try:
        with engine.connect() as connection:
            of = _events(connection, job)
        hearing = Hearing(lambda *_: None, lambda *_: None, tell.judged)
        wish = Wish(job.until, options=Options(open_on_first_event=job.open_on_first_event))
        backtest, ways = Backtest(before.book, after.book, wish, hearing), Ways()
        tell.of = of
        ways.watch(backtest.run(_read(engine, job, tell)))
        with engine.connect() as connection:
            limits = _limits(connection, job, backtest)
        return found(backtest, ways, limits)
    finally:
        engine.dispose()


def _sides(job: Job) -> tuple[Side, Side]:
    """As they were when they were chosen."""
    candidate = Candidate(Path(job.candidate) if job.candidate else None)
    before, after = chosen(job.before, job.after, load(Path(job.policies)), candidate, job.at)
    for side, mark in zip((before, after), job.marks, strict=True):
        if side.mark != mark:
            advice = ": ask again" if side.key == CANDIDATE else ": restart it to judge by them"
            raise Refusal(f"the files of «{side.label}» have changed since the console read them{advice}")
    return before, after


def _opened_in(job: Job) -> Select[tuple[str]]:
    """The escalations that opened in the period."""
    return select(escalations.c.subject).where(
        escalations.c.opened >= job.start, escalations.c.opened < job.end, escalations.c.opened <= job.until
    )


def _wanted(job: Job) -> Any:
    """Facts of these, and what was said of patterns from the period on. No rebase: to a version that has
    always been in force there is nothing to move."""
    of_patterns = facts.c.subject.startswith(PREFIX, autoescape=True) & (facts.c.at >= job.start)
    judged = or_(facts.c.subject.in_(_opened_in(job)), of_patterns)
    return judged & (facts.c.at <= job.until) & (facts.c.kind != REBASED)


def _events(connection: Connection, job: Job) -> int:
    """How many there are to judge."""
    of = connection.scalar(select(func.count()).select_from(facts).where(_wanted(job))) or 0
    if of > MOST_EVENTS:
        raise Refusal(f"{of:,} events are more than the {MOST_EVENTS:,} of a period: choose a shorter one")
    return of


def _read(engine: Engine, job: Job, tell: "Teller") -> Iterator[tuple[str, Decoded]]:
    """The transaction ends with the reading, and so before the judging."""
    with engine.connect().execution_options(yield_per=1_000) as connection:
        for row in connection.execute(select(facts).where(_wanted(job))):
            tell.read(1)
            yield "", Received(row.subject, fact_of(row))


def _limits(connection: Connection, job: Job, backtest: Backtest) -> Limits:
    def count(*wanted: Any) -> int:
        return connection.scalar(select(func.count()).select_from(escalations).where(*wanted)) or 0

    of_escalations = ~escalations.c.subject.startswith(PREFIX, autoescape=True)
    left, right = backtest.unclassified
    return Limits(
        before_period=count(escalations.c.opened < job.start, escalations.c.last >= job.start),
        without_opening=count(escalations.c.opened.is_(None), of_escalations),
        removed=connection.scalar(select(func.count()).select_from(pruned)) or 0,
        archive_from=connection.scalar(select(func.min(escalations.c.opened))),
        still_open=count(escalations.c.subject.in_(_opened_in(job)), escalations.c.status == "open"),
        unused_facts={
            reason: number
            for reason, number in backtest.judged.items()
            if reason not in ("forgotten", "late", "unclassified")
        },
        unclassified_before=left,
        unclassified_after=right,
        only_before=backtest.owed.only_left,
        only_after=backtest.owed.only_right,
    )


class Teller:
    """Says how far it is, now and then; where nobody hears it, this process ends."""

    def __init__(self) -> None:
        self.of = 0
        self._read = self._judged = 0
        self._told = time.monotonic()

    def read(self, more: int) -> None:
        self._read += more
        self._tell()

    def judged(self, more: int) -> None:
        self._judged += more
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told >= _TELL_SECONDS:
            self._told = now
            say(Progress(self._read, self._judged, self.of))


def say(message: Progress | Done | Refused) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


def answer(job: Job) -> Done | Refused:
    """What to say in the end."""
    try:
        told = run(job, Teller())
    except Refusal as error:
        return Refused(str(error))
    except (PolicyErrors, BadFilter) as error:
        return Refused(f"the policies are not any more as the console read them: {error}")
    except AWAY:
        return Refused("the archive does not answer")
    except MemoryError:
        return Refused("it needs more memory than it may have: choose a shorter period")
    return Done(msgspec.Raw(told.model_dump_json().encode()))


def main() -> None:
    """One job."""
    step_behind(MOST_MEMORY)
    signal.alarm(MOST_SECONDS)  # ends it, whatever it is at
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    try:
        say(answer(job))
    except BrokenPipeError:  # whoever asked is gone
        os._exit(0)


if __name__ == "__main__":
    main()
