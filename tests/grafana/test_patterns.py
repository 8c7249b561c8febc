"""What analysts read of patterns: weeks and days by the city's clock, the newest findings."""

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import AsyncConnection

from schema.calendar import write_calendar
from tests.grafana.asking import ask, write
from tests.waiting import fetch_one
from urbanclear.settings import Settings

HOUR = timedelta(hours=1)
#: A cluster whose mean week counts its hours, in a city of New York's time zone.
SHAPE = b"""
    INSERT INTO sensors (external_id, name) VALUES ('test:1', 'one');
    INSERT INTO measures.links (sensor_id) SELECT id FROM sensors;
    INSERT INTO measures.definitions (algorithm_version, time_zone, planning_percentile, delay_speed_ratio,
                                      bottleneck_speed_kmh, bottleneck_drop_kmh)
    VALUES (1, 'America/New_York', 0.95, 1, 60, 20);
    INSERT INTO measures.reliability (day, sensor_id, period, travel_time_index, planning_time_index, buffer_index,
                                      buckets, definition_id)
    SELECT '2026-03-02', sensors.id, 'am peak', 1.5, 2, 0.5, 48, definitions.id FROM sensors, measures.definitions;
    INSERT INTO spark_runs (id, job, status, span_end, parameters, code_version) VALUES
        ('clusters-1', 'clusters', 'succeeded', '2026-03-09', '{}', '0'),
        ('insights-1', 'insights', 'succeeded', '2026-03-02', '{}', '0'),
        ('insights-2', 'insights', 'succeeded', '2026-03-09', '{}', '0'),
        ('insights-3', 'insights', 'failed', '2026-03-16', '{}', '0');
    INSERT INTO cluster_shapes (cluster, name, sensors, medoid_sensor_id, profile, silhouette, stability, run_id)
    SELECT 0, 'flat', 1, id, ARRAY(SELECT generate_series(0, 167)), 0.5, 1, 'clusters-1' FROM sensors;
    INSERT INTO insights (run_id, kind, rank, subject, value, unit, before, detail) VALUES
        ('insights-1', 'total', 1, 'delay', 10, 'vehicle hours', NULL, '{"good_share": 1}'),
        ('insights-2', 'bottleneck', 1, 'Canal Street', 5, 'vehicle hours', NULL, '{"good_share": null}'),
        ('insights-2', 'total', 1, 'delay', 15, 'vehicle hours', 10, '{"good_share": 0.98}');
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'area', 'Queens', 'weekday', minute, minute, 0, 0, 5, 'clusters-1'
    FROM generate_series(0, 1425, 15) AS minute;
"""
#: What is normal at a sensor, the same all day.
NORMAL = b"""
    INSERT INTO profiles (subject_kind, subject, day_type, minute, speed_kmh, lower_kmh, upper_kmh, days, run_id)
    SELECT 'sensor', 'test:1', day_type, minute, speed, 0, 99, 5, 'clusters-1'
    FROM (VALUES ('weekday', 30), ('saturday', 40), ('sunday', 50)) AS normal (day_type, speed),
         generate_series(0, 1425, 15) AS minute;
"""


@pytest.fixture
def found(database_url: str) -> str:
    write(database_url, SHAPE)
    return database_url


@pytest.mark.parametrize(
    ("time", "hour"),
    [
        (datetime(2026, 3, 2, 5, tzinfo=UTC), 0),  # Monday 0:00 in winter
        (datetime(2026, 3, 9, 4, tzinfo=UTC), 0),  # in summer
        (datetime(2026, 3, 8, 4, tzinfo=UTC), 143),  # Saturday 23:00
        (datetime(2026, 3, 9, 3, tzinfo=UTC), 167),  # Sunday 23:00
    ],
)
def test_a_cluster_s_week_is_laid_over_the_city_s(found: str, time: datetime, hour: int) -> None:
    (row,) = ask(found, "patterns/shapes", time, time + HOUR / 2)
    assert row == {"time": time, "metric": "0 flat", "share": hour}


def test_a_normal_day_is_laid_over_the_city_s(found: str) -> None:
    time = datetime(2026, 3, 2, 13, 20, tzinfo=UTC)
    first, second = ask(found, "patterns/normal", time, time + HOUR / 4, subject_kind=["area"], subject=["Queens"])
    assert (first["time"], first["speed"]) == (time - timedelta(minutes=5), 8 * 60 + 15)
    assert (second["time"], second["speed"]) == (time + timedelta(minutes=10), 8 * 60 + 30)


@pytest.mark.parametrize(
    ("day", "speed"),
    [(25, 30), (26, 50), (27, 30), (28, 40), (29, 50)],  # from the day before Thanksgiving to the Sunday after it
)
async def test_normal_on_a_public_holiday_is_a_sunday_s(found: str, day: int, speed: int) -> None:
    write(found, NORMAL)
    async with await AsyncConnection.connect(found, autocommit=True) as connection:
        await write_calendar(connection, Settings(holidays="US"))
    time, sensor = datetime(2026, 11, day, 17, tzinfo=UTC), await fetch_one(found, "SELECT id FROM sensors")
    (row,) = ask(found, "sensor/normal", time, time + HOUR / 5, sensor=[str(sensor)])
    assert (row["time"], row["normal"]) == (time, speed)


def test_the_newest_run_that_succeeded_tells_what_was_notable(found: str) -> None:
    now = datetime.now(UTC)
    rows = [
        (row["finding"], row["value"], row["change"], row["good data"])
        for row in ask(found, "patterns/insights", now, now)
    ]
    assert rows == [("total", 15, 0.5, 0.98), ("bottleneck", 5, None, None)]
