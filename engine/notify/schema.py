"""The delivery record's schema."""

from sqlalchemy import Connection, inspect, select

from engine.notify import tables as t
from engine.sql.schema import Schema

SCHEMA = Schema("delivery record", t.metadata, "engine.notify:migrations", table="notify_version")


def adopt(connection: Connection) -> None:
    """A record that was made before versions were kept says so itself: it has the first of them."""
    there = inspect(connection).get_table_names()
    if SCHEMA.table in there or t.about.name not in there:
        return
    if connection.scalar(select(t.about.c.value).where(t.about.c.name == "schema")) == "1":
        SCHEMA.stamp(connection, "0001")
