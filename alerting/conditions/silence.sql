-- Sensors whose newest good reading is old, and the age of their newest reading of any kind since: a sensor whose
-- readings are flagged is in trouble, and not silent.
SELECT sensor_id, extract(epoch FROM CAST(:now AS timestamptz) - heard.time)::float8 AS age_s
FROM unnest(CAST(:sensors AS integer[])) AS asked (sensor_id)
CROSS JOIN LATERAL (
    SELECT max(time) AS time FROM readings
    WHERE readings.sensor_id = asked.sensor_id AND time >= CAST(:since AS timestamptz) AND time <= CAST(:now AS timestamptz)
) AS heard
WHERE heard.time IS NOT NULL
