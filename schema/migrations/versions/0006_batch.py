"""What batch jobs find, and how each run of them went."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spark_runs",
        sa.Column("id", sa.Text(), nullable=False, comment="the job, and letters of the run's own"),
        sa.Column("job", sa.Text(), nullable=False, comment="such as patterns"),
        sa.Column("status", sa.Text(), nullable=False, comment="running, succeeded or failed"),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="when it began, UTC",
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), comment="NULL while it runs"),
        sa.Column("span_start", sa.DateTime(timezone=True), comment="of the readings"),
        sa.Column("span_end", sa.DateTime(timezone=True), comment="just after the last of the readings"),
        sa.Column("parameters", postgresql.JSONB(), nullable=False, comment="what the run was asked for"),
        sa.Column("code_version", sa.Text(), nullable=False, comment="of Urbanclear"),
        sa.Column("rows_in", sa.BigInteger(), server_default="0", nullable=False, comment="that were read"),
        sa.Column("rows_out", sa.BigInteger(), server_default="0", nullable=False, comment="that were written"),
        sa.Column("seconds", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False, comment="by stage"),
        sa.Column("error", sa.Text(), comment="why it failed"),
        sa.CheckConstraint("status IN ('running', 'succeeded', 'failed')", name="spark_runs_status_check"),
        sa.PrimaryKeyConstraint("id", name="spark_runs_pkey"),
        comment="Every run of a batch job",
    )
    op.create_index("spark_runs_job_started_at_idx", "spark_runs", ["job", "started_at"], unique=False)
    op.create_table(
        "profiles",
        sa.Column("subject_kind", sa.Text(), nullable=False, comment="sensor, area or road"),
        sa.Column("subject", sa.Text(), nullable=False, comment="a sensor's external id, an area's or a road's name"),
        sa.Column(
            "day_type", sa.Text(), nullable=False, comment="weekday, saturday, or sunday, as public holidays are"
        ),
        sa.Column("minute", sa.SmallInteger(), nullable=False, comment="of the city's local day, in steps of 15"),
        sa.Column("speed_kmh", sa.REAL(), nullable=False, comment="median of the days"),
        sa.Column("lower_kmh", sa.REAL(), nullable=False, comment="10th percentile"),
        sa.Column("upper_kmh", sa.REAL(), nullable=False, comment="90th percentile"),
        sa.Column("volume_vph", sa.REAL(), comment="median of the days"),
        sa.Column("days", sa.Integer(), nullable=False, comment="how many days are behind it"),
        sa.Column("run_id", sa.Text(), nullable=False, comment="spark_runs.id"),
        sa.ForeignKeyConstraint(["run_id"], ["spark_runs.id"], name="profiles_run_id_fkey"),
        sa.PrimaryKeyConstraint("subject_kind", "subject", "day_type", "minute", name="profiles_pkey"),
        comment="What is normal: speeds by kind of day and quarter of an hour",
    )
    op.create_table(
        "seasonality",
        sa.Column("subject_kind", sa.Text(), nullable=False, comment="sensor, area or road"),
        sa.Column("subject", sa.Text(), nullable=False, comment="as in profiles"),
        sa.Column("daily_strength", sa.REAL(), comment="0 to 1: how much of what varies is the time of the day"),
        sa.Column("weekly_strength", sa.REAL(), comment="0 to 1: how much more is the day of the week"),
        sa.Column(
            "rush_hours",
            postgresql.JSONB(),
            nullable=False,
            comment="day_type, from_minute, to_minute, slowest_minute, depth",
        ),
        sa.Column("run_id", sa.Text(), nullable=False, comment="spark_runs.id"),
        sa.ForeignKeyConstraint(["run_id"], ["spark_runs.id"], name="seasonality_run_id_fkey"),
        sa.PrimaryKeyConstraint("subject_kind", "subject", name="seasonality_pkey"),
        comment="How regular traffic is, and when its rush hours are",
    )
    op.create_table(
        "cluster_shapes",
        sa.Column(
            "cluster", sa.Integer(), autoincrement=False, nullable=False, comment="number of the cluster, from 0"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="of its shape, such as morning peak"),
        sa.Column("sensors", sa.Integer(), nullable=False, comment="how many are in it"),
        sa.Column("medoid_sensor_id", sa.Integer(), nullable=False, comment="sensors.id of its most typical sensor"),
        sa.Column(
            "profile",
            sa.ARRAY(sa.REAL()),
            nullable=False,
            comment="168 hourly speeds of its centre, from Monday 0:00",
        ),
        sa.Column("silhouette", sa.REAL(), nullable=False, comment="of all sensors and clusters, -1 to 1"),
        sa.Column("stability", sa.REAL(), nullable=False, comment="0 to 1: agreement of runs from other starts"),
        sa.Column("run_id", sa.Text(), nullable=False, comment="spark_runs.id"),
        sa.ForeignKeyConstraint(["run_id"], ["spark_runs.id"], name="cluster_shapes_run_id_fkey"),
        sa.PrimaryKeyConstraint("cluster", name="cluster_shapes_pkey"),
        comment="The shapes that sensors are grouped by",
    )
    op.create_table(
        "insights",
        sa.Column("run_id", sa.Text(), nullable=False, comment="spark_runs.id"),
        sa.Column("kind", sa.Text(), nullable=False, comment="such as worst_delay"),
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False, comment="1 is the most notable"),
        sa.Column("subject", sa.Text(), nullable=False, comment="a corridor, an incident, a sensor or the city"),
        sa.Column("value", sa.Double(), nullable=False, comment="in the unit"),
        sa.Column("unit", sa.Text(), nullable=False, comment="of value and before"),
        sa.Column("before", sa.Double(), comment="the same of the span before"),
        sa.Column(
            "detail", postgresql.JSONB(), nullable=False, comment="what else is known, such as the share of good data"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["spark_runs.id"], name="insights_run_id_fkey"),
        sa.PrimaryKeyConstraint("run_id", "kind", "rank", name="insights_pkey"),
        comment="What a span was notable for",
    )
    op.add_column(
        "anomalies", sa.Column("run_id", sa.Text(), comment="spark_runs.id; NULL where it was found as it happened")
    )
    op.execute("DELETE FROM sensor_clusters")  # of days, not of weeks
    op.execute("COMMENT ON TABLE sensor_clusters IS 'Sensors grouped by the shape of their week'")
    op.execute(
        "COMMENT ON COLUMN sensor_clusters.profile IS "
        "'168 hourly speeds over the sensor''s highest, from Monday 0:00'"
    )
    op.execute("COMMENT ON COLUMN anomalies.kind IS 'what is not as it is normally, such as speed_drop'")
    op.execute("COMMENT ON COLUMN anomalies.observed IS 'what was, in the unit of what was expected'")
