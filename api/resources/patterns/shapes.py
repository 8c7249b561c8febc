"""Patterns, clusters and anomalies as they are told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Double, Integer, Subquery, Text, bindparam, column, text
from sqlalchemy.dialects.postgresql import INTERVAL

from api.http.shapes import Told, shape, told
from schema.tables import Time, anomalies, sensor_clusters, sensors

WEEKS: Final = timedelta(days=28)
_SQL: Final = files(__package__).joinpath("pattern.sql").read_text()


def _field(name: str, kind: Any, description: str, example: object) -> Told:
    return told(column(name, kind), name, description, example)


PATTERN: Final = shape(
    "Pattern",
    "What is normal at a time of the day",
    [
        _field("day_type", Text, "weekday (Monday to Friday), saturday or sunday", "weekday"),
        _field("minute", Integer, "of the city's local day, in steps of 15, from 0", 480),
        _field("speed_kmh", Double, "median of the days' mean speeds, km/h", 31.5),
        _field("lower_kmh", Double, "10th percentile, km/h", 22.1),
        _field("upper_kmh", Double, "90th percentile, km/h", 44.0),
        _field("days", BigInteger, "how many days are behind it", 20),
    ],
)
CLUSTER: Final = shape(
    "SensorCluster",
    "A sensor in the group of those whose weeks have one shape",
    [
        told(sensors.c.external_id, "sensor", "external id, source:id", "nyc-dot:4616337"),
        *[told(column) for column in sensor_clusters.c if column.name != "sensor_id"],
    ],
)
ANOMALY: Final = shape(
    "Anomaly",
    "A stretch in which a sensor was not as it normally is",
    [
        told(sensors.c.external_id, "sensor", "external id, source:id", "nyc-dot:4616337"),
        told(anomalies.c.time),
        told(anomalies.c.kind, "kind", "what is not as it is normally", "speed_drop"),
        *[told(anomalies.c[name]) for name in ("ended_at", "score", "expected")],
        told(anomalies.c.observed, "observed", "what was, in the unit of what was expected", 12.5),
    ],
)


def pattern(relation: str, subjects: Mapping[int, datetime] | Mapping[str, datetime], zone: str) -> Subquery:
    """The patterns of subjects, each of the four weeks up to its newest reading; `relation` is a rollup.

    Each row has its `subject` as well.
    """
    key, kind = ("area", Text()) if relation.startswith("area") else ("sensor_id", Integer())
    ends = list(subjects.values()) or [datetime.fromtimestamp(0, UTC)]
    statement = text(_SQL.format(relation=relation, key=key)).bindparams(
        bindparam("subjects", list(subjects), ARRAY(kind)),
        bindparam("newest", list(subjects.values()), ARRAY(Time)),
        bindparam("span", WEEKS, INTERVAL),
        bindparam("start", min(ends) - WEEKS),
        bindparam("end", max(ends)),
        bindparam("zone", zone),
    )
    return statement.columns(column("subject", kind), *[field.column for field in PATTERN.fields]).subquery()
