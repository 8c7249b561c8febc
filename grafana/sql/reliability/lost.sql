SELECT sum(vehicle_hours_of_delay) AS delay,
       sum(vehicle_hours_of_delay) * (${occupancy:sqlstring})::float8 * (${value_of_time:sqlstring})::float8 AS cost
FROM delay_daily
WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring})
