"""An archive of recorded events, judged with everything known, for as long as a command runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.cli.accounts import Asked

_AT_ONCE = 500
"""Escalations that are written together."""


@contextmanager
def replayed_archive(asked: "Asked") -> "Iterator[Connection]":
    """A connection to it. `asked.unreadable` is complete."""
    from sqlalchemy import create_engine, insert

    from engine.archive.rows import escalation_row, fact_rows, outcome_rows
    from engine.archive.tables import escalations, facts, metadata, outcomes

    with TemporaryDirectory(prefix="vigil-archive-") as folder:
        engine = create_engine(f"sqlite:///{folder}/archive.db")
        try:
            with engine.connect() as connection:
                metadata.create_all(connection)
                accounts = (judged.account for judged in asked.read())
                while some := list(islice(accounts, _AT_ONCE)):
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
