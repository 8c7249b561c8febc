SELECT sensor_id, name, started_at AS began, active_minutes AS active, mean_extent_m AS "mean queue",
       max_extent_m AS "longest queue", vehicle_hours_of_delay AS delay, delay_s_per_vehicle AS "delay of a vehicle",
       rank AS "rank of the day"
FROM bottlenecks
WHERE corridor = ${road:sqlstring} AND $__timeFilter(started_at)
  AND day >= $__timeFrom()::timestamptz::date - 1 AND day <= $__timeTo()::timestamptz::date + 1
ORDER BY vehicle_hours_of_delay DESC NULLS LAST, active_minutes DESC
LIMIT 50
