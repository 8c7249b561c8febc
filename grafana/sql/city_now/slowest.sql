SELECT sensor_id, name, area, road, direction, speed_kmh, free_flow_speed_kmh, speed_ratio, level_of_service, time
FROM current_conditions
WHERE age < interval '15 minutes' AND speed_ratio IS NOT NULL AND coalesce(area, '') IN (${area:sqlstring})
ORDER BY speed_ratio
LIMIT 10
