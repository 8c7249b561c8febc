-- A link is up to eleven dots along its line, which look like one.
SELECT sensor_id, current_conditions.name, point.lat, point.lon, speed_kmh AS speed, speed_ratio AS ratio,
       level_of_service AS level
FROM current_conditions
JOIN sensors ON sensors.id = sensor_id
CROSS JOIN LATERAL (
    SELECT coalesce((place ->> 1)::double precision, sensors.lat) AS lat,
           coalesce((place ->> 0)::double precision, sensors.lon) AS lon
    FROM (SELECT CASE geometry ->> 'type' WHEN 'LineString' THEN geometry -> 'coordinates' ELSE '[null]' END AS places) AS line
    CROSS JOIN jsonb_array_elements(places) WITH ORDINALITY AS along (place, number)
    WHERE number % (jsonb_array_length(places) / 10 + 1) = 0 OR number = 1
) AS point
WHERE age < interval '15 minutes' AND speed_ratio IS NOT NULL AND point.lat IS NOT NULL
  AND coalesce(current_conditions.area, '') IN (${area:sqlstring})
