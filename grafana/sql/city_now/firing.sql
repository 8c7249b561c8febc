SELECT count(*) AS firing, count(*) FILTER (WHERE acknowledged_at IS NULL) AS "taken on by nobody"
FROM alerts
WHERE state = 'firing'
