"""One escalation for its page: from the archive, judged again by the policies in force."""

from typing import Any

from sqlalchemy import Engine

from engine.archive.account import Account
from engine.archive.accounts import account
from engine.console.rows import Row
from engine.core.decide import Options
from engine.core.instants import Instant
from engine.core.policy import Book
from engine.documents.rendering import Press


class NoSuchEscalation(LookupError):
    """The archive knows nothing of it."""


class Escalations:
    """Reads the archive; safe to share between threads."""

    def __init__(self, archive: Engine, book: Book, options: Options, press: Press) -> None:
        self._archive, self._book, self._options, self._press = archive, book, options, press

    def account(self, subject: str) -> Account:
        """NoSuchEscalation. SQLAlchemy's errors where the database is away."""
        with self._archive.connect() as connection:
            found = account(connection, subject)
        if not found.facts:
            raise NoSuchEscalation(f"{subject}: the archive knows nothing of it (yet)")
        return found

    def page(self, subject: str, now: Instant, zone: str, rows: list[Row]) -> Any:
        return None

    def document(self, kind: str, subject: str, now: Instant, zone: str, form: str) -> str:
        return ""
