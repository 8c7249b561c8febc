SELECT time, CASE WHEN area = 'unassigned' THEN 'no area' ELSE area END AS metric, speed_kmh_sum / speed_kmh_count AS speed
FROM area_5m
WHERE $__timeFilter(time) AND speed_kmh_count > 0 AND coalesce(nullif(area, 'unassigned'), '') IN (${area:sqlstring})
ORDER BY time, metric
