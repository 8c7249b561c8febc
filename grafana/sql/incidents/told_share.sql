WITH told AS (
    SELECT incident_id, min(time) AS told_at FROM incident_updates WHERE time >= $__timeFrom() GROUP BY incident_id
)
SELECT avg((told_at - started_at <= interval '5 minutes')::integer)::float8 AS share
FROM incidents
JOIN told ON incident_id = id
WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
