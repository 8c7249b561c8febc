"""Since when and how often each sensor has said the same, so that one that is stuck is told after a restart too."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "latest_readings",
        sa.Column(
            "unchanged_since",
            sa.DateTime(timezone=True),
            comment="time of the first of the readings that are all like this one",
        ),
    )
    op.add_column(
        "latest_readings",
        sa.Column("unchanged", sa.Integer(), comment="how many readings in a row are like this one"),
    )
