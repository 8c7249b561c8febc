SELECT sensor_id, name, area, concat_ws(' ', road, direction) AS road, speed_kmh AS speed,
       free_flow_speed_kmh AS "free flow", speed_ratio AS ratio, level_of_service AS level, time
FROM current_conditions
WHERE age < interval '15 minutes' AND speed_ratio IS NOT NULL AND coalesce(area, '') IN (${area:sqlstring})
ORDER BY speed_ratio
LIMIT 10
