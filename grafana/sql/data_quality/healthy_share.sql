SELECT avg(coalesce(healthy, false)::integer)::float8 AS share
FROM sensor_health
WHERE coalesce(area, '') IN (${area:sqlstring})
