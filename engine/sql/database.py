"""The database: SQLite or PostgreSQL, and transactions of which one at a time writes."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Dialect, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import NullPool

EXAMPLES = "such as sqlite:///vigil.db or postgresql://user@host/vigil"
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
"""A URL's beginning -> what SQLAlchemy calls it."""
_LOCK = 0x56494749
"""PostgreSQL's advisory lock of an archive's writers ("VIGI"): whoever writes waits for it."""
_BUSY_SECONDS = 30.0
"""How long SQLite waits for another writer."""
_GIVES_UP = {
    "connect_timeout": 10, "tcp_user_timeout": 30_000,
    "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3,
}  # fmt: skip
"""Of PostgreSQL's client, where the URL says nothing of it: else a host that is gone, or says nothing, is
waited for, for hours or for ever, and nobody is told that it is away."""
_SILENCE = "tcp_user_timeout"
"""Of them, in milliseconds: also how long a server that still holds the connection may say nothing."""
_FREE_SECONDS = 10.0
"""How long a thread waits while all our connections are in use."""
_PAGES = 5_000
"""Of SQLite, 4 KiB each, that are given back at once: meanwhile nobody else writes."""

_Read = TypeVar("_Read")


class NoDatabase(ValueError):
    """The URL names no database that we can use. The message has no password in it."""


class NotThere(NoDatabase):
    """The URL names nothing yet, and what must be there is not."""


def connect(url: str, *, must_exist: bool = False, only_reads: bool = False) -> Engine:
    """Opens nothing yet. NoDatabase where the URL is none; NotThere where a file must exist and does not.

    `only_reads`: a file of SQLite that we may not write is opened all the same, anew at each connection: who
    writes it may have come or gone.
    """
    place = database_url(url)
    is_remote = place.get_backend_name() == "postgresql"
    limits = {name: value for name, value in _GIVES_UP.items() if is_remote and name not in place.query}
    # Of SQLite in memory there is one connection a thread, and so nobody waits for one.
    waits: dict[str, Any] = {"pool_timeout": _FREE_SECONDS} if is_remote or place.database else {}
    engine = create_engine(place, connect_args=limits, **waits)
    if engine.dialect.name == "sqlite":
        file = engine.url.database
        if must_exist and file and not Path(file).is_file():
            raise NotThere(f"{file}: there is no such file; expected a database, {EXAMPLES}")
        if only_reads and not may_write(engine):
            return create_engine(place, creator=lambda: _opened_to_read(Path(str(file))), poolclass=NullPool)
        event.listen(engine, "do_connect", _opened)
        event.listen(engine, "begin", _begin)
        if file:
            _follow_the_name(engine, Path(file))
    return engine


def give_up_on_silence(engine: Engine) -> None:
    """From now on who says nothing for so long is away: OperationalError, and the connection is closed. For a
    process that runs for good, once its schema is up to date: a step of that may take as long as it likes.

    The system's limits see only a host that is gone. A server that hangs, one behind a proxy that holds the
    connection, and a table that somebody has locked would be waited for until then, or for ever.
    """
    if engine.dialect.name != "postgresql":
        return
    limit = float(str(engine.url.query.get(_SILENCE, _GIVES_UP[_SILENCE]))) / 1000
    if limit <= 0:  # as PostgreSQL's client has it: no limit
        return
    from engine.sql.impatient import connect as connect_impatiently

    engine.dispose()
    event.listen(engine, "do_connect", lambda _, __, given, more: connect_impatiently(limit, *given, **more))


def _follow_the_name(engine: Engine, file: Path) -> None:
    """Connect anew where the file of that name has become another one, as by a backup that is moved there: an
    open connection would go on in the old one, which nobody sees and nobody keeps."""

    def note(_: sqlite3.Connection, record: Any) -> None:
        record.info[_which] = _which(file)

    def compare(_: sqlite3.Connection, record: Any, __: Any) -> None:
        if record.info[_which] != _which(file):
            raise DisconnectionError(f"{file} is another file now")

    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", compare)


