"""A file of SQLite that is moved away, or another in its place, while a process has it open."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from archived import opened, subjects
from sqlalchemy.exc import OperationalError

from engine.archive.archive import Archive
from engine.sql.offsets import Advance, Overtaken


def wrote(archive: Archive, number: int) -> None:
    archive.write([opened(0, f"desk:{number}")], [], [Advance("tickets", 0, number - 1, number)])


def test_a_backup_that_is_moved_into_its_place_is_what_is_read_and_written(tmp_path: Path) -> None:
    file, backup = tmp_path / "archive.db", tmp_path / "backup.db"
    with Archive.open(f"sqlite:///{file}") as archive:
        wrote(archive, 1)
        with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(backup)) as other:
            one.backup(other)
        wrote(archive, 2)
        for end in ("-wal", "-shm"):
            Path(f"{file}{end}").unlink()
        backup.rename(file)
        assert archive.offsets() == {("tickets", 0): 1}
        with pytest.raises(Overtaken):
            wrote(archive, 3)
        wrote(archive, 2)
    with Archive.open(f"sqlite:///{file}", must_exist=True) as again:
        assert subjects(again) == ["desk:1", "desk:2"]


def test_a_file_that_is_gone_is_no_archive_any_more(tmp_path: Path) -> None:
    file = tmp_path / "archive.db"
    with Archive.open(f"sqlite:///{file}") as archive:
        wrote(archive, 1)
        file.rename(tmp_path / "elsewhere.db")
        with pytest.raises(OperationalError, match="no such table"):  # it is waited for, and said
            wrote(archive, 2)
