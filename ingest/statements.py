"""The SQL that ingest runs, each statement named. All are idempotent: running one twice is running it once."""

from typing import Final

from schema.events import Event, Incident, Weather

#: Which time series the row of an event other than a reading goes to.
SERIES_OF: Final[dict[type[Event], str]] = {
    Weather: "weather",
    Incident: "incident_updates",
}

COPY_READINGS: Final = """
    COPY readings (sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s, flag) FROM STDIN (FORMAT binary)
"""

STAGING: Final = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_readings (
        sensor_id integer, time timestamptz, speed_kmh real, volume_vph real, occupancy real, travel_time_s real,
        flag smallint
    ) ON COMMIT DELETE ROWS
"""

COPY_STAGED: Final = "COPY staged_readings FROM STDIN (FORMAT binary)"

INSERT_STAGED: Final = """
    INSERT INTO readings (sensor_id, time, speed_kmh, volume_vph, occupancy, travel_time_s, flag)
    SELECT * FROM staged_readings
    ON CONFLICT (sensor_id, time) DO NOTHING
"""

EMPTY_STAGING: Final = "TRUNCATE staged_readings"

# Sorted, so that two writers that share sensors take turns instead of each other's locks. Times come without an
# offset.
UPSERT_LATEST: Final = """
    INSERT INTO latest_readings AS known (
        sensor_id, time, unchanged_since, unchanged, speed_kmh, volume_vph, occupancy, travel_time_s
    )
    SELECT sensor_id, time AT TIME ZONE 'UTC', since AT TIME ZONE 'UTC', unchanged,
           nullif(speed_kmh, 'NaN'), nullif(volume_vph, 'NaN'), nullif(occupancy, 'NaN'), nullif(travel_time_s, 'NaN')
    FROM unnest(
        %b::integer[], %b::timestamp[], %b::timestamp[], %b::integer[], %b::real[], %b::real[], %b::real[], %b::real[]
    ) AS new (sensor_id, time, since, unchanged, speed_kmh, volume_vph, occupancy, travel_time_s)
    ORDER BY 1
    ON CONFLICT (sensor_id) DO UPDATE SET
        time = excluded.time, unchanged_since = excluded.unchanged_since, unchanged = excluded.unchanged,
        speed_kmh = excluded.speed_kmh, volume_vph = excluded.volume_vph, occupancy = excluded.occupancy,
        travel_time_s = excluded.travel_time_s
    WHERE excluded.time > known.time
"""

# Conflicts are looked for first, so that a known sensor does not use up an id.
REGISTER_SENSORS: Final = """
    INSERT INTO sensors (external_id, name)
    SELECT new.id, new.id FROM unnest(%s::text[]) AS new (id)
    WHERE NOT EXISTS (SELECT FROM sensors WHERE external_id = new.id)
    ON CONFLICT (external_id) DO NOTHING
"""

KNOWN_SENSORS: Final = """
    SELECT external_id, id, kind, lanes,
           (SELECT time FROM readings WHERE readings.sensor_id = id ORDER BY time DESC LIMIT 1) AS seen,
           time, unchanged_since, unchanged, speed_kmh, volume_vph, occupancy, travel_time_s
    FROM sensors LEFT JOIN latest_readings ON sensor_id = id WHERE external_id = ANY (%s)
"""

NEWEST_STORED: Final = """
    SELECT newest.* FROM unnest(%s::integer[]) AS asked (sensor_id) LEFT JOIN LATERAL (
        SELECT time, speed_kmh, volume_vph, occupancy, travel_time_s FROM readings
        WHERE readings.sensor_id = asked.sensor_id AND flag IS NULL ORDER BY time DESC LIMIT 1
    ) AS newest ON true
"""

DESCRIBED_SENSORS: Final = """
    SELECT external_id, id, kind, lanes FROM sensors WHERE updated_at > now() - make_interval(secs => %s)
