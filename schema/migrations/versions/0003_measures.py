"""What analysts' measures are kept in, what they were computed by, and how the recurring tasks have gone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA measures")
    _create_latest_readings()
    op.create_table(
        "definitions",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("algorithm_version", sa.Integer(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="whose days and hours count"),
        sa.Column(
            "planning_percentile", sa.Double(), nullable=False, comment="of travel times, for the planning time index"
        ),
        sa.Column(
            "delay_speed_ratio",
            sa.Double(),
            nullable=False,
            comment="share of free-flow speed below which time is lost",
        ),
        sa.Column("bottleneck_speed_kmh", sa.Double(), nullable=False, comment="below it traffic is congested"),
        sa.Column(
            "bottleneck_drop_kmh", sa.Double(), nullable=False, comment="least rise of speed past a bottleneck"
        ),
        sa.PrimaryKeyConstraint("id", name="definitions_pkey"),
        sa.UniqueConstraint(
            "algorithm_version",
            "time_zone",
            "planning_percentile",
            "delay_speed_ratio",
            "bottleneck_speed_kmh",
            "bottleneck_drop_kmh",
            name="definitions_key",
        ),
        schema="measures",
        comment="What measures were computed by: the version of the code and the agency's choices",
    )
    op.create_table(
        "links",
        sa.Column("sensor_id", sa.Integer(), autoincrement=False, nullable=False, comment="sensors.id"),
        sa.Column("corridor", sa.Text(), comment="road and direction"),
        sa.Column("ordinal", sa.Integer(), comment="place along the corridor, in the direction of travel, from 1"),
        sa.Column("position_m", sa.Double(), comment="from the corridor's first sensor, along the sensors"),
        sa.Column("length_m", sa.Double(), comment="of the link; for a detector, half-way to both neighbours"),
        sa.Column(
            "free_flow_speed_kmh",
            sa.Double(),
            comment="the sensor's own, or the 85th percentile of its hourly speeds",
        ),
        sa.Column("readings_per_hour", sa.REAL(), comment="90th percentile of the last week's hourly counts"),
        sa.PrimaryKeyConstraint("sensor_id", name="links_pkey"),
        schema="measures",
        comment="What measures need to know of each sensor",
    )
    op.create_table(
        "upkeep",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("last_run", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_success", sa.DateTime(timezone=True)),
        sa.Column("seconds", sa.Double(), nullable=False, comment="that the last run took"),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), comment="of the last run; NULL when it succeeded"),
        sa.PrimaryKeyConstraint("task", name="upkeep_pkey"),
        comment="How the recurring tasks of schema/upkeep.py have gone",
    )
    op.create_table(
        "bottlenecks",
        sa.Column("sensor_id", sa.Integer(), autoincrement=False, nullable=False, comment="sensors.id"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_minutes", sa.Integer(), nullable=False),
        sa.Column("mean_extent_m", sa.Double(), comment="length of the queue upstream"),
        sa.Column("max_extent_m", sa.Double()),
        sa.Column("vehicle_hours_of_delay", sa.Double(), comment="in the queue"),
        sa.Column("delay_s_per_vehicle", sa.Double(), comment="through the whole queue, mean while active"),
        sa.Column("good_share", sa.REAL(), comment="share of the readings behind it that are good, 0 to 1"),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["measures.definitions.id"], name="bottlenecks_definition_id_fkey"
        ),
        sa.PrimaryKeyConstraint("sensor_id", "started_at", name="bottlenecks_pkey"),
        schema="measures",
        comment="Activations of bottlenecks",
    )
    op.create_index("bottlenecks_day_idx", "bottlenecks", ["day"], unique=False, schema="measures")
    op.create_table(
        "days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("readings", sa.BigInteger(), nullable=False, comment="that there were when it was computed"),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["measures.definitions.id"], name="days_definition_id_fkey"),
        sa.PrimaryKeyConstraint("day", name="days_pkey"),
        schema="measures",
        comment="The days whose measures are computed",
    )
    op.create_table(
        "delay",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sensor_id", sa.Integer(), autoincrement=False, nullable=False, comment="sensors.id"),
        sa.Column("vehicle_hours_of_delay", sa.Double()),
        sa.Column("vehicle_hours", sa.Double()),
        sa.Column("vehicle_km", sa.Double()),
        sa.Column("delay_s_per_vehicle", sa.Double(), comment="mean over the day's buckets"),
        sa.Column("buckets", sa.Integer(), nullable=False, comment="of 5 minutes with good readings"),
        sa.Column("good_share", sa.REAL(), comment="share of the readings behind it that are good, 0 to 1"),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["definition_id"], ["measures.definitions.id"], name="delay_definition_id_fkey"),
        sa.PrimaryKeyConstraint("day", "sensor_id", name="delay_pkey"),
        schema="measures",
        comment="Time lost on each link",
    )
    op.create_table(
        "incident_impact",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="on which it started"),
        sa.Column("sensors", sa.Integer(), nullable=False, comment="affected ones that have readings"),
        sa.Column("normal_speed_kmh", sa.Double(), comment="same hour of the same kind of day in the 4 weeks before"),
        sa.Column("mean_speed_kmh", sa.Double()),
        sa.Column("least_speed_kmh", sa.REAL()),
        sa.Column("vehicle_hours_of_delay", sa.Double()),
        sa.Column("delay_s_per_vehicle", sa.Double(), comment="over all affected links, mean while it lasted"),
        sa.Column("good_share", sa.REAL(), comment="share of the readings behind it that are good, 0 to 1"),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["measures.definitions.id"], name="incident_impact_definition_id_fkey"
        ),
        sa.PrimaryKeyConstraint("incident_id", name="incident_impact_pkey"),
        schema="measures",
        comment="What incidents cost against the same hour's normal",
    )
    op.create_index("incident_impact_day_idx", "incident_impact", ["day"], unique=False, schema="measures")
    op.create_table(
        "reliability",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sensor_id", sa.Integer(), autoincrement=False, nullable=False, comment="sensors.id"),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("travel_time_index", sa.REAL(), nullable=False),
        sa.Column("planning_time_index", sa.REAL(), nullable=False),
        sa.Column("buffer_index", sa.REAL(), nullable=False),
        sa.Column("buckets", sa.Integer(), nullable=False, comment="of 5 minutes with good readings"),
        sa.Column("good_share", sa.REAL(), comment="share of the readings behind it that are good, 0 to 1"),
        sa.Column("definition_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["measures.definitions.id"], name="reliability_definition_id_fkey"
        ),
        sa.PrimaryKeyConstraint("day", "sensor_id", "period", name="reliability_pkey"),
        schema="measures",
        comment="How reliable each link was, by period of the day",
    )


def _create_latest_readings() -> None:
    op.create_table(
        "latest_readings",
        sa.Column("sensor_id", sa.Integer, nullable=False, autoincrement=False, comment="sensors.id"),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("speed_kmh", sa.REAL),
        sa.Column("volume_vph", sa.REAL, comment="vehicles per hour"),
        sa.Column("occupancy", sa.REAL, comment="share of time a vehicle covers the detector, 0 to 1"),
        sa.Column("travel_time_s", sa.REAL),
        sa.PrimaryKeyConstraint("sensor_id", name="latest_readings_pkey"),
        comment="The newest good reading of each sensor, kept by ingest so that the city's state is one small table",
        postgresql_with={"fillfactor": 50},  # each row is updated in place again and again
    )
    op.execute(
        """
        INSERT INTO latest_readings
        SELECT id, newest.* FROM sensors CROSS JOIN LATERAL (
            SELECT time, speed_kmh, volume_vph, occupancy, travel_time_s FROM readings
            WHERE sensor_id = id ORDER BY time DESC LIMIT 1
        ) AS newest
        """
    )
