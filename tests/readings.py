"""Readings written by SQL, for tests that are not about ingest."""

from typing import Final

#: What ingest does beside storing readings; to be run after writing some in another way.
NOTE_LATEST: Final = """
    INSERT INTO latest_readings
    SELECT DISTINCT ON (sensor_id) sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s
    FROM readings WHERE flag IS NULL ORDER BY sensor_id, time DESC
    ON CONFLICT (sensor_id) DO UPDATE SET
        time = excluded.time, speed_kmh = excluded.speed_kmh, volume_vph = excluded.volume_vph,
        occupancy = excluded.occupancy, travel_time_s = excluded.travel_time_s
"""
