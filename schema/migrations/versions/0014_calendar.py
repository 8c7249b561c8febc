"""What kind of day each day is."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar",
        sa.Column("day", sa.Date(), nullable=False, comment="in local time"),
        sa.Column(
            "day_type", sa.Text(), nullable=False, comment="weekday, saturday, or sunday, as public holidays are"
        ),
        sa.Column("holiday", sa.Text(), comment="its name; NULL on all other days"),
        sa.PrimaryKeyConstraint("day", name="calendar_pkey"),
        comment="What kind of day each day is, by URBANCLEAR_HOLIDAYS",
    )
