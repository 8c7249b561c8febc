SELECT date_bin('$__interval', anomalies.time, timestamptz 'epoch') AS time, replace(anomalies.kind, '_', ' ') AS metric, count(*) AS anomalies
FROM anomalies
JOIN sensors ON id = sensor_id
WHERE $__timeFilter(anomalies.time) AND coalesce(area, '') IN (${area:sqlstring})
GROUP BY 1, 2
ORDER BY 1, 2
