WITH shown AS (
    SELECT severity, started_at, coalesce(cleared_at, now()) AS ended_at
    FROM incidents
    WHERE started_at < $__timeTo() AND coalesce(cleared_at, now()) > $__timeFrom()
      AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
), steps AS (
    SELECT time
    FROM (SELECT ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 200 AS step) AS width
    CROSS JOIN generate_series($__timeFrom()::timestamptz, least($__timeTo(), now()), step) AS time
)
SELECT time,
       count(*) FILTER (WHERE severity = 'low') AS low,
       count(*) FILTER (WHERE severity = 'medium') AS medium,
       count(*) FILTER (WHERE severity = 'high') AS high,
       count(*) FILTER (WHERE severity = 'critical') AS critical
FROM steps
LEFT JOIN shown ON started_at <= time AND ended_at > time
GROUP BY time
ORDER BY time
