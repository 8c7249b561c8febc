SELECT started_at, job, status, extract(epoch FROM coalesce(ended_at, now()) - started_at) AS took_s, rows_in, rows_out,
       coalesce(error, '') AS error
FROM spark_runs
ORDER BY started_at DESC
LIMIT 20
