-- The newest forecast of each sensor for `ahead` after it was made, if that was lately. The index finds it by sensor and
-- time: of a time's forecasts only those that were made so long before count.
SELECT string_agg(int4send(asked.sensor_id) || float8send(found.speed_kmh::float8), '') AS packed
FROM unnest(CAST(:sensors AS integer[])) AS asked (sensor_id)
CROSS JOIN LATERAL (
    SELECT speed_kmh FROM predictions
    WHERE predictions.sensor_id = asked.sensor_id
      AND time > CAST(:now AS timestamptz) + CAST(:ahead AS interval) - CAST(:fresh AS interval)
      AND time <= CAST(:now AS timestamptz) + CAST(:ahead AS interval) AND time - made_at = CAST(:ahead AS interval)
    ORDER BY time DESC LIMIT 1
) AS found
