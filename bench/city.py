"""A city made by SQL: detectors on roads, 20 to each, whose speeds follow the hour of day with noise."""

from typing import Final

SENSORS: Final = 1_000

SENSORS_SQL: Final = f"""
    INSERT INTO sensors (external_id, name, kind, area, road, direction, lat, lon, length_m, free_flow_speed_kmh)
    SELECT 'bench:' || n, 'Sensor ' || n, 'detector', 'area ' || n % 5, 'Road ' || (n - 1) / 20, 'N',
           40 + (n - 1) % 20 * 0.009, -74 + (n - 1) / 20 * 0.01, 1000, 100
    FROM generate_series(1, {SENSORS}) AS n
"""
DAY_SQL: Final = """
    INSERT INTO {table} (sensor_id, time, speed_kmh, volume_vph, occupancy)
    SELECT sensor, time,
           round((70 + 25 * sin(extract(epoch FROM time) / 13750) + noise %% 1000 / 200.0)::numeric, 1),
           120 * ((600 - 400 * sin(extract(epoch FROM time) / 13750) + noise %% 300) / 120)::integer,
           round((0.1 - 0.05 * sin(extract(epoch FROM time) / 13750) + noise %% 100 / 10000.0)::numeric, 3)
    FROM generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 second', %(interval)s) AS time,
         generate_series(1, %(sensors)s) AS sensor,
         LATERAL (SELECT hashint4(sensor * 7919 + extract(epoch FROM time)::integer) & 1048575 AS noise) AS hashed
"""
LATEST_SQL: Final = """
    INSERT INTO latest_readings
    SELECT DISTINCT ON (sensor_id) sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s
    FROM readings WHERE time >= %(start)s ORDER BY sensor_id, time DESC
"""
