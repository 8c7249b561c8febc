SELECT time, volume_vph AS volume, occupancy
FROM readings_5m
WHERE $__timeFilter(time) AND sensor_id = ${sensor:sqlstring}
  AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz <= interval '8 days'
UNION ALL
SELECT time, volume_vph, occupancy
FROM readings_1h
WHERE $__timeFilter(time) AND sensor_id = ${sensor:sqlstring}
  AND $__timeTo()::timestamptz - $__timeFrom()::timestamptz > interval '8 days'
ORDER BY time