def _which(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def may_write(engine: Engine) -> bool:
    """Not a file of SQLite that is there and that we may only read, be it for want of a right to its folder:
    there SQLite keeps a log for whoever opens it."""
    file = Path(engine.url.database or "")
    if engine.dialect.name != "sqlite" or not file.is_file():
        return True
    return all(os.access(one, os.W_OK, effective_ids=True) for one in (file, file.parent))


class _Unlocked(sqlite3.Connection):
    """Of a file that nobody had open, and that SQLite takes for one that stays as it is: where another writes
    it meanwhile, what is read from then on fails, for it may be half of this and half of that."""

    def __init__(self, *given: Any, of: Path, **more: Any) -> None:
        self._file, self._stood = of, _stamp(of)
        super().__init__(*given, **more)

    def cursor(self, *_: Any) -> sqlite3.Cursor:  # type: ignore[override]
        return super().cursor(_Unmixed)

    def look(self) -> None:
        """OperationalError where it was written."""
        if _stamp(self._file) != self._stood:
            raise sqlite3.OperationalError(f"{self._file}: another process has written it meanwhile")


class _Unmixed(sqlite3.Cursor):
    def execute(self, *given: Any) -> "_Unmixed":
        return self._looked(lambda: super(_Unmixed, self).execute(*given))

    def fetchone(self) -> Any:
        return self._looked(super().fetchone)

    def fetchmany(self, *given: Any) -> list[Any]:
        return self._looked(lambda: super(_Unmixed, self).fetchmany(*given))

    def fetchall(self) -> list[Any]:
        return self._looked(super().fetchall)

    def _looked(self, read: Callable[[], _Read]) -> _Read:
        """Also where it failed: a file that is written meanwhile may look damaged."""
        try:
            return read()
        finally:
            of = self.connection
            assert isinstance(of, _Unlocked)  # noqa: S101  # made by it
            of.look()


def _opened_to_read(file: Path) -> sqlite3.Connection:
    """Without a log nobody has it open, and SQLite, which would make one, is told that the file stays as it
    is. With one, that is read too."""
    name = f"file:{quote(str(file.absolute()))}?mode=ro"
    with _named(str(file)):
        if _has_log(file):
            return sqlite3.connect(name, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)
        return _Unlocked(f"{name}&immutable=1", uri=True, check_same_thread=False, of=file)


def _has_log(file: Path) -> bool:
    return Path(f"{file}-wal").exists()


def _stamp(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size


def database_url(url: str) -> URL:
    """As SQLAlchemy takes it, with the driver that is installed. NoDatabase where it is none."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        place = url.rpartition("@")[2].partition("?")[0]
        raise NoDatabase(f"{place}: no database's URL; expected one {EXAMPLES}") from None
    driver = DRIVERS.get(parsed.drivername.partition("+")[0])
    if driver is None:
        raise NoDatabase(f"{parsed.drivername}: no database that we can use; expected a URL {EXAMPLES}")
    if driver == "sqlite" and parsed.host:
        named = f"sqlite:///{parsed.host}, or sqlite://// and the rest of a path that begins with a slash"
        raise NoDatabase(f"sqlite://{parsed.host}: no database's URL, a file has three slashes: {named}")
    return parsed.set(drivername=driver)


def shown(engine: Engine) -> str:
    """Which database it is, for logs: no password, in the query neither."""
    return repr(engine.url.set(query={}))


def reason(error: SQLAlchemyError) -> str:
    """What the database or its driver said, in one line; it has no password in it."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return str(said).splitlines()[0] if str(said) else type(said).__name__


@contextmanager
def writing(engine: Engine, lock: int = _LOCK) -> Iterator[Connection]:
    """One transaction that writes; all others that write wait until it ends, so none sees half of another.

    `lock`: on PostgreSQL, of those who write these tables; others may share the database.
    """
    with engine.execution_options(vigil_writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
        yield connection


def overwritten(engine: Engine) -> bool:
    """Whether what was erased is in no file any more, on SQLite: its log, which keeps pages as they were, is
    written into the database and emptied. False where somebody reads all the time that a writer waits. On
    PostgreSQL it is the vacuum's to do."""
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()
    try:
        busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.close()
    return not busy


def given_back(engine: Engine) -> bool:
    """Whether the room of what was removed is the disk's again, and it is in no file any more, on SQLite.
    False where somebody reads, or writes, all the time. Others write in between. On PostgreSQL it is the
    vacuum's to do."""
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        while _number(cursor, "freelist_count") and _number(cursor, "auto_vacuum"):
            cursor.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()  # a page at each row
    except sqlite3.OperationalError:  # another has it for too long
        return False
    finally:
        connection.close()
    return overwritten(engine)


def _number(cursor: Any, pragma: str) -> int:
    (found,) = cursor.execute(f"PRAGMA {pragma}").fetchone()
    return int(found)


@contextmanager
def _named(file: str) -> Iterator[None]:
    """What SQLite says of a file that it cannot open, with the file's name."""
    try:
        yield
    except sqlite3.Error as error:
        error.args = (f"{file}: {error}",)
        raise


def _opened(dialect: Dialect, _: Any, given: list[Any], more: dict[str, Any]) -> Any:
    with _named(given[0]):
        connection: Any = dialect.connect(*given, **more)
        _set_up(connection)
        return connection


def _set_up(connection: sqlite3.Connection) -> None:
    connection.isolation_level = None  # the driver would begin late, and end a transaction at a CREATE
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000:.0f}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file, so before anything is in it
    connection.execute("PRAGMA journal_mode = WAL")  # readers see the last commit while one writes
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten
    # A machine that loses its power loses the last commits whole, offsets and all: they are read again.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: one that reads first may find, too late, that another has written."""
    immediate = connection.get_execution_options().get("vigil_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
