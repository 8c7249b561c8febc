-- Of all 5 minutes, or of the first of each hour where more than eight days are shown.
SELECT date_bin('$__interval', time, timestamptz 'epoch') AS time,
       format('%s. %s', lpad(ordinal::text, 2, '0'), name) AS metric, avg(speed_ratio) AS ratio
FROM congestion_scan
JOIN sensors ON sensors.id = sensor_id
WHERE $__timeFilter(time) AND congestion_scan.corridor = ${road:sqlstring}
  AND ($__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '8 days' OR extract(minute FROM time) = 0)
GROUP BY 1, 2
ORDER BY 1, 2
