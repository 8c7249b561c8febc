SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM cleared_at - started_at)::float8) AS seconds
FROM incidents
WHERE cleared_at IS NOT NULL AND $__timeFilter(started_at)
  AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
