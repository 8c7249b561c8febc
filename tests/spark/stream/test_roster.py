"""Which readings of a batch reach the detector, and by what name; and that Spark reads messages as ingest does."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from schema.events import Reading, encode_readings
from schema.quality import UNKNOWN_LANES
from spark.stream.readings import parsed
from spark.stream.roster import Roster

TIME = datetime(2026, 3, 4, 8, tzinfo=UTC)
EPOCH = TIME.timestamp()
BOUNDS = (EPOCH - 3_600, EPOCH + 300)
ROSTER = Roster(
    {"t:1": 0, "t:2": 1}, np.array([11, 12]), np.array([0, 1], np.int8), np.array([2, UNKNOWN_LANES], np.int16)
)


def batch(*rows: dict[str, Any]) -> pa.Table:
    usual = {"sensor": "t:1", "time_us": int(EPOCH * 1e6), "speed_kmh": None, "volume_vph": None}
    schema = pa.schema(
        [("sensor", pa.string()), ("time_us", pa.int64())]
        + [(name, pa.float32()) for name in ("speed_kmh", "volume_vph", "occupancy", "travel_time_s")]
    )
    return pa.Table.from_pylist([{**usual, **row} for row in rows], schema=schema)


@pytest.mark.parametrize(
    "row",
    [
        {"sensor": "t:9", "speed_kmh": 50.0},
        {"speed_kmh": -1.0},
        {"speed_kmh": 170.0},
        {"volume_vph": 6_001.0},
        {"speed_kmh": 0.0, "volume_vph": 60.0},
        {"speed_kmh": 50.0, "occupancy": 0.99},
        {"occupancy": 0.2},
        {"speed_kmh": 50.0, "time_us": int((EPOCH + 301) * 1e6)},
        {"speed_kmh": 50.0, "time_us": int((EPOCH - 3_601) * 1e6)},
    ],
)
def test_what_nobody_knows_or_believes_or_that_says_nothing_is_left_out(row: dict[str, Any]) -> None:
    good = {"sensor": "t:2", "speed_kmh": 170.0, "volume_vph": 900.0}
    found = ROSTER.readings(batch(good, row), BOUNDS)
    assert (found.sensor_ids.tolist(), found.epochs.tolist()) == ([12], [EPOCH])
    assert (found.speeds_kmh.tolist(), found.volumes_vph.tolist()) == ([170.0], [900.0])
    assert found.unknown == (["t:9"] if row.get("sensor") == "t:9" else [])


def test_a_batch_may_be_empty() -> None:
    assert len(ROSTER.readings(batch(), BOUNDS)) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["t:1", "t:2", "t:3"]),
            st.timedeltas(timedelta(0), timedelta(minutes=4)),
            st.floats(1, 100, width=32),
        ),
        max_size=30,
    )
)
def test_every_reading_keeps_its_sensor_time_and_speed(told: list[tuple[str, timedelta, float]]) -> None:
    rows: list[dict[str, Any]] = [
        {"sensor": name, "time_us": int(EPOCH * 1e6) + past // timedelta(microseconds=1), "speed_kmh": speed}
        for name, past, speed in told
    ]
    found = ROSTER.readings(batch(*rows), BOUNDS)
    ids = {"t:1": 11, "t:2": 12}
    wanted = [(ids[row["sensor"]], row["time_us"] / 1e6, row["speed_kmh"]) for row in rows if row["sensor"] in ids]
    assert list(zip(found.sensor_ids, found.epochs, found.speeds_kmh, strict=True)) == wanted


def test_spark_reads_one_reading_an_array_of_them_and_nothing_else(session: SparkSession) -> None:
    one = Reading(sensor="t:1", time=TIME + timedelta(microseconds=250_001), speed_kmh=50.5)
    other = Reading(sensor="t:2", time=TIME, volume_vph=600, occupancy=0.1, travel_time_s=30)
    elsewhere = '{"sensor": "t:3", "time": "2026-03-04T09:00:00+01:00", "speed_kmh": 1, "new_field": {"a": [1]}}'
    naive = '{"sensor": "t:4", "time": "2026-03-04T09:00:00", "speed_kmh": 1}'
    values: list[bytes | None] = [
        encode_readings([one]),
        encode_readings([one, other]),
        elsewhere.encode(),
        naive.encode(),
        json.dumps({"sensor": "t:5", "time": "2026-13-04T09:00:00Z", "speed_kmh": 1}).encode(),
        *(b"", b"null", b"7", b'"text"', b"[[]]", b"{", b"\xff\xfe", b"[" * 50_000, b'[null, 1, {"sensor": null}]'),
        None,
    ]
    rows = [(bytearray(value) if value is not None else None,) for value in values]
    messages = session.createDataFrame(rows, "value binary").withColumn("timestamp", f.timestamp_millis(f.lit(1_000)))
    found = parsed(messages).toArrow().to_pylist()
    micros = int(EPOCH * 1e6)
    assert [(row["sensor"], row["time_us"] - micros) for row in found] == [
        ("t:1", 250_001),
        ("t:1", 250_001),
        ("t:2", 0),
        ("t:3", 0),
    ]
    assert [row["published_ms"] for row in found] == [1_000] * 4
    assert found[2]["volume_vph"] == 600
    assert found[2]["speed_kmh"] is None
