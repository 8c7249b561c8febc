SELECT (count(*) FILTER (WHERE age > interval '15 minutes'))::float8 / count(*) AS silent_share
FROM current_conditions
WHERE age < interval '1 day'
HAVING count(*) > 0
