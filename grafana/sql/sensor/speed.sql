-- Of 5 minutes, or of an hour where more than eight days are shown.
SELECT time, speed_kmh AS speed
FROM readings_5m
WHERE $__timeFilter(time) AND sensor_id = ${sensor:sqlstring}
  AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '8 days'
UNION ALL
SELECT time, speed_kmh
FROM readings_1h
WHERE $__timeFilter(time) AND sensor_id = ${sensor:sqlstring}
  AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz > interval '8 days'
ORDER BY time
