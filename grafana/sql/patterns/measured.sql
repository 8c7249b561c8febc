SELECT time, 'measured' AS metric, speed_kmh AS speed
FROM area_5m
WHERE $__timeFilter(time) AND area = ${subject:sqlstring} AND 'area' = ${subject_kind:sqlstring}
UNION ALL
SELECT readings_5m.time, 'measured', speed_kmh
FROM readings_5m
JOIN sensors ON id = sensor_id
WHERE $__timeFilter(readings_5m.time) AND external_id = ${subject:sqlstring} AND 'sensor' = ${subject_kind:sqlstring}
ORDER BY time
