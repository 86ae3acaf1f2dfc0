"""An archive: opened by its URL, written in whole transactions, asked about escalations."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Engine, func, select

from engine.archive import accounts, removal, writing
from engine.archive.account import Account
from engine.archive.schema import SCHEMA
from engine.archive.tables import erasures, escalations, facts, offsets, outcomes, pruned
from engine.archive.writing import Written
from engine.contract.codec import Received
from engine.core.instants import Instant
from engine.core.outcomes import Outcome
from engine.sql.database import connect, given_back, may_write, overwritten, shown
from engine.sql.database import writing as transaction
from engine.sql.offsets import Advance, stands, topic_ids
from engine.sql.schema import SchemaRefused

Write = Callable[[Iterable[Received], Iterable[Outcome], Collection[Advance]], Written]


class Forgotten(NamedTuple):
    """What an erasure did."""

    pseudonym: str
    """The customer's name from now on."""
    subjects: list[str]
    """Its escalations."""
    overwritten: bool
    """In the files of SQLite, too; False: somebody reads the older state, and it is to be done again."""


class Pruned(NamedTuple):
    """What a pruning did."""

    escalations: int
    given_back: bool
    """The room of SQLite's files, too; False: somebody has them all the time, and it is to be done again."""


class State(NamedTuple):
    """What an archive holds."""

    schema: str | None
    """None: there are no tables yet."""
    newest: str
    """The schema of this release."""
    facts: int
    outcomes: int
    escalations: int
    erased_customers: int
    pruned_escalations: int


class Archive:
    """Facts and outcomes in a database. Make one by `Archive.open`; it is also a context manager.

    SQLAlchemy's errors come through: OperationalError where the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        """For queries: `with archive.engine.connect() as connection`."""

    @classmethod
    def open(cls, url: str, *, must_exist: bool = False, only_reads: bool = False) -> "Archive":
        """Connect, and bring the schema up to date. NoDatabase; NotThere where there must be an archive and
        is none; SchemaRefused; OperationalError where the database is away.

        `only_reads`: nothing is written where the schema is up to date, so no right to write is needed.
        """
        archive = cls(connect(url, must_exist=must_exist, only_reads=only_reads))
        try:
            if not (only_reads and archive.is_current()):
                archive.upgrade(must_exist=must_exist)
        except BaseException:
            archive.close()
            raise
        return archive

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.engine.dispose()

    def is_current(self) -> bool:
        """Whether the schema is this release's. SchemaRefused where it is a newer one's, or is not, and we
        may only read."""
        with self.engine.connect() as connection:
            version, newest = SCHEMA.version(connection), SCHEMA.newest()
        if version != newest and not may_write(self.engine):
            what = f"{shown(self.engine)} has schema {version or 'none'}, and {newest} is read"
            raise SchemaRefused(f"{what}: run `vigil archive upgrade` as who may write it")
        return version == newest

    def upgrade(self, *, must_exist: bool = False) -> tuple[str | None, str]:
        """Bring the schema up to date; the versions before and after."""
        with transaction(self.engine) as connection:
            return SCHEMA.upgrade(connection, must_exist=must_exist)

    # -- writing ------------------------------------------------------------------------------------

    def write(
        self, happened: Iterable[Received], said: Iterable[Outcome], read: Collection[Advance] = ()
    ) -> Written:
        """One transaction: facts, outcomes, what follows from them, and how far the topics are read by it.

        In whatever order and however often they come, the rows are the same in the end. Overtaken where the
        archive stands elsewhere than where `read` began: then nothing is written.
        """
        with transaction(self.engine) as connection:
            return writing.write(connection, happened, said, read)

    @contextmanager
    def rebuilding(self, *, keep: bool = False) -> "Iterator[Write]":
        """One transaction for all that the topics hold: until it ends well, everybody sees the archive as it
        was. What it holds goes first, unless it is to be kept; then it is derived anew."""
        with transaction(self.engine) as connection:
            removal.clear(connection, keep=keep)
            yield lambda happened, said, read: writing.write(connection, happened, said, read)
            if keep:
                writing.derive(connection)

    def offsets(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the offset to read next."""
        with self.engine.connect() as connection:
            return stands(connection, offsets)

    def topic_ids(self) -> dict[str, str]:
        """Topic -> the id of the one that was read, where it is known."""
        with self.engine.connect() as connection:
            return topic_ids(connection, offsets)

    def erasures(self) -> set[str]:
        """Who was erased, as hashes of the ids (`engine.core.erasure`)."""
        with self.engine.connect() as connection:
            return set(connection.scalars(select(erasures.c.customer)))

    # -- taking out ---------------------------------------------------------------------------------

    def forget(self, customer: str, now: Instant) -> "Forgotten":
        """Erase the personal data of a customer, for good: what is read of it again is erased, too."""
        with transaction(self.engine) as connection:
            by, subjects = removal.forget(connection, customer, now)
        return Forgotten(by.pseudonym, subjects, overwritten(self.engine))

    def prune(self, before: Instant, now: Instant) -> Pruned:
        """Remove the escalations that ended before, for good."""
        with transaction(self.engine) as connection:
            removed = removal.prune(connection, before, now)
        return Pruned(removed, given_back(self.engine))

    def prunable(self, before: Instant) -> list[str]:
        """The escalations that `prune` would remove."""
        with self.engine.connect() as connection:
            return removal.prunable(connection, before)

    # -- asking -------------------------------------------------------------------------------------

    def accounts(self) -> Iterator[Account]:
        """Every escalation that has a fact or an outcome, by subject; read one at a time."""
        with self.engine.connect() as connection:
            yield from accounts.accounts(connection)

    def state(self) -> "State":
        """What it holds. SchemaRefused where that is no archive of this release."""
        with self.engine.connect() as connection:
            found = SCHEMA.version(connection)
            counted = [
                connection.scalar(select(func.count()).select_from(table)) if found else 0
                for table in (facts, outcomes, escalations, erasures, pruned)
            ]
        return State(found, SCHEMA.newest(), *(number or 0 for number in counted))
