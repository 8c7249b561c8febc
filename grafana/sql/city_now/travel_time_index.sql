SELECT avg(greatest(1, 1 / nullif(speed_ratio, 0))) AS travel_time_index
FROM current_conditions
WHERE age < interval '15 minutes' AND coalesce(area, '') IN (${area:sqlstring})
