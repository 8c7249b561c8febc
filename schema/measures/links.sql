-- Each sensor's place along its corridor (road and direction), its length, its free-flow speed and its rhythm.
-- The order along a corridor is that of the compass direction it is named after. Where a sensor has no free-flow
-- speed of its own, it is the 85th percentile of its hourly mean speeds in the 30 days before `newest` (FHWA's Urban
-- Congestion Report takes that percentile of off-peak speeds). Distances: spherical law of cosines, 111,195 m a degree.
WITH placed AS (
    SELECT id, lat, lon, length_m, free_flow_speed_kmh,
           CASE WHEN lat IS NOT NULL AND lon IS NOT NULL THEN road || coalesce(' ' || direction, '') END AS corridor,
           CASE upper(left(direction, 1)) WHEN 'N' THEN lat WHEN 'S' THEN -lat WHEN 'W' THEN -lon ELSE lon END AS along
    FROM sensors
), gaps AS (
    SELECT *, coalesce(111195 * acosd(least(1, sind(lat) * sind(lag(lat) OVER way)
               + cosd(lat) * cosd(lag(lat) OVER way) * cosd(lon - lag(lon) OVER way))), 0) AS gap_m
    FROM placed
    WINDOW way AS (PARTITION BY corridor ORDER BY along, id)
), lined AS (
    SELECT id, corridor,
           CASE WHEN corridor IS NOT NULL THEN row_number() OVER way END AS ordinal,
           CASE WHEN corridor IS NOT NULL THEN sum(gap_m) OVER way END AS position_m,
           coalesce(length_m, CASE WHEN corridor IS NOT NULL
               THEN nullif((gap_m + coalesce(lead(gap_m) OVER way, 0)) / 2, 0) END) AS length_m,
           free_flow_speed_kmh
    FROM gaps
    WINDOW way AS (PARTITION BY corridor ORDER BY along, id)
), history AS (
    SELECT sensor_id,
           percentile_cont(0.85) WITHIN GROUP (ORDER BY speed_kmh) AS free_flow_speed_kmh,
           percentile_disc(0.9) WITHIN GROUP (ORDER BY readings)
               FILTER (WHERE time >= %(newest)s::timestamptz - interval '7 days') AS readings_per_hour
    FROM readings_1h
    WHERE time >= %(newest)s::timestamptz - interval '30 days' AND time <= %(newest)s::timestamptz
    GROUP BY sensor_id
)
INSERT INTO measures.links AS known
    (sensor_id, corridor, ordinal, position_m, length_m, free_flow_speed_kmh, readings_per_hour)
SELECT id, corridor, ordinal, position_m, length_m,
       coalesce(nullif(lined.free_flow_speed_kmh, 0), nullif(history.free_flow_speed_kmh, 0)), readings_per_hour
FROM lined LEFT JOIN history ON sensor_id = id
ON CONFLICT (sensor_id) DO UPDATE SET
    corridor = excluded.corridor, ordinal = excluded.ordinal, position_m = excluded.position_m,
    length_m = excluded.length_m,
    free_flow_speed_kmh = coalesce(excluded.free_flow_speed_kmh, known.free_flow_speed_kmh),
    readings_per_hour = coalesce(excluded.readings_per_hour, known.readings_per_hour)
