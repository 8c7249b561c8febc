SELECT replace(kind, '_', ' ') AS kind,
       count(*) FILTER (WHERE severity = 'low') AS low,
       count(*) FILTER (WHERE severity = 'medium') AS medium,
       count(*) FILTER (WHERE severity = 'high') AS high,
       count(*) FILTER (WHERE severity = 'critical') AS critical
FROM incidents
WHERE $__timeFilter(started_at) AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
GROUP BY kind
ORDER BY count(*) DESC
