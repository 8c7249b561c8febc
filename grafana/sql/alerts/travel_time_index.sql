SELECT avg(greatest(1, 1 / nullif(speed_ratio, 0)))::float8 AS travel_time_index
FROM current_conditions
WHERE age < interval '15 minutes' AND speed_ratio > 0
HAVING count(*) > 0
