SELECT avg(reporting_share) AS share
FROM sensor_health
WHERE expected_readings > 0 AND coalesce(area, '') IN (${area:sqlstring})