"""

# What a newer description leaves out stays as it was; a sensor that is only named after its id keeps its known name.
UPSERT_SENSOR: Final = """
    INSERT INTO sensors (external_id, name, kind, area, road, direction, lat, lon, geometry, length_m,
                         free_flow_speed_kmh, lanes)
    VALUES (%(external_id)s, %(name)s, %(kind)s, %(area)s, %(road)s, %(direction)s, %(lat)s, %(lon)s, %(geometry)s,
            %(length_m)s, %(free_flow_speed_kmh)s, %(lanes)s)
    ON CONFLICT (external_id) DO UPDATE SET
        name = CASE WHEN excluded.name = excluded.external_id THEN sensors.name ELSE excluded.name END,
        kind = excluded.kind,
        area = coalesce(excluded.area, sensors.area),
        road = coalesce(excluded.road, sensors.road),
        direction = coalesce(excluded.direction, sensors.direction),
        lat = coalesce(excluded.lat, sensors.lat),
        lon = coalesce(excluded.lon, sensors.lon),
        geometry = coalesce(excluded.geometry, sensors.geometry),
        length_m = coalesce(excluded.length_m, sensors.length_m),
        free_flow_speed_kmh = coalesce(excluded.free_flow_speed_kmh, sensors.free_flow_speed_kmh),
        lanes = coalesce(excluded.lanes, sensors.lanes),
        updated_at = now()
"""

# An older state that arrives late does not overwrite a newer one. A cleared incident stays so, unless it is
# reported anew. Sensors that were found by its place hold until its source names some, or another place.
UPSERT_INCIDENT: Final = """
    INSERT INTO incidents (id, time, status, kind, severity, started_at, cleared_at, description, sensors, area, road,
                           direction, lat, lon, lanes_blocked)
    VALUES (%(id)s, %(time)s, %(status)s, %(kind)s, %(severity)s, %(started_at)s,
            CASE WHEN %(status)s = 'cleared' THEN %(time)s END,
            %(description)s, %(sensors)s, %(area)s, %(road)s, %(direction)s, %(lat)s, %(lon)s, %(lanes_blocked)s)
    ON CONFLICT (id) DO UPDATE SET
        (sensors, placed_at) = (
            SELECT CASE WHEN holds THEN incidents.sensors ELSE excluded.sensors END,
                   CASE WHEN holds THEN incidents.placed_at END
            FROM (SELECT excluded.sensors = '{}' AND incidents.placed_at IS NOT NULL
                     AND (excluded.lat, excluded.lon, excluded.road, excluded.direction) IS NOT DISTINCT FROM
                         (incidents.lat, incidents.lon, incidents.road, incidents.direction) AS holds) AS placed),
        time = excluded.time, status = excluded.status, kind = excluded.kind, severity = excluded.severity,
        started_at = excluded.started_at, cleared_at = excluded.cleared_at, description = excluded.description,
        area = excluded.area, road = excluded.road, direction = excluded.direction, lat = excluded.lat,
        lon = excluded.lon, lanes_blocked = excluded.lanes_blocked
    WHERE excluded.time >= incidents.time
          AND (incidents.status <> 'cleared' OR excluded.status = 'reported' AND excluded.time > incidents.time)
"""

INSERT_INCIDENT_UPDATE: Final = """
    INSERT INTO incident_updates (incident_id, time, status, severity, description, lanes_blocked)
    VALUES (%(id)s, %(time)s, %(status)s, %(severity)s, %(description)s, %(lanes_blocked)s)
    ON CONFLICT (incident_id, time, status) DO NOTHING
"""

INSERT_WEATHER: Final = """
    INSERT INTO weather (station, time, temperature_c, precipitation_mm, wind_speed_kmh, visibility_m, condition)
    VALUES (%(station)s, %(time)s, %(temperature_c)s, %(precipitation_mm)s, %(wind_speed_kmh)s, %(visibility_m)s,
            %(condition)s)
    ON CONFLICT (station, time) DO NOTHING
"""
