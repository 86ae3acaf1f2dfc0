"""Indexes of the few rows that pages ask for, so that they are not looked for among all.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _index("ix_facts_links", "facts", ["subject"], "kind IN ('linked', 'merged')")
    _index("ix_facts_promises", "facts", ["subject"], "kind IN ('commitment_made')")
    _index("ix_facts_actions", "facts", ["subject"], "kind IN ('action_opened')")
    _index("ix_facts_of_console", "facts", ["recorded", "subject", "id"], "source IN ('urn:vigil:console')")
    _index("ix_outcomes_reviews", "outcomes", ["subject"], "metric IN ('pir', 'rca_final', 'rca_summary')")
    credited = "name IN ('credit_exposed') OR said_name IN ('credit_exposed')"
    _index("ix_outcomes_credits", "outcomes", ["subject"], credited)


def _index(name: str, table: str, columns: list[str], of: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(of), postgresql_where=sa.text(of))
