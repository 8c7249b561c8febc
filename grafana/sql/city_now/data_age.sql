SELECT extract(epoch FROM min(age))::double precision AS age
FROM current_conditions
WHERE coalesce(area, '') IN (${area:sqlstring})
