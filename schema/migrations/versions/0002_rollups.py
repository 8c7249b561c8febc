"""Rollups, flags on readings, the columnstore, and the time series still missing.

A chunk of readings is as wide as a day from now on; those that exist stay as they are.
"""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import REAL

from schema.ddl import (
    CreateHypertable,
    CreateRollup,
    EnableColumnstore,
    SetChunkInterval,
    TrackChanges,
    time_series_options,
)
from schema.dialect import TIMESCALE
from schema.rollups import ROLLUPS

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
#: By the width of the bucket, so that a chunk holds some 1,000 to 2,000 rows a sensor.
CHUNK = {
    timedelta(minutes=5): timedelta(days=7),
    timedelta(hours=1): timedelta(days=56),
    timedelta(days=1): timedelta(days=1456),
}


def upgrade() -> None:
    op.add_column(
        "readings",
        sa.Column(
            "flag",
            sa.SmallInteger,
            comment="NULL: good; 1 implausible, 2 stuck, 3 late: kept, and left out of every mean",
        ),
    )
    _create_time_series()
    op.execute(SetChunkInterval("readings", timedelta(days=1)))
    if op.get_bind().dialect.name == TIMESCALE:
        op.drop_index("readings_time_idx")  # every write pays for it, and no query needs it
    op.execute(EnableColumnstore("readings", "sensor_id"))
    op.execute("CREATE SCHEMA rollup")
    op.execute(TrackChanges("readings"))
    for rollup in ROLLUPS:
        op.execute(CreateRollup(rollup, CHUNK[rollup.width]))
        if rollup.key == "sensor_id":
            op.execute(EnableColumnstore(f"rollup.{rollup.name}", rollup.key, rollup=True))


def _create_time_series() -> None:
    options = time_series_options(op.get_bind().dialect.name)
    op.create_table(
        "predictions",
        sa.Column("sensor_id", sa.Integer, nullable=False, autoincrement=False, comment="sensors.id"),
        sa.Column("time", TIME, nullable=False, comment="that is predicted"),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("speed_kmh", REAL, nullable=False),
        sa.Column("lower_kmh", REAL, comment="lower end of the interval"),
        sa.Column("upper_kmh", REAL, comment="upper end of the interval"),
        sa.Column("model", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sensor_id", "time", "made_at", name="predictions_pkey"),
        comment="Speeds as they were expected; the horizon is time - made_at",
        **options,
    )
    op.create_table(
        "anomalies",
        sa.Column("sensor_id", sa.Integer, nullable=False, autoincrement=False, comment="sensors.id"),
        sa.Column("time", TIME, nullable=False, comment="when it began"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ended_at", TIME, comment="NULL while it lasts"),
        sa.Column("score", REAL, nullable=False, comment="how far from normal, in robust standard deviations"),
        sa.Column("expected", REAL, comment="in the unit of what was observed"),
        sa.Column("observed", REAL),
        sa.PrimaryKeyConstraint("sensor_id", "time", "kind", name="anomalies_pkey"),
        comment="Stretches in which a sensor was not as it normally is",
        **options,
    )
    op.create_table(
        "notification_log",
        sa.Column("id", sa.Text, nullable=False, comment="the idempotency key of the notification"),
        sa.Column("time", TIME, nullable=False, comment="of the attempt"),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("alert_id", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False, comment="delivered, failed or given up"),
        sa.Column("detail", sa.Text),
        sa.PrimaryKeyConstraint("id", "time", name="notification_log_pkey"),
        comment="Every attempt to deliver a notification",
        **options,
    )
    op.execute(CreateHypertable("predictions", timedelta(days=1)))
    op.execute(CreateHypertable("anomalies", timedelta(days=28)))
    op.execute(CreateHypertable("notification_log", timedelta(days=28)))
