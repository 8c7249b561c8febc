SELECT sensors.id AS sensor_id, incidents.kind, severity, coalesce(incidents.road, incidents.area) AS place,
       lanes_blocked AS "lanes blocked", started_at AS since, incidents.description
FROM incidents
LEFT JOIN sensors ON external_id = incidents.sensors[1]
WHERE cleared_at IS NULL
ORDER BY array_position('{low,medium,high,critical}'::text[], severity) DESC, started_at DESC
LIMIT 50
