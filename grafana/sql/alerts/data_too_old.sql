SELECT extract(epoch FROM now() - max(time))::float8 AS age_s
FROM current_conditions
HAVING count(*) > 0
