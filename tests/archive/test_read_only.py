"""An archive in a file of SQLite that who asks may read and not write: of another user, a copy, a backup."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest
from archived import opened, outcome
from pydantic import SecretStr
from sqlalchemy import text

from engine.archive.archive import Archive
from engine.cli import accounts
from engine.cli import archive as commands
from engine.cli.archiving import opened as opening
from engine.cli.exits import ExitCode, Failure
from engine.settings import Settings
from engine.sql.schema import SchemaRefused
from unprivileged import without_rights


@pytest.fixture
def file() -> Iterator[Path]:
    """An archive with one escalation, where everybody may look."""
    with TemporaryDirectory(prefix="vigil-read-only-") as folder:
        Path(folder).chmod(0o755)
        made = Path(folder) / "of us#.db"
        with Archive.open(f"sqlite:///{made}") as archive:
            archive.write([opened(0)], [outcome("breached", 1, 60)])
        made.chmod(0o644)
        yield made


@contextmanager
def may_not_write(file: Path) -> Iterator[str]:
    """The file's URL, for one who may only read it."""
    with without_rights({file: 0o444, file.parent: 0o555}):
        yield f"sqlite:///{file}"


def breaches(url: str) -> int:
    with accounts.connected(url) as connection:
        return int(connection.scalar(text("SELECT count(*) FROM outcomes")) or 0)


def test_an_archive_that_nobody_has_open_is_read(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    commands.check(f"sqlite:///{file}", json=True)  # what it imports may be root's alone
    said = capfd.readouterr().out
    with may_not_write(file) as url:
        assert breaches(url) == 1
        commands.check(url, json=True)
    assert (capfd.readouterr().out, '"outcomes": 1' in said) == (said, True)
    assert [one.name for one in file.parent.iterdir()] == [file.name], "nothing was made beside it"


def test_what_a_process_has_written_and_not_put_into_the_file_yet_is_read(file: Path) -> None:
    with Archive.open(f"sqlite:///{file}") as archive:
        archive.write([], [outcome("met", 2, 61)])
        assert Path(f"{file}-wal").stat().st_size
        with may_not_write(file) as url:
            assert breaches(url) == 2


def test_what_is_written_while_it_is_read_is_no_answer(file: Path) -> None:
    def read() -> None:
        with ExitStack() as rights:
            url = rights.enter_context(may_not_write(file))
            with accounts.connected(url) as connection:
                rights.close()
                with Archive.open(url) as archive:  # its owner writes, and goes
                    archive.write([], [outcome("met", 2, 61)])
                connection.scalar(text("SELECT count(*) FROM outcomes"))

    with pytest.raises(Failure, match="another process has written it meanwhile") as failed:
        read()
    assert failed.value.code == ExitCode.UNREACHABLE


def test_who_stays_and_only_reads_sees_what_is_written_later(file: Path) -> None:
    """A console beside `vigil archive run`, which comes and goes."""
    with ExitStack() as rights:
        url = rights.enter_context(may_not_write(file))
        opened_to_read = opening(Settings(archive_url=SecretStr(url)), Event(), only_reads=True)
        assert opened_to_read is not None
        with opened_to_read as console:
            assert [one.name for one in file.parent.iterdir()] == [file.name], "nothing was made beside it"
            counts = [console.state().outcomes]
            rights.close()
            with Archive.open(url) as archive:
                archive.write([], [outcome("met", 2, 61)])
                rights.enter_context(may_not_write(file))
                counts.append(console.state().outcomes)
                rights.close()
                archive.write([], [outcome("breached", 3, 62)])
            rights.enter_context(may_not_write(file))
            counts.append(console.state().outcomes)
    assert counts == [1, 2, 3]


def test_who_must_write_and_may_not_is_refused_and_does_not_wait(file: Path) -> None:
    with may_not_write(file) as url:
        with pytest.raises(Failure, match="attempt to write a readonly database") as failed:
            opening(Settings(archive_url=SecretStr(url), start_timeout=0), Event())
        assert failed.value.code == ExitCode.REFUSED
        with pytest.raises(Failure, match="attempt to write a readonly database") as failed:
            commands.upgrade(url)
        assert failed.value.code == ExitCode.REFUSED


def test_who_only_reads_is_told_that_the_schema_is_older(file: Path) -> None:
    with Archive.open(f"sqlite:///{file}") as archive, archive.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with (
        may_not_write(file) as url,
        pytest.raises(SchemaRefused, match="has schema 0001, and 0004 is read: run"),
    ):
        Archive.open(url, only_reads=True)


def test_a_log_that_cannot_be_read_is_not_left_out(file: Path) -> None:
    """A copy of the file and its log, without what SQLite keeps beside them while it is open."""
    with Archive.open(f"sqlite:///{file}") as archive:
        archive.write([], [outcome("met", 2, 61)])
        copy = file.with_name("copy.db")
        for end in ("", "-wal"):
            Path(f"{copy}{end}").write_bytes(Path(f"{file}{end}").read_bytes())
    with may_not_write(copy) as url, pytest.raises(Failure) as failed:
        breaches(url)
    assert failed.value.code == ExitCode.UNREACHABLE
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM outcomes").fetchone() == (2,)
