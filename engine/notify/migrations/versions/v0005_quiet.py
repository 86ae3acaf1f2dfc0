"""Which members no turn need look at; those that are told by now are found out at their group's next turn.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "notify_members", sa.Column("quiet", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.drop_index("ix_notify_members_receiver_grp", "notify_members")
    op.create_index("ix_notify_members_receiver_grp_quiet", "notify_members", ["receiver", "grp", "quiet"])
    # A release that keeps no versions looks here, and refuses what is not its own.
    op.execute("UPDATE notify_about SET value = '0005' WHERE name = 'schema'")
