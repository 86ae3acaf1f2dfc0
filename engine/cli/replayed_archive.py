"""An archive of recorded events, judged with everything known: a lasting one, or for as long as a command
runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from engine.archive.archive import Archive
    from engine.archive.writing import Written
    from engine.cli.accounts import Asked

_AT_ONCE = 500
"""Escalations that are written together."""


def fill(archive: "Archive", asked: "Asked") -> "Written":
    """Write the events, and what there is to say of them; how many rows are new. `asked.unreadable` is
    complete afterwards."""
    from engine.archive.writing import Written
    from engine.contract.codec import Received

    accounts = (judged.account for judged in asked.read())
    new = Written(0, 0)
    while some := list(islice(accounts, _AT_ONCE)):
        happened = [Received(one.subject, fact) for one in some for fact in one.facts]
        more = archive.write(happened, [outcome for one in some for outcome in one.outcomes])
        new = Written(new.facts + more.facts, new.outcomes + more.outcomes)
    return new


@contextmanager
def replayed_archive(asked: "Asked") -> "Iterator[Connection]":
    """A connection to one that is gone afterwards. `asked.unreadable` is complete."""
    from engine.archive.archive import Archive

    with (
        TemporaryDirectory(prefix="vigil-archive-") as folder,
        Archive.open(f"sqlite:///{folder}/archive.db") as archive,
    ):
        fill(archive, asked)
        with archive.engine.connect() as connection:
            yield connection
