"""Of an outcome the fingerprint that its escalation had: the policy makes it, so facts need not carry one.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("outcomes", sa.Column("fingerprint", sa.String(), nullable=False, server_default=""))
