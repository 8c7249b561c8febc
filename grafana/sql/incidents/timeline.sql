WITH shown AS (
    SELECT *, array_position('{low,medium,high,critical}'::text[], severity) AS grade,
           coalesce(cleared_at, now()) AS ended_at
    FROM incidents
    WHERE started_at < $__timeTo() AND coalesce(cleared_at, now()) > $__timeFrom()
      AND coalesce(area, '') IN (${area:sqlstring}) AND severity IN (${severity:sqlstring})
    ORDER BY cleared_at IS NULL DESC, grade DESC, started_at DESC
    LIMIT 20
), named AS (
    SELECT grade, started_at, ended_at,
           format('%s. %s', row_number() OVER (ORDER BY started_at), concat_ws(', ', replace(kind, '_', ' '), road, area)) AS incident
    FROM shown
), steps AS (
    SELECT time, step
    FROM (SELECT ($__timeTo()::timestamptz - $__timeFrom()::timestamptz) / 200 AS step) AS width
    CROSS JOIN generate_series($__timeFrom()::timestamptz, $__timeTo()::timestamptz, step) AS time
)
SELECT time, incident AS metric, CASE WHEN started_at < time + step AND ended_at > time THEN grade END AS severity
FROM steps
CROSS JOIN named
ORDER BY time, started_at
