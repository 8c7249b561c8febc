SELECT started_at AS started, status, replace(kind, '_', ' ') AS kind, severity, road, area, lanes_blocked AS "lanes blocked",
       extract(epoch FROM coalesce(cleared_at, now()) - started_at)::float8 AS lasted, description,
       (SELECT min(sensors.id) FROM sensors WHERE external_id = ANY (incidents.sensors)) AS sensor_id
FROM incidents
WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
ORDER BY started_at DESC
LIMIT 100
