"""Until when an end is said again, and whose data are erased: so each row says whose it is.

Revision ID: 0002
"""

import msgspec
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


_alerts = sa.table("notify_alerts", *map(sa.column, ("key", "cycle", "alert", "subject")))
_cycles = sa.table("notify_cycles", *map(sa.column, ("id", "said", "subject")))


def upgrade() -> None:
    for table in ("notify_alerts", "notify_cycles"):
        op.add_column(table, sa.Column("subject", sa.String(), nullable=False, server_default=""))
    _name_subjects()
    for table in ("notify_alerts", "notify_cycles"):
        op.create_index(f"ix_{table}_subject", table, ["subject"])
    op.add_column("notify_members", sa.Column("again_until", sa.BigInteger(), nullable=True))
    op.create_table(
        "notify_erasures",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("pseudonym", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("customer", name="pk_notify_erasures"),
    )
    op.create_table(
        "notify_erased",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "customer", name="pk_notify_erased"),
    )
    # A release that keeps no versions looks here, and refuses what is not its own.
    op.execute("DELETE FROM notify_about WHERE name = 'schema'")
    op.execute("INSERT INTO notify_about (name, value) VALUES ('schema', '0002')")


def _name_subjects() -> None:
    connection, of_cycle = op.get_bind(), {}
    rows = connection.execute(sa.select(_alerts.c.key, _alerts.c.cycle, _alerts.c.alert)).all()
    for key, cycle, alert in rows:
        of_cycle[cycle] = subject = msgspec.msgpack.decode(alert)["outcome"]["subject"]
        connection.execute(sa.update(_alerts).where(_alerts.c.key == key).values(subject=subject))
    for id_, packed in connection.execute(sa.select(_cycles.c.id, _cycles.c.said)).all():
        said = msgspec.msgpack.decode(packed)
        subject = said[0]["subject"] if said else of_cycle.get(id_, "")
        connection.execute(sa.update(_cycles).where(_cycles.c.id == id_).values(subject=subject))
