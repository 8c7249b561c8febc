SELECT sum(least(readings, expected_readings))::float8 / nullif(sum(expected_readings), 0) AS share
FROM sensor_health
WHERE expected_readings > 0 AND coalesce(area, '') IN (${area:sqlstring})
