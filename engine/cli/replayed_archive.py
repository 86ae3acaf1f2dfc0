"""An archive of recorded events, judged with everything known, for as long as a command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.archive.account import Account

_AT_ONCE = 500
"""Escalations that are written together."""


@contextmanager
def replayed_archive(events: list[str], policies: Path) -> "Iterator[Connection]":
    """A connection to it. Lines that are no events are told of on stderr, and left out."""
    from sqlalchemy import create_engine, insert

    from engine.archive.rows import escalation_row, fact_rows, outcome_rows
    from engine.archive.tables import escalations, facts, metadata, outcomes

    with TemporaryDirectory(prefix="vigil-archive-") as folder:
        engine = create_engine(f"sqlite:///{folder}/archive.db")
        try:
            with engine.connect() as connection:
                metadata.create_all(connection)
                for some in _batches(_accounts(events, policies)):
                    for table, rows in (
                        (escalations, [escalation_row(one) for one in some]),
                        (facts, [row for one in some for row in fact_rows(one)]),
                        (outcomes, [row for one in some for row in outcome_rows(one)]),
                    ):
                        if rows:
                            connection.execute(insert(table), rows)
                connection.commit()
                yield connection
        finally:
            engine.dispose()


def _batches(accounts: "Iterator[Account]") -> "Iterator[list[Account]]":
    from itertools import islice

    while some := list(islice(accounts, _AT_ONCE)):
        yield some


def _accounts(events: list[str], policies: Path) -> "Iterator[Account]":
    from engine.archive.account import Account
    from engine.cli.inputs import file_lines, hearing
    from engine.cli.output import progress
    from engine.core.decide import Options
    from engine.core.instants import Instant
    from engine.policies import load
    from engine.replay.gather import Counts, by_subject, receive
    from engine.replay.judging import Bench
    from engine.replay.relaying import passed_on
    from engine.replay.sorting import Sorter

    book, options, counts = load(policies), Options(), Counts()
    with progress("judging", lambda: counts.events) as judged, Sorter(tuple[str, int]) as sorter:
        heard = hearing(judged)
        bench = Bench(book, options, heard.refused)

        def until() -> Instant:
            return counts.newest if counts.newest is not None else Instant(0)

        received = receive(file_lines(events), counts, heard.rejected)
        everybody = by_subject(received, sorter, lambda them: passed_on(book, options, them, until()))
        for subject, told, relayed in everybody:
            known = told + relayed
            yield Account(subject, known, bench.judge(subject, known, until()))
            heard.judged(len(told))
