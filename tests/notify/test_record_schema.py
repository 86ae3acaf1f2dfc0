"""The record's schema: made by migrations that equal the tables; a record of an earlier release goes on."""

import sqlite3
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, String, select, text

from engine.archive.archive import Archive
from engine.core.instants import Instant
from engine.notify import tables as t
from engine.notify.record import Record
from engine.notify.routing import Route
from engine.notify.schema import SCHEMA
from engine.sql.schema import SchemaRefused
from notify.alerting import outcome
from notify.keeping import NOW, after, states, take, tell
from postgres import Postgres

RECORDS = Path(__file__).parent / "records"
ROOT = Route(
    "desk",
    group_by=("customer",),
    routes=(
        Route("pager", (("severity", ("P1",)),), continues=True),
        Route("desk", (("metric", ("resolve",)),), group_by=("customer",)),
    ),
)
"""By which the earlier records were made."""


def test_the_migrations_make_exactly_the_tables(record: Record) -> None:
    with record.engine.connect() as connection:
        options = {"compare_type": True, "version_table": SCHEMA.table}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, t.metadata) == []
        extra: Column[str] = Column("forgotten", String)
        t.cycles.append_column(extra)
        try:
            assert len(compare_metadata(context, t.metadata)) == 1, "the comparison bites"
        finally:
            t.cycles._columns.remove(extra)


def restore(url: str, name: str) -> None:
    """A record of an earlier release, as its database dumped it."""
    kind, _, file = url.partition("://")
    dump = (RECORDS / f"{name}.{kind}.sql").read_text()
    if kind == "sqlite":
        connection = sqlite3.connect(file.removeprefix("/"))
        connection.executescript(dump)
        connection.close()
        return
    with psycopg.connect(url, autocommit=True) as there:
        there.execute(dump.encode())


def test_a_record_that_was_made_before_versions_were_kept_goes_on_where_it_was(url: str) -> None:
    """Of three conditions the desk was told two, of which one is over since, and failed with the third; the
    pager refused the first; there are a silence, and what a receiver remembers."""
    restore(url, "0001")
    with Record.open(url, after(60)) as record:
        assert record.began == NOW
        assert record.offsets() == {("outcomes", 0): 4}
        assert record.remembered("desk", "desk/zendesk:acme:4711") == '{"channel":"C1"}'
        (silence,), (letter,) = record.silences(NOW), record.letters()
        assert (silence.author, letter.receiver, letter.reason) == ("kim", "pager", "no such channel")
        with record.engine.connect() as connection:
            for table in (t.cycles, t.alerts):
                named = set(connection.scalars(select(table.c.subject)))
                assert named == {"zendesk:acme:4711", "desk:2", "desk:3"}
        told = {name: tell(record, after(61), ROOT, name) for name in ("desk", "pager")}
        assert {
            name: {(one.outcome.subject, one.state) for one in alerts} for name, alerts in told.items()
        } == {
            "desk": {("zendesk:acme:4711", "resolved"), ("desk:2", "firing")},
            "pager": {("desk:2", "firing"), ("desk:3", "firing")},
        }
        take(record, outcome("stopped_late", subject="desk:2", id="s2", customer_id="other"), at=after(62))
        assert "resolved" in states(tell(record, after(62), ROOT))


def test_an_upgrade_twice_changes_nothing(record: Record) -> None:
    assert record.upgrade() == (SCHEMA.newest(), SCHEMA.newest())


def test_a_newer_schema_is_refused_by_name(record: Record, url: str) -> None:
    with record.engine.begin() as connection:
        connection.execute(text("UPDATE notify_version SET version_num = '9999'"))
    with pytest.raises(SchemaRefused, match="delivery record's schema is 9999, of a newer release"):
        Record.open(url, NOW)


def test_a_release_that_keeps_no_versions_refuses_this_one(record: Record) -> None:
    with record.engine.connect() as connection:
        query = select(t.about.c.value).where(t.about.c.name == "schema")
        assert connection.scalar(query) == SCHEMA.newest() != "1"


def test_a_record_and_an_archive_share_a_database(url: str) -> None:
    with Archive.open(url) as archive, Record.open(url, NOW) as record:
        assert archive.upgrade()[0] is not None
        assert record.take([outcome()], (), ROOT, NOW, Instant(0)) == 1
    with Record.open(url, NOW), Archive.open(url) as archive:
        assert archive.state().schema == archive.state().newest


def test_an_archive_that_is_rebuilt_beside_it_holds_up_no_alert(postgres: Postgres) -> None:
    url = f"{postgres.new_database()}?options=-c%20lock_timeout%3D5000"  # or it would wait for ever
    with Archive.open(url) as archive, Record.open(url, NOW) as record, archive.rebuilding():
        assert record.take([outcome()], (), ROOT, NOW, Instant(0)) == 1
        assert states(tell(record)) == ["firing"]
