"""Patterns, clusters and anomalies as they are told."""

from typing import Any, Final

from sqlalchemy import BigInteger, Double, Integer, Text, column

from api.http.shapes import Told, shape, told
from schema.tables import anomalies, cluster_shapes, sensor_clusters, sensors, spark_runs


def _field(name: str, kind: Any, description: str, example: object) -> Told:
    return told(column(name, kind), name, description, example)


def _sensor() -> Told:
    return told(sensors.c.external_id, "sensor", "external id, source:id", "nyc-dot:4616337")


PATTERN: Final = shape(
    "Pattern",
    "What is normal at a time of the day",
    [
        _field(
            "day_type", Text, "weekday (Monday to Friday), saturday, sunday; public holidays are Sundays", "weekday"
        ),
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
        _sensor(),
        *[told(column) for column in sensor_clusters.c if column.name != "sensor_id"],
        told(cluster_shapes.c.name, "name", "of the cluster's shape", "morning peak"),
    ],
)
#: Sensors with their cluster, and its shape where it is known.
CLUSTERED: Final = sensors.join(sensor_clusters, sensor_clusters.c.sensor_id == sensors.c.id).join(
    cluster_shapes, cluster_shapes.c.cluster == sensor_clusters.c.cluster, isouter=True
)
CLUSTER_SHAPE: Final = shape(
    "ClusterShape",
    "A shape that the weeks of sensors are grouped by",
    [
        *[told(cluster_shapes.c[name]) for name in ("cluster", "name", "sensors")],
        told(sensors.c.external_id, "medoid_sensor", "its most typical sensor, source:id", "nyc-dot:4616337"),
        *[told(cluster_shapes.c[name]) for name in ("profile", "silhouette", "stability")],
        told(spark_runs.c.id, "run", "that found it, as in /api/v1/runs", "clusters-0a1b2c3d4e5f"),
        told(spark_runs.c.span_start, "span_start", "of the readings behind it", "2026-03-02T05:00:00Z"),
        told(spark_runs.c.span_end, "span_end", "just after the last of them", "2026-03-30T04:00:00Z"),
        told(spark_runs.c.ended_at, "computed_at", "when it was computed", "2026-03-30T04:10:00Z"),
    ],
)
SHAPED: Final = cluster_shapes.join(sensors, sensors.c.id == cluster_shapes.c.medoid_sensor_id).join(
    spark_runs, spark_runs.c.id == cluster_shapes.c.run_id
)
ANOMALY: Final = shape(
    "Anomaly",
    "A stretch in which a sensor was not as it normally is",
    [
        _sensor(),
        told(anomalies.c.time),
        told(anomalies.c.kind, "kind", "what is not as it is normally", "speed_drop"),
        *[told(anomalies.c[name]) for name in ("ended_at", "score", "expected")],
        told(anomalies.c.observed, "observed", "what was, in the unit of what was expected", 12.5),
        told(anomalies.c.run_id, "run", "that found it, as in /api/v1/runs; null where it was found as it happened"),
    ],
)
