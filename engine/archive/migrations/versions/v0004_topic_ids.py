"""Of which topic an offset is: one made anew has the same name and another id.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("offsets", sa.Column("topic_id", sa.String(), nullable=False, server_default=""))
