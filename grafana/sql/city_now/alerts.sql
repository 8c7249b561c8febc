SELECT sensors.id AS sensor_id, alerts.name, priority, rule, summary, value, fired_at AS since, acknowledged_by AS "taken on by"
FROM alerts
LEFT JOIN sensors ON external_id = subject
WHERE state = 'firing'
ORDER BY array_position('{low,medium,high,critical}'::text[], priority) DESC, fired_at DESC
LIMIT 50
