"""Sensors, readings, weather, incidents, clusters of sensors and heartbeats."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, REAL

from schema.ddl import CreateHypertable, time_series_options

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
NOW = sa.func.now()


def upgrade() -> None:
    _create_current_state()
    _create_time_series()
    _create_results()


def _create_current_state() -> None:
    op.create_table(
        "sensors",
        sa.Column("id", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("external_id", sa.Text, nullable=False, comment="source:id"),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False, server_default="link"),
        sa.Column("area", sa.Text),
        sa.Column("road", sa.Text),
        sa.Column("direction", sa.Text),
        sa.Column("lat", sa.Double, comment="degrees, WGS 84"),
        sa.Column("lon", sa.Double, comment="degrees, WGS 84"),
        sa.Column("geometry", JSONB, comment="GeoJSON, RFC 7946"),
        sa.Column("length_m", sa.Double),
        sa.Column("free_flow_speed_kmh", sa.Double),
        sa.Column("lanes", sa.SmallInteger),
        sa.Column("updated_at", TIME, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", name="sensors_pkey"),
        sa.UniqueConstraint("external_id", name="sensors_external_id_key"),
        comment="Where traffic is measured: loop detectors and road links",
    )
    op.create_index("sensors_area_idx", "sensors", ["area"])
    op.create_index("sensors_road_idx", "sensors", ["road"])
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("time", TIME, nullable=False, comment="of the newest update"),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("cleared_at", TIME),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column(
            "sensors",
            sa.ARRAY(sa.Text),
            nullable=False,
            server_default="{}",
            comment="external ids of sensors affected",
        ),
        sa.Column("area", sa.Text),
        sa.Column("road", sa.Text),
        sa.Column("lat", sa.Double),
        sa.Column("lon", sa.Double),
        sa.Column("lanes_blocked", sa.SmallInteger),
        sa.PrimaryKeyConstraint("id", name="incidents_pkey"),
        sa.CheckConstraint(
            "(status = 'cleared') = (cleared_at IS NOT NULL)", name=op.f("incidents_cleared_at_check")
        ),
        comment="The newest state of each incident",
    )
    op.create_index("incidents_started_at_idx", "incidents", ["started_at"])


def _create_time_series() -> None:
    options = time_series_options(op.get_bind().dialect.name)
    op.create_table(
        "readings",
        sa.Column("sensor_id", sa.Integer, nullable=False, autoincrement=False, comment="sensors.id"),
        sa.Column("time", TIME, nullable=False),
        sa.Column("speed_kmh", REAL),
        sa.Column("volume_vph", REAL, comment="vehicles per hour"),
        sa.Column("occupancy", REAL, comment="share of time a vehicle covers the detector, 0 to 1"),
        sa.Column("travel_time_s", REAL),
        sa.PrimaryKeyConstraint("sensor_id", "time", name="readings_pkey"),
        comment="One observation of a sensor; each is stored exactly once",
        **options,
    )
    op.create_table(
        "weather",
        sa.Column("station", sa.Text, nullable=False),
        sa.Column("time", TIME, nullable=False),
        sa.Column("temperature_c", REAL),
        sa.Column("precipitation_mm", REAL, comment="sum over the hour before time"),
        sa.Column("wind_speed_kmh", REAL),
        sa.Column("visibility_m", REAL),
        sa.Column("condition", sa.Text),
        sa.PrimaryKeyConstraint("station", "time", name="weather_pkey"),
        comment="What weather stations observed",
        **options,
    )
    op.create_table(
        "incident_updates",
        sa.Column("incident_id", sa.Text, nullable=False),
        sa.Column("time", TIME, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("lanes_blocked", sa.SmallInteger),
        sa.PrimaryKeyConstraint("incident_id", "time", "status", name="incident_updates_pkey"),
        comment="Every state an incident has had",
        **options,
    )
    op.execute(CreateHypertable("readings", timedelta(days=7)))
    op.execute(CreateHypertable("weather", timedelta(days=28)))
    op.execute(CreateHypertable("incident_updates", timedelta(days=28)))


def _create_results() -> None:
    op.create_table(
        "sensor_clusters",
        sa.Column("sensor_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("cluster", sa.Integer, nullable=False),
        sa.Column("k", sa.Integer, nullable=False, comment="how many clusters the run made"),
        sa.Column("distance", REAL, nullable=False, comment="from the cluster's centre, in normalised speed"),
        sa.Column(
            "profile",
            sa.ARRAY(REAL),
            nullable=False,
            comment="24 hourly mean speeds over the sensor's highest",
        ),
        sa.Column("computed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("sensor_id", name="sensor_clusters_pkey"),
        sa.ForeignKeyConstraint(["sensor_id"], ["sensors.id"], name="sensor_clusters_sensor_id_fkey"),
        comment="Sensors grouped by the shape of their day",
    )
    op.create_table(
        "heartbeats",
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("instance", sa.Text, nullable=False, comment="host and process"),
        sa.Column("time", TIME, nullable=False),
        sa.PrimaryKeyConstraint("part", "instance", name="heartbeats_pkey"),
        comment="When each running part last said that it is well",
    )
