SELECT extract(epoch FROM min(age))::float8 AS age
FROM current_conditions
WHERE coalesce(area, '') IN (${area:sqlstring})
