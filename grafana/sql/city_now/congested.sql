SELECT count(*) FILTER (WHERE level_of_service IN ('E', 'F'))::double precision / nullif(count(*), 0) AS congested
FROM current_conditions
WHERE age < interval '15 minutes' AND speed_ratio IS NOT NULL AND coalesce(area, '') IN (${area:sqlstring})
