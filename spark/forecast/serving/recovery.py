"""The state of a process that starts anew: what the database has of the last minutes."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import psycopg

from schema.rollups import MEASURES
from spark.forecast.copied import EPOCH_2000_US, columns_of
from spark.forecast.serving.observed import EPOCH, MICROSECOND, Observed
from spark.forecast.serving.state import AHEAD, KEPT, Described, State

#: Kafka is read from this long before the newest reading that is stored: ingest may be behind on some partitions.
OVERLAP: Final = timedelta(minutes=5)

_DESCRIBED: Final = "SELECT id, external_id, kind, lanes FROM sensors"
_READINGS: Final = f"""
    SELECT sensor_id, time, {", ".join(f"coalesce({measure}, 'NaN')" for measure in MEASURES)}
    FROM readings WHERE time >= %s AND time <= %s
"""  # noqa: S608 – names of our own columns
_FIELDS: Final = {"id": ">i4", "time": ">i8", **dict.fromkeys(MEASURES, ">f4")}


def described(connection: psycopg.Connection[Any]) -> list[Described]:
    """Every sensor that is stored."""
    return [Described(*row[1:]) for row in connection.execute(_DESCRIBED)]


def recover(connection: psycopg.Connection[Any], state: State, now: datetime) -> datetime:
    """Give `state` the last minutes before `now`; returns from when on Kafka has what may be missing."""
    rows = columns_of(connection, _READINGS, (now - KEPT, now + AHEAD), _FIELDS)
    sensors = connection.execute(_DESCRIBED).fetchall()  # after the readings: theirs are all there
    state.describe(Described(*row[1:]) for row in sensors)
    names = {row[0]: row[1] for row in sensors}
    times = rows["time"].astype(np.int64) + EPOCH_2000_US
    measures = np.array([rows[measure] for measure in MEASURES], np.float32)
    state.add(Observed([names[number] for number in rows["id"].tolist()], times, measures))
    return since(times, now)


def since(times: Iterable[int], now: datetime) -> datetime:
    """From when on Kafka is read where readings of these times, in microseconds, are known."""
    newest = max(times, default=None)
    if newest is None:
        return now - KEPT
    return min(now, EPOCH + int(newest) * MICROSECOND).astimezone(UTC) - OVERLAP
