SELECT date_bin('$__interval', time, timestamptz 'epoch') AS time,
       format('%s. %s', lpad(ordinal::text, 2, '0'), name) AS metric, avg(speed_ratio) AS ratio
FROM congestion_scan
JOIN sensors ON sensors.id = sensor_id
WHERE $__timeFilter(time) AND congestion_scan.corridor = ${road:sqlstring}
GROUP BY 1, 2
ORDER BY 1, 2
