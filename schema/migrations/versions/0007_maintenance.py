"""Which sensors are likely to fail."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "maintenance",
        sa.Column("sensor_id", sa.Integer(), autoincrement=False, nullable=False, comment="sensors.id"),
        sa.Column("rank", sa.Integer(), nullable=False, comment="1 is the most likely to fail"),
        sa.Column("risk", sa.REAL(), nullable=False, comment="probability of a failure within 7 days, 0 to 1"),
        sa.Column("reason", sa.Text(), nullable=False, comment="in a sentence"),
        sa.Column(
            "failures", sa.Integer(), nullable=False, comment="times it was silent or stuck for 30 minutes or more"
        ),
        sa.Column("silent_hours", sa.REAL(), nullable=False, comment="how long those were that it was silent"),
        sa.Column("stuck_hours", sa.REAL(), nullable=False, comment="how long those were that it was stuck"),
        sa.Column(
            "missing_share",
            sa.REAL(),
            comment="share of readings missed on the last day it worked, failures apart, 0 to 1",
        ),
        sa.Column(
            "last_failure",
            sa.DateTime(timezone=True),
            comment="when the newest failure began, UTC; NULL where there is none",
        ),
        sa.Column("days", sa.Integer(), nullable=False, comment="how many days are behind it"),
        sa.Column("run_id", sa.Text(), nullable=False, comment="spark_runs.id"),
        sa.ForeignKeyConstraint(["run_id"], ["spark_runs.id"], name="maintenance_run_id_fkey"),
        sa.ForeignKeyConstraint(["sensor_id"], ["sensors.id"], name="maintenance_sensor_id_fkey"),
        sa.PrimaryKeyConstraint("sensor_id", name="maintenance_pkey"),
        comment="Sensors by how likely they are to fail",
    )
