SELECT day::timestamp AT TIME ZONE time_zone AS time, coalesce(area, 'no area') AS metric, sum(vehicle_hours_of_delay) AS delay
FROM delay_daily
WHERE $__timeFilter(day) AND coalesce(area, '') IN (${area:sqlstring})
GROUP BY 1, 2
ORDER BY 1, 2
