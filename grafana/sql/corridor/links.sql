SELECT sensor_id, name, speed_kmh AS speed, free_flow_speed_kmh AS "free flow", speed_ratio AS ratio,
       level_of_service AS level, extract(epoch FROM age)::double precision AS age
FROM current_conditions
WHERE road || coalesce(' ' || direction, '') = ${road:sqlstring}
ORDER BY speed_ratio
