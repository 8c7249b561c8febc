"""Incidents: the direction of the traffic they are in, and when sensors that they are at were looked for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("incidents", sa.Column("direction", sa.Text()))
    op.add_column("incidents", sa.Column("placed_at", sa.DateTime(timezone=True)))
