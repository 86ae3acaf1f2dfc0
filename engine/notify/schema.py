"""The delivery record's schema."""

from sqlalchemy import Connection, inspect, select

from engine.notify import tables as t
from engine.sql.schema import Schema

SCHEMA = Schema("delivery record", t.metadata, "engine.notify:migrations", table="notify_version")
_UNVERSIONED = "0001"
"""What records have that were made before versions were kept: they say "1" themselves."""


def version(connection: Connection) -> str | None:
    """As `Schema.version`, and of a record without versions."""
    return _UNVERSIONED if _is_unversioned(connection) else SCHEMA.version(connection)


def upgrade(connection: Connection, *, must_exist: bool = False) -> tuple[str | None, str]:
    """As `Schema.upgrade`."""
    if _is_unversioned(connection):
        SCHEMA.stamp(connection, _UNVERSIONED)
    return SCHEMA.upgrade(connection, must_exist=must_exist)


def _is_unversioned(connection: Connection) -> bool:
    there = inspect(connection).get_table_names()
    if SCHEMA.table in there or t.about.name not in there:
        return False
    return connection.scalar(select(t.about.c.value).where(t.about.c.name == "schema")) == "1"
