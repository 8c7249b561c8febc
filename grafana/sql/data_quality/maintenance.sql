SELECT rank, name, area, road, risk, reason, failures, silent_hours * 3600 AS "silent for", stuck_hours * 3600 AS "stuck for",
       missing_share AS "readings missed", last_failure AS "last failure", sensor_id
FROM maintenance
JOIN sensors ON id = sensor_id
WHERE coalesce(area, '') IN (${area:sqlstring})
ORDER BY rank
LIMIT 50
