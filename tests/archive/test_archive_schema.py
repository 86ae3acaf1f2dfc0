"""The schema: made by migrations that equal the tables, refused where it is none that this release knows."""

import socket
from contextlib import closing
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, String, event, text
from sqlalchemy.exc import OperationalError

from engine.archive.archive import Archive
from engine.archive.schema import SCHEMA
from engine.archive.tables import metadata
from engine.sql import database
from engine.sql.database import NoDatabase, connect
from engine.sql.schema import SchemaRefused

PASSWORD = "correct-horse"


def test_the_migrations_make_exactly_the_tables(archive: Archive) -> None:
    with archive.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        facts = metadata.tables["facts"]
        extra: Column[str] = Column("forgotten", String)
        facts.append_column(extra)
        try:
            assert len(compare_metadata(context, metadata)) == 1, "the comparison bites"
        finally:
            facts._columns.remove(extra)


def test_an_upgrade_twice_changes_nothing(archive: Archive) -> None:
    assert archive.upgrade() == (SCHEMA.newest(), SCHEMA.newest())


def test_a_newer_schema_is_refused_by_name(archive: Archive, url: str) -> None:
    with archive.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaRefused, match="schema is 9999, of a newer release; this one knows"):
        Archive.open(url)


def test_tables_of_somebody_else_are_refused(url: str) -> None:
    engine = connect(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE facts (fact TEXT)"))
    engine.dispose()
    with pytest.raises(SchemaRefused, match="tables facts and no version"):
        Archive.open(url)


@pytest.mark.parametrize("scheme", ["mysql", "http", ""])
def test_what_is_no_databases_url_is_refused_without_its_password(scheme: str) -> None:
    wrong = f"{scheme}://vigil:{PASSWORD}@db/vigil"
    with pytest.raises(NoDatabase, match=r"no database.* expected .* such as sqlite:///") as refused:
        connect(wrong)
    assert PASSWORD not in str(refused.value)


def test_a_file_that_has_two_slashes_is_refused_with_the_url_that_was_meant() -> None:
    with pytest.raises(NoDatabase, match=r"three slashes: sqlite:///vigil\.db"):
        connect("sqlite://vigil.db")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_server_that_takes_connections_and_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(database._GIVES_UP, "connect_timeout", 2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        engine = connect(f"postgresql://vigil@127.0.0.1:{silent.getsockname()[1]}/vigil")
        with pytest.raises(OperationalError):
            engine.connect()


def test_what_the_url_says_of_waiting_holds() -> None:
    asked: dict[str, Any] = {}
    engine = connect("postgresql://vigil@127.0.0.1:1/vigil?connect_timeout=3&keepalives_idle=7")
    event.listen(engine, "do_connect", lambda *given: asked.update(given[3]))
    with pytest.raises(OperationalError):
        engine.connect()
    assert (asked["connect_timeout"], asked["keepalives_idle"]) == ("3", "7")
    assert asked["tcp_user_timeout"] == 30_000
