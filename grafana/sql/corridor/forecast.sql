-- The newest prediction of each of the corridor's links for each time of the next hour; links without one take the
-- pace of the others.
WITH links AS (
    SELECT id, coalesce(length_m, 1000) AS weight
    FROM sensors
    WHERE road || coalesce(' ' || direction, '') = ${road:sqlstring} AND lat IS NOT NULL AND lon IS NOT NULL
), place AS (
    SELECT length_m FROM corridor_travel_times
    WHERE corridor = ${road:sqlstring} AND time BETWEEN $__timeTo()::timestamptz - interval '1 day' AND $__timeTo()
    LIMIT 1
)
SELECT time, length_m * 3.6 * sum(weight / greatest(speed_kmh, 1.6)) / sum(weight) AS forecast
FROM place
CROSS JOIN links
CROSS JOIN LATERAL (
    SELECT DISTINCT ON (time) time, speed_kmh
    FROM predictions
    WHERE sensor_id = links.id AND time > now() AND time <= now() + interval '1 hour' AND made_at > now() - interval '30 minutes'
    ORDER BY time, made_at DESC
) AS newest
GROUP BY time, length_m
ORDER BY time
