"""What stands of a cycle and makes no difference to its alerts may have rows of its own. A cycle that has
said much moves it there when it changes next.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "notify_behind",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("cycle", sa.String(), nullable=False),
        sa.Column("said", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", "cycle", name="pk_notify_behind"),
    )
    op.create_index("ix_notify_behind_cycle", "notify_behind", ["cycle"])
    # A release that keeps no versions looks here, and refuses what is not its own.
    op.execute("UPDATE notify_about SET value = '0004' WHERE name = 'schema'")
