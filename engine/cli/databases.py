"""A process's database at its start: waited for while it is away."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from engine.cli.exits import ExitCode, Failure
from engine.cli.output import say, say_json
from engine.sql.database import NoDatabase, NotThere, reason
from engine.sql.following import AWAY

log = structlog.stdlib.get_logger("vigil.database")

RETRY_SECONDS = 2.0
_AWAY = "is it there, and may we use it?"
_FULL = "make room on the disk of the database's file, and run it again: what was written stays, and is whole"
_NOT_OURS = "is it a database, and may we do that there?"
NOT_GIVEN_BACK = (
    "not given back yet by the database's files, somebody reads or writes all the time: run this again later"
)

_Opened = TypeVar("_Opened")


def when_there(opening: Callable[[], _Opened], stopping: Event, patience: float) -> _Opened | None:
    """What `opening` gives, once it can; None if stopped meanwhile. Failure where the URL is none, and where
    the database is away for `patience` seconds, or refuses."""
    began = time.monotonic()
    while not stopping.is_set():
        try:
            return opening()
        except NoDatabase as error:
            raise Failure(str(error), ExitCode.REFUSED) from None
        except AWAY as error:
            _must_be_writable(error)
            why = reason(error)
            if time.monotonic() - began + RETRY_SECONDS > patience:
                hint = _FULL if _is_full(error) else _AWAY
                raise Failure(f"no database: {why}", ExitCode.UNREACHABLE, hint) from None
            log.warning("database_away", why=why, again_in_seconds=RETRY_SECONDS)
            stopping.wait(RETRY_SECONDS)
        except DBAPIError as error:
            raise Failure(reason(error), ExitCode.REFUSED, _NOT_OURS) from None
    return None


def _must_be_writable(error: SQLAlchemyError) -> None:
    """Failure for a file of SQLite that we may only read: to wait for that helps nobody."""
    if _sqlite_code(error) == sqlite3.SQLITE_READONLY:
        raise Failure(reason(error), ExitCode.REFUSED, _NOT_OURS) from None


def _is_full(error: SQLAlchemyError) -> bool:
    """The disk of a file of SQLite; PostgreSQL says itself which of its own is."""
    return _sqlite_code(error) == sqlite3.SQLITE_FULL


def _sqlite_code(error: SQLAlchemyError) -> int:
    """The primary one; 0 for PostgreSQL."""
    return int(getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)) & 0xFF


@contextmanager
def at_work() -> Iterator[None]:
    """Around what waits for its database itself: Failure where that refuses, such as a right that was taken
    or a table that is gone. A traceback would show what was to be written."""
    try:
        yield
    except DBAPIError as error:
        raise Failure(reason(error), ExitCode.REFUSED, _NOT_OURS) from None


@contextmanager
def reached(hint: str, expected: str) -> Iterator[None]:
    """Around what asks a database: Failure where its URL is none, where it is not there, with what was
    `expected`, where it is away, with the hint, and where it refuses."""
    try:
        yield
    except NotThere as error:
        raise Failure(str(error), ExitCode.USAGE, f"expected {expected}") from None
    except NoDatabase as error:
        raise Failure(str(error), ExitCode.USAGE) from None
    except AWAY as error:
        _must_be_writable(error)
        hint = _FULL if _is_full(error) else hint
        raise Failure(reason(error), ExitCode.UNREACHABLE, hint) from None
    except DBAPIError as error:
        raise Failure(reason(error), ExitCode.REFUSED, _NOT_OURS) from None


def tell_upgrade(before: str | None, after: str, *, as_json: bool) -> None:
    """What an upgrade of a schema did."""
    if as_json:
        say_json({"before": before, "after": after})
    else:
        say(f"the schema is {after}" + ("" if before == after else f"; it was {before or 'not there'}"))


def tell_forgotten(subjects: Sequence[str], pseudonym: str, overwritten: bool) -> None:
    """What an erasure did, and whether its files hold it still."""
    from engine.cli.drawing import many

    say(f"{many(len(subjects), 'escalation', 'escalations')} erased; the customer is {pseudonym} from now on")
    if not overwritten:
        say("not overwritten yet in the database's files, somebody reads all the time: run this again later")
