"""What batch jobs would have written of the small city of `tests/schema/city.py`, with known numbers."""

from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from tests.schema.city import City

RUSH = {"day_type": "weekday", "from_minute": 480, "to_minute": 540, "slowest_minute": 495, "depth": 0.4}
LOST, INDEX = "vehicle hours", "planning time index"


async def run_of(city: City, job: str, end: datetime, *, days: int = 7, **columns: Any) -> str:
    """A run of `job`, of so many days until `end`, that succeeded 10 minutes after it; returns its id."""
    known: dict[str, Any] = {"status": "succeeded", "error": None, "name": f"{end:%Y%m%d%H%M}", **columns}
    id_ = f"{job}-{known['name']}"
    await city.connection.execute(
        "INSERT INTO spark_runs (id, job, status, started_at, ended_at, span_start, span_end, parameters, "
        "code_version, rows_in, rows_out, seconds, error) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, '{}', '1', 100, 10, %s, %s)",
        [
            *(id_, job, known["status"], end + timedelta(minutes=5), end + timedelta(minutes=10)),
            *(end - timedelta(days=days), end, Jsonb({"Reading": 1.5}), known["error"]),
        ],
    )
    return id_


async def profile_of(city: City, run: str, kind: str, subject: str, day_type: str, speed_kmh: float) -> None:
    """One speed at all times of one kind of day, with 10 km/h to each side; rush hours, and how regular it is."""
    await city.connection.execute(
        "INSERT INTO profiles SELECT %s, %s, %s, minute, %s, %s, %s, 600, 20, %s "
        "FROM generate_series(0, 1425, 15) AS minute",
        [kind, subject, day_type, speed_kmh, speed_kmh - 10, speed_kmh + 10, run],
    )
    await city.connection.execute(
        "INSERT INTO seasonality VALUES (%s, %s, 0.75, 0.5, %s, %s) ON CONFLICT DO NOTHING",
        [kind, subject, Jsonb([RUSH]), run],
    )


async def clusters_of(city: City, run: str, medoid: str, *others: str) -> None:
    """Two clusters: `medoid` alone in the first, the others in the second."""
    ids = {row["external_id"]: row["id"] for row in await city.rows("SELECT id, external_id FROM sensors")}
    for cluster, name, members in ((0, "flat", [medoid]), (1, "morning peak", others)):
        await city.connection.execute(
            "INSERT INTO cluster_shapes VALUES (%s, %s, %s, %s, array_fill(%s::real, '{168}'), 0.5, 0.9, %s)",
            [cluster, name, len(members), ids[members[0]], 1 - cluster / 2, run],
        )
        for member in members:
            await city.connection.execute(
                "INSERT INTO sensor_clusters VALUES (%s, %s, 2, 0.1, array_fill(0.5::real, '{168}'), now())",
                [ids[member], cluster],
            )


async def insights_of(city: City, run: str, *, before: float | None = 80) -> None:
    """Two corridors where time was lost, and one that is not reliable."""
    rows = [("worst_delay", 1, "Main Street N", 120.5, LOST), ("worst_delay", 2, "Side Street E", 20, LOST)]
    for kind, rank, subject, value, unit in [*rows, ("worst_reliability", 1, "Main Street N", 2.5, INDEX)]:
        await city.connection.execute(
            "INSERT INTO insights VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [run, kind, rank, subject, value, unit, before, Jsonb({"good_share": 0.9})],
        )


async def anomaly_of(city: City, sensor: str, time: datetime, ended_at: datetime | None, **columns: Any) -> None:
    """A drop from 40 to 9 km/h at a sensor, told by its external id."""
    known = {"kind": "speed_drop", "score": 6.0, "expected": 40.0, "observed": 9.0, "run": None, **columns}
    await city.chunks("anomalies", at=time)
    await city.connection.execute(
        "INSERT INTO anomalies SELECT id, %s, %s, %s, %s, %s, %s, %s FROM sensors WHERE external_id = %s",
        [time, known["kind"], ended_at, *[known[name] for name in ("score", "expected", "observed", "run")], sensor],
    )
