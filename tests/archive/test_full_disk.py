"""The disk of a file of SQLite is full: what is said of it, and what stands."""

from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection

from engine.cli.databases import reached, when_there
from engine.cli.exits import ExitCode, Failure
from engine.sql.database import connect, writing


def fill(connection: Connection) -> None:
    """More than SQLite may have: it says what it says of a full disk."""
    connection.exec_driver_sql("PRAGMA max_page_count = 8")
    connection.exec_driver_sql("INSERT INTO kept VALUES (zeroblob(100000))")


def test_a_command_says_to_make_room_and_what_was_written_before_stands(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/archive.db")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE kept (what BLOB)")
        connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
    with (
        pytest.raises(Failure) as failed,
        reached("is it there?", "an archive"),
        writing(engine) as connection,
    ):
        fill(connection)
    said = failed.value
    assert (said.message, said.code) == ("database or disk is full", ExitCode.UNREACHABLE)
    assert said.hint.startswith("make room on the disk")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM kept").scalar() == 1


def test_a_process_that_starts_waits_for_room_and_then_says_so(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/archive.db")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE kept (what BLOB)")

    def opening() -> None:
        with writing(engine) as connection:
            fill(connection)

    with pytest.raises(Failure, match="no database: database or disk is full") as failed:
        when_there(opening, Event(), 0)
    assert failed.value.hint.startswith("make room on the disk")
