"""How far topics are read, kept in the database that they are read into: in the transaction of the rows."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
)


class Advance(NamedTuple):
    """How far a write has read one partition of a topic."""

    topic: str
    partition: int
    start: int
    """Where the reading began: there the database must stand, if it has read any of it."""
    next: int
    """The offset that is read next."""
    topic_id: str = ""
    """Kafka's own, which a topic made anew under the same name does not share; empty: not known."""


class Overtaken(Exception):
    """Another process has read on meanwhile: begin again at what `stands` says now. Nothing was written."""


def offsets_table(name: str, metadata: MetaData) -> Table:
    return Table(
        name,
        metadata,
        Column("topic", String, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next", BigInteger, nullable=False),
        Column("topic_id", String, nullable=False, server_default=""),
    )


def stands(connection: Connection, table: Table) -> dict[tuple[str, int], int]:
    """(topic, partition) -> the offset to read next."""
    rows = connection.execute(select(table.c.topic, table.c.partition, table.c.next))
    return {(row.topic, row.partition): row.next for row in rows}


def topic_ids(connection: Connection, table: Table) -> dict[str, str]:
    """Topic -> the id of the one that was read, where it is known."""
    rows = connection.execute(select(table.c.topic, table.c.topic_id).where(table.c.topic_id != ""))
    return {row.topic: row.topic_id for row in rows}


def advance(connection: Connection, table: Table, read: Collection[Advance]) -> None:
    """Note what is read, in the transaction of the connection. Overtaken where it does not follow on."""
    before = stands(connection, table)
    for one in read:
        if before.get((one.topic, one.partition), one.start) != one.start:
            raise Overtaken(f"{one.topic}/{one.partition}")
    for one in read:
        same = and_(table.c.topic == one.topic, table.c.partition == one.partition)
        connection.execute(delete(table).where(same))
        row = {"topic": one.topic, "partition": one.partition, "next": one.next, "topic_id": one.topic_id}
        connection.execute(insert(table), row)
