SELECT anomalies.time AS began, extract(epoch FROM coalesce(ended_at, now()) - anomalies.time)::float8 AS lasted,
       CASE WHEN ended_at IS NULL THEN 'lasts' ELSE 'over' END AS state, replace(anomalies.kind, '_', ' ') AS kind,
       name, area, score, expected, observed, sensor_id
FROM anomalies
JOIN sensors ON id = sensor_id
WHERE $__timeFilter(anomalies.time) AND coalesce(area, '') IN (${area:sqlstring})
ORDER BY anomalies.time DESC
LIMIT 100
