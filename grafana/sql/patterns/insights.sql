WITH newest AS (
    SELECT id, span_end FROM spark_runs
    WHERE job = 'insights' AND status = 'succeeded' ORDER BY span_end DESC, started_at DESC LIMIT 1
)
SELECT replace(kind, '_', ' ') AS finding, rank, subject, value, unit, before, value / nullif(before, 0) - 1 AS change,
       (detail ->> 'good_share')::float8 AS "good data", span_end AS "span until"
FROM insights
JOIN newest ON id = run_id
ORDER BY kind <> 'total', kind, rank
