SELECT lat, lon, replace(kind, '_', ' ') AS incident, severity, road, lanes_blocked AS "lanes blocked", started_at AS since,
       description
FROM incidents
WHERE cleared_at IS NULL AND lat IS NOT NULL AND lon IS NOT NULL
ORDER BY started_at DESC
LIMIT 200
