SELECT time, coalesce(ended_at, now()) AS "timeEnd", replace(kind, '_', ' ') AS title,
       format('Expected %s, observed %s; %s deviations from normal', round(expected::numeric, 1), round(observed::numeric, 1),
              round(score::numeric, 1)) AS text,
       'anomaly' AS tags
FROM anomalies
WHERE sensor_id = ${sensor:sqlstring} AND $__timeFilter(time)
ORDER BY time
LIMIT 500
