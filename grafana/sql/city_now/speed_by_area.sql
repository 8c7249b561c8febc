SELECT time, coalesce(area, 'no area') AS metric, speed_kmh_sum / speed_kmh_count AS "speed"
FROM area_5m
WHERE $__timeFilter(time) AND speed_kmh_count > 0 AND coalesce(area, '') IN (${area:sqlstring})
ORDER BY time
