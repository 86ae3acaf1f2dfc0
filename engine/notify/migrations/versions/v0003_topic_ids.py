"""Of which topic an offset is: one made anew has the same name and another id.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("notify_offsets", sa.Column("topic_id", sa.String(), nullable=False, server_default=""))
    # A release that keeps no versions looks here, and refuses what is not its own.
    op.execute("UPDATE notify_about SET value = '0003' WHERE name = 'schema'")
