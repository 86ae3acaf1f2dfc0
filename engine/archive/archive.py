"""An archive: opened by its URL, written in whole transactions, asked about escalations."""

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import Engine, select

from engine.archive import accounts, schema, writing
from engine.archive.account import Account
from engine.archive.database import connect
from engine.archive.database import writing as transaction
from engine.archive.tables import offsets
from engine.archive.writing import Advance, Written
from engine.contract.codec import Received
from engine.core.outcomes import Outcome


class Archive:
    """Facts and outcomes in a database. Make one by `Archive.open`; it is also a context manager.

    SQLAlchemy's errors come through: OperationalError where the database is away.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        """For queries: `with archive.engine.connect() as connection`."""

    @classmethod
    def open(cls, url: str) -> "Archive":
        """Connect, and bring the schema up to date. NoDatabase, SchemaRefused; OperationalError where the
        database is away."""
        archive = cls(connect(url))
        try:
            archive.upgrade()
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

    def upgrade(self) -> tuple[str | None, str]:
        """Bring the schema up to date; the versions before and after."""
        with transaction(self.engine) as connection:
            return schema.upgrade(connection)

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

    def offsets(self) -> dict[tuple[str, int], int]:
        """(topic, partition) -> the offset to read next."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(offsets.c.topic, offsets.c.partition, offsets.c.next))
            return {(row.topic, row.partition): row.next for row in rows}

    # -- asking -------------------------------------------------------------------------------------

    def account(self, subject: str) -> Account | None:
        """All that is known of one escalation; None where nothing is."""
        with self.engine.connect() as connection:
            found = accounts.account(connection, subject)
        return found if found.facts or found.outcomes else None

    def accounts(self) -> Iterator[Account]:
        """Every escalation that has a fact or an outcome, by subject; read one at a time."""
        with self.engine.connect() as connection:
            yield from accounts.accounts(connection)

    def subjects(self) -> list[str]:
        """Of every escalation that has a fact or an outcome, sorted."""
        with self.engine.connect() as connection:
            return accounts.subjects(connection)
