SELECT extract(epoch FROM now() - max(started_at))::float8 AS age_s
FROM spark_runs
WHERE status = 'succeeded'
HAVING count(*) > 0
