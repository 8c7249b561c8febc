"""What is stored: the tables, in SQLAlchemy Core. Migrations under `migrations/` bring a database to this state.

Units are in the names; `time` is always `timestamptz` in UTC. Time series (`TIME_SERIES`) are hypertables on
TimescaleDB and range-partitioned tables on plain PostgreSQL, which `engines` decides.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL

metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    }
)

Time = DateTime(timezone=True)


def _now() -> Column[object]:
    return Column("updated_at", Time, nullable=False, server_default=func.now())


sensors = Table(
    "sensors",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("external_id", Text, nullable=False, unique=True, comment="source:id"),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="link"),
    Column("area", Text, index=True),
    Column("road", Text, index=True),
    Column("direction", Text),
    Column("lat", Double, comment="degrees, WGS 84"),
    Column("lon", Double, comment="degrees, WGS 84"),
    Column("geometry", JSONB, comment="GeoJSON, RFC 7946"),
    Column("length_m", Double),
    Column("free_flow_speed_kmh", Double),
    Column("lanes", SmallInteger),
    _now(),
    comment="Where traffic is measured: loop detectors and road links",
)

readings = Table(
    "readings",
    metadata,
    Column("sensor_id", Integer, primary_key=True, autoincrement=False, comment="sensors.id"),
    Column("time", Time, primary_key=True),
    Column("speed_kmh", REAL),
    Column("volume_vph", REAL, comment="vehicles per hour"),
    Column("occupancy", REAL, comment="share of time a vehicle covers the detector, 0 to 1"),
    Column("travel_time_s", REAL),
    comment="One observation of a sensor; each is stored exactly once",
)

weather = Table(
    "weather",
    metadata,
    Column("station", Text, primary_key=True),
    Column("time", Time, primary_key=True),
    Column("temperature_c", REAL),
    Column("precipitation_mm", REAL, comment="sum over the hour before time"),
    Column("wind_speed_kmh", REAL),
    Column("visibility_m", REAL),
    Column("condition", Text),
    comment="What weather stations observed",
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("time", Time, nullable=False, comment="of the newest update"),
    Column("status", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("cleared_at", Time),
    Column("description", Text, nullable=False, server_default=""),
    Column(
        "sensors",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="external ids of sensors affected",
    ),
    Column("area", Text),
    Column("road", Text),
    Column("lat", Double),
    Column("lon", Double),
    Column("lanes_blocked", SmallInteger),
    CheckConstraint("(status = 'cleared') = (cleared_at IS NOT NULL)", name="cleared_at"),
    Index(None, "started_at"),
    comment="The newest state of each incident",
)

incident_updates = Table(
    "incident_updates",
    metadata,
    Column("incident_id", Text, primary_key=True),
    Column("time", Time, primary_key=True),
    Column("status", Text, primary_key=True),
    Column("severity", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("lanes_blocked", SmallInteger),
    comment="Every state an incident has had",
)

sensor_clusters = Table(
    "sensor_clusters",
    metadata,
    Column("sensor_id", Integer, ForeignKey("sensors.id"), primary_key=True, autoincrement=False),
    Column("cluster", Integer, nullable=False),
    Column("k", Integer, nullable=False, comment="how many clusters the run made"),
    Column("distance", REAL, nullable=False, comment="from the cluster's centre, in normalised speed"),
    Column("profile", ARRAY(REAL), nullable=False, comment="24 hourly mean speeds over the sensor's highest"),
    Column("computed_at", Time, nullable=False),
    comment="Sensors grouped by the shape of their day",
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("part", Text, primary_key=True),
    Column("instance", Text, primary_key=True, comment="host and process"),
    Column("time", Time, nullable=False),
    comment="When each running part last said that it is well",
)

#: The time series and the width of one chunk of each: a partition, or a hypertable's chunk. A week of a city's
#: readings (1,000 sensors each minute: 10 M rows) fits in memory beside its index on a 16 GB server.
TIME_SERIES: Final[dict[str, timedelta]] = {
    "readings": timedelta(days=7),
    "weather": timedelta(days=28),
    "incident_updates": timedelta(days=28),
}
