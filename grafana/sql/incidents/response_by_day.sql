WITH zone AS (
    SELECT coalesce((SELECT time_zone FROM reliability_daily LIMIT 1), 'UTC') AS time_zone
), told AS (
    SELECT incident_id, min(time) AS told_at FROM incident_updates WHERE time >= $__timeFrom() GROUP BY incident_id
)
SELECT date_trunc('day', started_at, time_zone) AS time,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM told_at - started_at)::float8) AS told,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM cleared_at - started_at)::float8) AS cleared
FROM incidents
CROSS JOIN zone
LEFT JOIN told ON incident_id = id
WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
GROUP BY 1
ORDER BY 1
