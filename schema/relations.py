"""The views that everyone reads, as SQLAlchemy Core sees them: their columns, types and comments.

The views themselves are SQL (`schema/views/`), where the comments are taken from, so that REST, GraphQL and the
database explain a column in the same words. A test holds names and types to those of the database.
"""

import re
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Date, Double, Integer, Interval, MetaData, Numeric, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from schema.rollups import COLUMNS, MEASURES, ROLLUPS, Rollup
from schema.tables import Time

_metadata = MetaData()
_COMMENT: Final = re.compile(r"COMMENT ON COLUMN (\w+)\.(\w+) IS\s*'((?:[^']|'')*)'")
_TYPES: Final[dict[str, TypeEngine[Any]]] = {
    "integer": Integer(),
    "double precision": Double(),
    "real": Double(),
}


def _comments() -> dict[tuple[str, str], str]:
    texts = [file.read_text() for file in files("schema.views").iterdir() if file.name.endswith(".sql")]
    return {(view, name): text.replace("''", "'") for view, name, text in _COMMENT.findall("".join(texts))}


_COMMENTS: Final = _comments()


def _view(name: str, /, **columns: object) -> Table:
    return Table(
        name,
        _metadata,
        *[Column(column, kind, comment=_COMMENTS.get((name, column))) for column, kind in columns.items()],  # type: ignore[arg-type]
    )


def _rollup(rollup: Rollup) -> Table:
    by_sensor = rollup.key == "sensor_id"
    key: Column[object] = Column(
        rollup.key, Integer() if by_sensor else Text(), comment="sensors.id" if by_sensor else "sensors.area"
    )
    means: list[Column[object]] = [Column(name, Double(), comment="mean of the good readings") for name in MEASURES]
    sums: list[Column[object]] = [
        Column(column.name, _TYPES[column.type], comment=column.comment) for column in COLUMNS
    ]
    return Table(rollup.name, _metadata, key, Column("time", Time, comment="start of the bucket"), *means, *sums)


rollups: Final = {rollup.name: _rollup(rollup) for rollup in ROLLUPS}

_PLACE: Final = {"sensor_id": Integer, "sensor": Text, "name": Text, "area": Text, "corridor": Text}

current_conditions: Final = _view(
    "current_conditions",
    sensor_id=Integer,
    sensor=Text,
    name=Text,
    area=Text,
    road=Text,
    direction=Text,
    time=Time,
    speed_kmh=Double,
    volume_vph=Double,
    occupancy=Double,
    travel_time_s=Double,
    free_flow_speed_kmh=Double,
    speed_ratio=Double,
    level_of_service=Text,
    age=Interval,
)
congestion_scan: Final = _view(
    "congestion_scan",
    corridor=Text,
    time=Time,
    ordinal=Integer,
    position_m=Double,
    sensor_id=Integer,
    sensor=Text,
    speed_kmh=Double,
    speed_ratio=Double,
    good_share=Double,
)
corridor_travel_times: Final = _view(
    "corridor_travel_times",
    corridor=Text,
    time=Time,
    length_m=Double,
    travel_time_s=Double,
    travel_time_index=Double,
    imputed_share=Double,
    good_share=Double,
)
reliability_daily: Final = _view(
    "reliability_daily",
    day=Date,
    **_PLACE,
    period=Text,
    travel_time_index=Double,
    planning_time_index=Double,
    buffer_index=Double,
    buckets=Integer,
    good_share=Double,
    planning_percentile=Double,
    time_zone=Text,
    algorithm_version=Integer,
)
delay_daily: Final = _view(
    "delay_daily",
    day=Date,
    **_PLACE,
    vehicle_hours_of_delay=Double,
    vehicle_hours=Double,
    vehicle_km=Double,
    delay_s_per_vehicle=Double,
    buckets=Integer,
    good_share=Double,
    delay_speed_ratio=Double,
    time_zone=Text,
    algorithm_version=Integer,
)
bottlenecks: Final = _view(
    "bottlenecks",
    day=Date,
    rank=BigInteger,
    **_PLACE,
    position_m=Double,
    started_at=Time,
    ended_at=Time,
    active_minutes=Integer,
    mean_extent_m=Double,
    max_extent_m=Double,
    vehicle_hours_of_delay=Double,
    delay_s_per_vehicle=Double,
    good_share=Double,
    bottleneck_speed_kmh=Double,
    bottleneck_drop_kmh=Double,
    time_zone=Text,
    algorithm_version=Integer,
)
incident_impact: Final = _view(
    "incident_impact",
    incident_id=Text,
    day=Date,
    kind=Text,
    severity=Text,
    area=Text,
    road=Text,
    started_at=Time,
    cleared_at=Time,
    duration_minutes=Numeric(asdecimal=False),
    sensors=Integer,
    normal_speed_kmh=Double,
    mean_speed_kmh=Double,
    least_speed_kmh=Double,
    vehicle_hours_of_delay=Double,
    delay_s_per_vehicle=Double,
    good_share=Double,
    time_zone=Text,
    algorithm_version=Integer,
)
sensor_health: Final = _view(
    "sensor_health",
    **_PLACE,
    expected_readings=Double,
    readings=BigInteger,
    reporting_share=Double,
    good_share=Double,
    implausible=BigInteger,
    stuck=BigInteger,
    stuck_hours=BigInteger,
    last_seen=Time,
    healthy=Boolean,
)
forecast_skill: Final = _view(
    "forecast_skill",
    day=Date,
    model=Text,
    horizon_minutes=Integer,
    predictions=BigInteger,
    mae_kmh=Double,
    rmse_kmh=Double,
    mape_percent=Double,
    persistence_mae_kmh=Double,
    profile_mae_kmh=Double,
    skill=Double,
    coverage=Double,
    width_kmh=Double,
)
forecast_skill_by_sensor: Final = _view(
    "forecast_skill_by_sensor",
    sensor_id=Integer,
    name=Text,
    area=Text,
    corridor=Text,
    model=Text,
    horizon_minutes=Integer,
    predictions=BigInteger,
    mae_kmh=Double,
    persistence_mae_kmh=Double,
    profile_mae_kmh=Double,
    skill=Double,
    coverage=Double,
)
alert_rules: Final = _view(
    "alert_rules",
    name=Text,
    version=Integer,
    enabled=Boolean,
    kind=Text,
    priority=Text,
    definition=JSONB,
    origin=Text,
    changed_at=Time,
    changed_by=Text,
)

VIEWS: Final = (*rollups.values(), *(table for table in _metadata.sorted_tables if table.name not in rollups))
